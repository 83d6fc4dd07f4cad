"""The training of a generator: two sizes, then the prior."""

import functools
import time

import keras
import numpy as np

from tp_keras.command_line import train_command
from tp_keras.config import BFLOAT16
from tp_keras.config import FLOAT32
from tp_keras.data.source import load_portraits
from tp_keras.data.splits import resolve_splits
from tp_keras.errors import UserError
from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.generator.model import Eigenfaces
from tp_keras.generator.model import LikelihoodObjective
from tp_keras.generator.model import PortraitVAE
from tp_keras.generator.model import SharpObjective
from tp_keras.generator.model.conditions import OneHotLabels
from tp_keras.generator.model.geometry import halve
from tp_keras.generator.model.geometry import scale_pixels
from tp_keras.generator.priors.fitting import LEAST_PORTRAITS
from tp_keras.generator.training.batches import as_inputs
from tp_keras.generator.training.batches import training_batches
from tp_keras.generator.training.batches import validation_batches
from tp_keras.generator.training.callbacks import CollapseGuard
from tp_keras.generator.training.callbacks import KLWarmup
from tp_keras.generator.training.callbacks import SavedEveryEpoch
from tp_keras.generator.training.folder import VaeRunFolder
from tp_keras.generator.training.pictures import EpochPictures
from tp_keras.generator.training.prior_fit import fit_prior
from tp_keras.models.optimizers import FusedAdamW
from tp_keras.models.optimizers import cosine_schedule
from tp_keras.quiet import verbosity
from tp_keras.runs.callbacks import EpochCurves
from tp_keras.runs.callbacks import EpochSeeds
from tp_keras.runs.precision import has_bfloat16_instructions
from tp_keras.runs.precision import layers_in
from tp_keras.runs.run_folder import RunFolder

# Of the portraits that the linear path is fitted to: more change nothing.
_MOST_FOR_EIGENFACES = 10_000
_LINEAR_LAYERS = ("linear_mean", "linear_image", "label_mean")


class VaeTrainer:
    """Trains the generator of an experiment.

    First at 54x42, where a step is cheap, then at 108x84 with a new optimizer
    and the weights that were learned; then the prior is fitted to the latents
    of the training portraits. The same call resumes what was interrupted, with
    the result of a training without interruption.

    Args:
        config: `VaeExperimentConfig`.
        progress: Whether to show bars and tell what happens.

    Example:
        >>> run = VaeTrainer(VaeExperimentConfig(run_dir="runs/first")).fit()
        >>> run.load_model().prior
        <GaussianMixturePrior ...>
    """

    def __init__(self, config: VaeExperimentConfig, progress: bool = True):
        self.config = config
        self.progress = progress
        self.run = VaeRunFolder(config.run_dir)

    def fit(self) -> VaeRunFolder:
        """Trains to the end, from the beginning or from the last backup.

        Raises:
            UserError: If data or classifier are missing, the folder belongs to
                another configuration or other data, or the training fails.
        """
        self.config = self.run.settle(
            self.config, lambda data: resolve_splits(data, self._say)
        )
        if self.run.is_finished:
            self.run.check_data(self._load)
            self._say(f"{self.run.path} is finished; nothing to train.")
            return self.run
        objective = None if self.run.is_trained else self._objective()
        keras.utils.set_random_seed(self.config.training.seed)
        train, validation = self._load("train"), self._load("validation")
        if len(train) < LEAST_PORTRAITS:
            raise UserError(
                f"Expected at least {LEAST_PORTRAITS} training portraits: a "
                "prior can't be fitted to fewer. Give a larger --train_split. "
                f"Received: {len(train)} of {train.dataset} {train.split}"
            )
        self.run.check_fingerprints(
            fingerprints := {
                "train": train.fingerprint,
                "validation": validation.fingerprint,
            }
        )
        if not self.run.is_trained:
            vae = self._build(train)
            batches = training_batches(train, self.config)
        # Only now: a refusal leaves no folder behind.
        self.run.claim(self.config)
        self.run.record(
            fingerprints=fingerprints,
            dataset=train.dataset,
            precision=self.precision,
        )
        if not self.run.is_trained:
            for grown in (False, True):
                self._fit_stage(vae, grown, objective, batches, validation)
            self.run.record(status="trained")
        self._fit_prior(train)
        self.run.record(status="finished")
        self.run.remove_backups()
        return self.run

    @functools.cached_property
    def precision(self) -> str:
        """The arithmetic of the convolutions."""
        setting = self.config.training.precision
        if setting != "auto":
            return setting
        return BFLOAT16 if has_bfloat16_instructions() else FLOAT32

    # === Parts ===

    def _load(self, split):
        return load_portraits(*self.config.data.location(split), self.progress)

    def _objective(self):
        model, data = self.config.model, self.config.data
        if model.preset == "likelihood":
            return LikelihoodObjective(model.pixel_variance)
        if not model.classifier_run:
            command = train_command(
                data,
                train_split=data.train_split,
                validation_split=data.validation_split,
                run_dir="runs/eyes",
            )
            raise UserError(
                "The preset `sharp` looks at portraits with a classifier that "
                "has seen the same ones as the generator. Train one "
                f"with `{command}`, then give --classifier_run runs/eyes; or "
                "take --preset likelihood. Received: classifier_run=''"
            )
        run = RunFolder(model.classifier_run).require()
        seen = run.config.data
        expected = data.dataset, data.train_split
        if (seen.dataset, seen.train_split) != expected:
            raise UserError(
                "Expected a classifier that was trained on the portraits of "
                f"the generator, {expected}. "
                f"Received: {(seen.dataset, seen.train_split)} in {run.path}"
            )
        return SharpObjective(
            run.load_model(),
            model.feature_weight,
            model.attribute_weight,
            model.moment_weight,
            model.attribute_smoothing,
            model.made_share,
            model.pixel_variance,
        )

    def _build(self, train):
        settings = self.config.model
        with layers_in(self.precision):
            vae = PortraitVAE(
                settings.latent_size,
                settings.encoder_channels,
                settings.decoder_channels,
                settings.modulation,
                settings.label_dropout,
            )
        if settings.linear_start:
            vae.initialize(
                fit_eigenfaces(
                    train, settings.latent_size, self.config.training.seed
                )
            )
        return vae

    # === Stages ===

    def _fit_stage(self, vae, grown, objective, batches, validation):
        training = self.config.training
        begin = training.half_epochs if grown else 0
        end = training.epochs if grown else training.half_epochs
        steps = batches.steps_per_epoch
        vae.set_stage(grown)
        optimizer = self._optimizer(
            training.learning_rate * (0.5 if grown else 1.0),
            0 if grown else int(training.warmup_epochs * steps),
            (end - begin) * steps,
        )
        vae.compile(optimizer, objective)
        optimizer.build(vae.trainable_variables)
        optimizer.set_learning_rate_factor(
            _linear_variables(vae), training.linear_rate
        )
        backup = self.run.stage_backup_path(grown)
        first = max(begin, self.run.epochs_to_resume_from(backup))
        self._announce(vae, batches.portraits, grown, first, end, steps)
        if first == end and not (backup / "training_metadata.json").exists():
            return
        start = time.monotonic()
        vae.fit(
            batches.dataset(first).map(as_inputs),
            validation_data=validation_batches(validation),
            steps_per_epoch=steps,
            initial_epoch=begin,
            epochs=end,
            shuffle=False,  # The batches come shuffled.
            callbacks=self._callbacks(
                vae, grown, first, begin, steps, validation
            ),
            verbose=verbosity(self.progress),
        )
        seconds = self.run.facts.get("seconds", 0) + time.monotonic() - start
        self.run.record(
            status="training",
            epochs=end,
            examples_seen=end * steps * training.batch_size,
            parameters=vae.count_params(),
            seconds=round(seconds, 1),
        )

    def _optimizer(self, learning_rate, warmup_steps, steps):
        # A moving average of momentum m looks back 1 / (1 - m) steps.
        averaged_steps = self.config.training.averaging * steps
        return FusedAdamW(
            cosine_schedule(learning_rate, warmup_steps, steps),
            weight_decay=0.0,
            global_clipnorm=1.0,
            use_ema=averaged_steps > 0,
            ema_momentum=1 - 1 / max(averaged_steps, 1.0),
        )

    def _callbacks(self, vae, grown, first, begin, steps, validation):
        training = self.config.training
        pictures = EpochPictures(self.run, validation, training.seed)
        # Of the epoch that is going on: the first is 1.
        numbers = iter(range(first + 1, training.epochs + 1))
        warmup = 0 if grown else int(training.warmup_epochs * steps)
        callbacks = [
            EpochSeeds(training.seed),
            KLWarmup(warmup, self.config.model.beta, first * steps),
            SavedEveryEpoch(
                self.run, lambda model: pictures.write(model, next(numbers))
            ),
        ]
        if training.averaging:
            callbacks.append(keras.callbacks.SwapEMAWeights())
        return [
            *callbacks,
            CollapseGuard(),
            keras.callbacks.CSVLogger(
                self.run.history_path, append=grown or first > begin
            ),
            EpochCurves(self.run.path / "tensorboard", write_graph=False),
            # Last: when it has written, everything before it has.
            keras.callbacks.BackupAndRestore(
                self.run.stage_backup_path(grown),
                double_checkpoint=True,
                delete_checkpoint=False,
            ),
        ]

    def _fit_prior(self, train):
        vae = self.run.load_model()
        begin = time.monotonic()
        vae.prior, facts = fit_prior(vae, train, self.config, self.progress)
        self.run.save_model(vae)
        seconds = time.monotonic() - begin
        self.run.record(prior=facts, prior_seconds=round(seconds, 1))
        self._say(
            f"Prior: {facts['kind']}, fitted in {seconds:.0f} s: "
            f"{self.run.model_path}"
        )

    def _announce(self, vae, train, grown, first, end, steps):
        size = "108x84" if grown else "54x42"
        if first >= end:
            return
        self._say(
            f"{len(train):,} portraits of {train.dataset} {train.split}, drawn "
            f"at {size}; {vae.count_params():,} parameters in "
            f"{self.precision}; epochs {first + 1} to {end} of {steps} steps; "
            f"pictures after each in {self.run.pictures_path}."
        )

    def _say(self, text):
        if self.progress:
            print(text, flush=True)


def fit_eigenfaces(portraits, latent_size, seed) -> Eigenfaces:
    """Returns the linear VAE of training portraits and their mirror images.

    Args:
        portraits: `Portraits`.
        latent_size: Int.
        seed: Int.
    """
    rows = np.random.default_rng(seed).permutation(len(portraits))
    rows = np.sort(rows[:_MOST_FOR_EIGENFACES])
    half = np.concatenate(
        [
            keras.ops.convert_to_numpy(
                halve(scale_pixels(portraits.images[part]))
            )
            for part in np.array_split(rows, len(rows) // 256 + 1)
        ]
    )
    labels = {name: v[rows] for name, v in portraits.labels.items()}
    one_hot = keras.ops.convert_to_numpy(OneHotLabels()(labels))
    both = np.concatenate([half, half[:, :, ::-1]]).reshape(2 * len(rows), -1)
    return Eigenfaces.fit(both, np.tile(one_hot, (2, 1)), latent_size, seed)


def _linear_variables(vae):
    """Returns the large kernels of the linear path.

    Adam moves each of their small numbers by as much as any other weight, and
    would soon have undone what they begin with.
    """
    return [
        variable
        for part in (vae.encoder, vae.half_decoder)
        for layer in part.layers
        if layer.name in _LINEAR_LAYERS
        for variable in layer.trainable_variables
    ]
