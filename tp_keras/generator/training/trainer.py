"""The training of a generator: decoder at two sizes, encoder, prior."""

import time

import keras
import tensorflow as tf

from tp_keras.command_line import train_command
from tp_keras.config import BFLOAT16
from tp_keras.config import FLOAT32
from tp_keras.data.pipeline import TrainingBatches
from tp_keras.data.pipeline import evaluation_batches
from tp_keras.errors import UserError
from tp_keras.generator.config import PRIORS
from tp_keras.generator.model import AdversarialDecoder
from tp_keras.generator.model import EncoderTraining
from tp_keras.generator.model import PortraitVAE
from tp_keras.generator.priors import encode_latents
from tp_keras.generator.priors import fit_priors
from tp_keras.generator.priors.fitting import LEAST_PORTRAITS
from tp_keras.generator.training.callbacks import BalanceGuard
from tp_keras.generator.training.callbacks import EpochPictures
from tp_keras.generator.training.folder import VaeRunFolder
from tp_keras.models.optimizers import FusedAdamW
from tp_keras.models.optimizers import cosine_schedule
from tp_keras.quiet import verbosity
from tp_keras.runs.backups import KeepBackups
from tp_keras.runs.callbacks import EpochCurves
from tp_keras.runs.callbacks import EpochSeeds
from tp_keras.runs.precision import has_bfloat16_instructions
from tp_keras.runs.precision import layers_in
from tp_keras.runs.run_folder import RunFolder
from tp_keras.runs.trainer import Trainer
from tp_keras.tasks import MISSING


class VaeTrainer(Trainer):
    """Trains the generator of an experiment.

    First the decoder at half the size, where a step is cheap, then at full size
    with a new optimizer and the weights that were learned; then the encoder for
    it; then the prior is fitted to the latents of the training portraits. The
    same call resumes what was interrupted, with the result of a training
    without interruption.

    Example:
        >>> run = VaeTrainer(VaeExperimentConfig(run_dir="runs/first")).fit()
        >>> run.load_model().prior
        <GaussianMixturePrior ...>
    """

    run_class = VaeRunFolder

    def precision(self, schema=None) -> str:
        """Returns the arithmetic of the convolutions."""
        setting = self.config.training.precision
        # Elsewhere it was not measured.
        on_tensorflow = keras.config.backend() == "tensorflow"
        is_fast = on_tensorflow and has_bfloat16_instructions()
        fast = BFLOAT16 if is_fast else FLOAT32
        return fast if setting == "auto" else setting

    def build_model(self, schema) -> PortraitVAE:
        """Returns the untrained generator for portraits of a schema."""
        settings = self.config.model
        with layers_in(self.precision()):
            return PortraitVAE(
                schema,
                settings.latent_size,
                settings.encoder_channels,
                settings.decoder_channels,
            )

    def _check_sources(self):
        if labels := self.config.data.labels:
            raise UserError(
                "A generator learns from all portraits of its split, and draws "
                "those with the labels that it is asked for. Expected no "
                f"labels. Received: labels={' '.join(labels)}"
            )
        self._classifier_run()

    def _train(self, train, validation, fingerprints):
        """Trains the decoder at both sizes, then the encoder."""
        if len(train) < LEAST_PORTRAITS:
            raise UserError(
                f"Expected at least {LEAST_PORTRAITS} training portraits: a "
                "prior can't be fitted to fewer. Give a larger --train_split. "
                f"Received: {len(train)} of {train.dataset} {train.split}"
            )
        settings, seed = self.config.model, self.config.training.seed
        eyes = self._classifier_run()
        classifier = eyes.load_model()
        train = train.seen_as(eyes.schema)
        validation = validation.seen_as(eyes.schema)
        # A model that is loaded draws its first weights, too.
        keras.utils.set_random_seed(seed)
        with layers_in(self.precision()):
            vae = self.build_model(train.schema)
            decoder = AdversarialDecoder(vae, classifier, settings)
        batches = training_batches(train, self.config)
        resumed = self.run.backups.newest(self._say)
        # Only now: a refusal leaves no folder behind.
        self.run.claim(self.config)
        self.run.backups.restore_files(resumed)
        self.run.record(
            fingerprints=fingerprints,
            dataset=train.dataset,
            schema=train.schema.to_dict(),
            precision=self.precision(),
        )
        training = self.config.training
        sources = resumed, batches, validation
        rate, half = training.learning_rate, training.half_epochs
        self._fit_stage(decoder, rate, 0, half, *sources)
        full = half + training.full_epochs
        if training.full_epochs:
            decoder.set_stage(grown=True)
            self._fit_stage(decoder, rate / 2, half, full, *sources)
        encoder = EncoderTraining(vae, classifier, settings)
        self._fit_stage(encoder, rate, full, training.epochs, *sources)
        self.run.record(status="trained")

    def _complete(self, train, validation):
        """Fits the wanted priors to the latents and keeps the best."""
        vae = self.run.load_model()
        begin = time.monotonic()
        seed, wanted = self.config.training.seed, self.config.model.prior
        train = train.seen_as(vae.schema)
        latents = encode_latents(vae, train, seed, self.progress)
        kinds = PRIORS if wanted == "auto" else (wanted,)
        fitted = fit_priors(latents, kinds, seed=seed, progress=self.progress)
        vae.prior, best = max(fitted, key=lambda it: it[1]["log_density_nats"])
        self.run.save_model(vae)
        seconds = time.monotonic() - begin
        prior = {"kind": best["kind"], "tried": [facts for _, facts in fitted]}
        self.run.record(prior=prior, prior_seconds=round(seconds, 1))
        self._say(
            f"Prior: {best['kind']}, fitted in {seconds:.0f} s: "
            f"{self.run.model_path}"
        )

    # === The classifier that looks ===

    def _classifier_run(self):
        """Returns the folder of the classifier, if it has seen the same."""
        path, data = self.config.model.classifier_run, self.config.data
        if not path:
            command = train_command(
                data,
                train_split=data.train_split,
                validation_split=data.validation_split,
                run_dir="runs/eyes",
            )
            raise UserError(
                "A generator is looked at by a classifier that has seen the "
                f"same portraits. Train one with `{command}`, then give "
                "--classifier_run runs/eyes. Received: classifier_run=''"
            )
        run = RunFolder(path).require()
        seen = run.config.data
        expected = data.dataset, data.train_split
        if (seen.dataset, seen.train_split) != expected:
            raise UserError(
                "Expected a classifier that was trained on the portraits of "
                f"the generator, {expected}. "
                f"Received: {(seen.dataset, seen.train_split)} in {run.path}"
            )
        return run

    # === Stages ===

    def _fit_stage(self, model, rate, begin, end, resumed, batches, validation):
        """Trains a stage, of which some epochs are done if it is resumed."""
        if resumed > end:
            # The state of the last stage holds all that is needed.
            return
        training, steps = self.config.training, batches.steps_per_epoch
        warmup = 0 if begin else int(training.warmup_epochs * steps)
        is_encoder = isinstance(model, EncoderTraining)
        optimizer = self._optimizer(
            rate, warmup, (end - begin) * steps, 0.9 if is_encoder else 0.0
        )
        # XLA is slower on a CPU, but JAX is nothing without it.
        model.compile(
            optimizer, jit_compile=keras.config.backend() != "tensorflow"
        )
        optimizer.build(model.trainable_variables)
        if not is_encoder:
            optimizer.set_learning_rate_factor(
                model.critic_variables, training.critic_rate
            )
        first = max(begin, resumed)
        if first < end:
            self._announce(model, batches, first, end)
        start = time.monotonic()
        model.fit(
            batches.dataset(first).map(as_inputs),
            validation_data=validation_batches(
                validation, self.config.data.shards
            ),
            steps_per_epoch=steps,
            initial_epoch=first,
            epochs=end,
            shuffle=False,  # The batches come shuffled.
            callbacks=[
                # Averaged weights are in place, where they are swapped in.
                keras.callbacks.LambdaCallback(
                    on_test_end=lambda logs: self.run.save_model(model.vae)
                ),
                EpochPictures(self.run, validation, training.seed, is_encoder),
                *self._callbacks(model, first, begin),
            ],
            verbose=verbosity(self.progress),
        )
        seconds = self.run.facts.get("seconds", 0) + time.monotonic() - start
        self.run.record(
            status="training",
            epochs=end,
            examples_seen=end * steps * training.batch_size,
            parameters=model.vae.count_params(),
            seconds=round(seconds, 1),
        )

    def _optimizer(self, learning_rate, warmup_steps, steps, momentum):
        # A moving average of momentum m looks back 1 / (1 - m) steps.
        averaged_steps = self.config.training.averaging * steps
        return FusedAdamW(
            cosine_schedule(learning_rate, warmup_steps, steps),
            weight_decay=0.0,
            beta_1=momentum,
            beta_2=0.99,
            use_ema=averaged_steps > 0,
            ema_momentum=1 - 1 / max(averaged_steps, 1.0),
        )

    def _callbacks(self, model, first, begin):
        training, swap = self.config.training, keras.callbacks.SwapEMAWeights
        history = self.run.history_path
        if isinstance(model, EncoderTraining):
            # It has other figures.
            history = self.run.encoder_history_path
        return [
            EpochSeeds(training.seed),
            *([swap()] if training.averaging else []),
            BalanceGuard(self.run, self._say, begin),
            keras.callbacks.CSVLogger(history, append=history.exists()),
            EpochCurves(self.run.path / "tensorboard", write_graph=False),
            # Last: when it has written, everything before it has.
            KeepBackups(self.run.backups, first if first > begin else 0),
        ]

    def _announce(self, model, batches, first, end):
        vae, train = model.vae, batches.portraits
        rows, columns = train.images.shape[1:3]
        size = f"{rows}x{columns}"
        if not vae.grown:
            size = f"{rows // 2}x{columns // 2}"
        self._say(
            f"{len(train):,} portraits of {train.dataset} {train.split}, drawn "
            f"at {size}; {model.name}, {vae.count_params():,} parameters in "
            f"{self.precision()}; epochs {first + 1} to {end} of "
            f"{batches.steps_per_epoch} steps; pictures after each in "
            f"{self.run.pictures_path}."
        )


def training_batches(portraits, config) -> TrainingBatches:
    """Returns the shuffled and augmented batches of a `VaeExperimentConfig`."""
    return TrainingBatches(
        portraits,
        targets=_targets(portraits),
        batch_size=config.training.batch_size,
        seed=config.training.seed,
        augment_config=config.augment,
        passes_per_epoch=config.training.passes_per_epoch,
    )


def validation_batches(portraits, multiple_of=1) -> tf.data.Dataset:
    """Returns all portraits once, as `as_inputs` has them.

    The last batch is filled as by `evaluation_batches`.
    """
    targets = _targets(portraits)
    batches = evaluation_batches(portraits, targets, 128, multiple_of)
    return batches.map(as_inputs)


def as_inputs(images, labels, weights):
    """Returns a tuple of one dict of `image` and the labels, -1 if missing."""
    labels = {
        name: tf.where(weights[name] > 0, tf.cast(values, tf.int32), MISSING)
        for name, values in labels.items()
    }
    return ({"image": images, **labels},)


def _targets(portraits):
    return {task.name: task for task in portraits.schema.condition_tasks}
