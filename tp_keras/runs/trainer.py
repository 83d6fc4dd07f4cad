"""One training run: data, model, fit, and a folder that tells of it."""

import functools
import time

import keras

from tp_keras import files
from tp_keras.config import ExperimentConfig
from tp_keras.data.joint import describe_mixing
from tp_keras.data.pipeline import TrainingBatches
from tp_keras.data.pipeline import evaluation_batches
from tp_keras.data.source import load_split
from tp_keras.data.splits import resolve_splits
from tp_keras.debiasing.after_training import chosen_rows
from tp_keras.debiasing.after_training import debias_classifier
from tp_keras.debiasing.debiased_classifier import DebiasedClassifier
from tp_keras.hosts import check_agreement
from tp_keras.hosts import work_alone
from tp_keras.models import PortraitClassifier
from tp_keras.models import create_backbone
from tp_keras.models.muon import FusedMuon
from tp_keras.models.optimizers import FusedAdamW
from tp_keras.models.optimizers import cosine_schedule
from tp_keras.models.sing import Sing
from tp_keras.quiet import verbosity
from tp_keras.runs.callbacks import FrozenTrunk
from tp_keras.runs.callbacks import has_stopped
from tp_keras.runs.callbacks import training_callbacks
from tp_keras.runs.precision import choose_precision
from tp_keras.runs.precision import layers_in
from tp_keras.runs.run_folder import RunFolder
from tp_keras.runs.score import SCORE
from tp_keras.runs.score import make_score
from tp_keras.runs.training_checks import check_training
from tp_keras.runs.transfer import take_weights
from tp_keras.tasks import PROTECTED

_MOST_STEPS_PER_EXECUTION = 8

_OPTIMIZERS = {"adamw": FusedAdamW, "muon": FusedMuon, "sing": Sing}


class Trainer:
    """Trains the classifier of an experiment.

    A resumption checks the folder against the settings, the data against the
    fingerprints, takes model, optimizer, history and best model from the last
    whole backup, and goes on to the very result of a training without
    interruption.

    Args:
        config: `ExperimentConfig`.
        progress: Whether to show bars and tell what happens.
        portraits: Dict of `"train"` and `"validation"` to `Portraits`, in
            place of those that the settings name.
        callbacks: Callbacks of Keras besides; they come last.

    Example:
        >>> run = Trainer(ExperimentConfig(run_dir="runs/first")).fit()
        >>> run.facts["status"]
        'finished'
    """

    run_class = RunFolder

    def __init__(
        self,
        config: ExperimentConfig,
        progress: bool = True,
        portraits=None,
        callbacks=(),
    ):
        self.config = config
        self.progress = progress
        self.portraits = portraits
        self.callbacks = callbacks
        self.run = self.run_class(config.run_dir)

    def fit(self) -> RunFolder:
        """Trains to the end, from the beginning or from the last backup.

        A finished run is returned as it is. Raises `UserError` if the data is
        missing, the folder belongs to another configuration or other data,
        another process trains in it, or no backup is whole.
        """
        with files.only_one(self.run.path):
            return self._fit()

    def _fit(self):
        self.config = self.run.settle(self.config, self._resolve_splits)
        if self.run.is_finished:
            self.run.check_data(self._load)
            self._say(f"{self.run.path} is finished; nothing to train.")
            return self.run
        if not self.run.is_trained:
            self._check_sources()
        keras.utils.set_random_seed(self.config.training.seed)
        train, validation = self._load("train"), self._load("validation")
        fingerprints = {
            "train": train.fingerprint,
            "validation": validation.fingerprint,
        }
        check_agreement({"portraits": fingerprints, "data set": train.dataset})
        self.run.check_fingerprints(fingerprints)
        if self.run.is_trained:
            self.run.claim(self.config)
        else:
            self._train(train, validation, fingerprints)
        work_alone()
        self._complete(train, validation)
        self.run.backups.remove()
        self.run.record(status="finished")
        return self.run

    def _check_sources(self):
        """Refuses what can be refused before portraits are read."""

    def _train(self, train, validation, fingerprints):
        """Trains all layers."""
        training, method = self.config.training, self.config.debias.in_training

        # === Model ===
        classifier = self.build_model(train.schema)
        check_training(self.config, classifier, train)
        score = make_score(training.score, classifier.tasks, validation)
        first_epoch = self.run.backups.newest(self._say)
        source = {}
        if self.config.model.from_run and not first_epoch:
            # Once: what was learned since comes with the backup.
            source = take_weights(
                classifier, self.config.model.from_run, self.run, self._say
            )
        model = self._with_method(classifier, train)
        targets = dict(model.targets)
        if score.num_groups:
            targets[PROTECTED] = train.schema.protected_task
        batches = TrainingBatches(
            train,
            targets=targets,
            batch_size=training.batch_size,
            seed=training.seed,
            augment_config=self.config.augment,
            class_balance=training.class_balance,
            passes_per_epoch=training.passes_per_epoch,
            row_weights=chosen_rows(
                train, classifier.tasks, method, training.seed
            ),
            mixing=self.config.data.mixing,
        )
        steps = batches.steps_per_epoch
        options = {
            "label_smoothing": training.label_smoothing,
            "num_groups": score.num_groups,
            "steps_per_execution": self.steps_per_execution(steps),
        }
        optimizer = self._optimizer(steps)
        model.compile_for_training(optimizer, **options)
        optimizer.set_learning_rate_factor(
            classifier.backbone.trainable_variables,
            training.trunk_learning_rate,
            training.freeze_trunk_epochs * steps,
        )

        # === Fit ===
        # Only now: a refusal leaves no folder behind.
        self.run.claim(self.config)
        self.run.backups.restore_files(first_epoch)
        self.run.record(
            **source,
            status="training",
            fingerprints=fingerprints,
            dataset=train.dataset,
            schema=train.schema.to_dict(),
            precision=self.precision(train.schema),
            parameters=classifier.inference_model().count_params(),
            epochs=first_epoch,
            examples_seen=first_epoch * steps * training.batch_size,
        )
        self._announce(train, validation, classifier, steps, first_epoch)
        begin, epochs = time.monotonic(), training.epochs
        if has_stopped(self.run.read_history(), training.patience):
            epochs = first_epoch
        history = model.fit(
            batches.dataset(first_epoch),
            validation_data=evaluation_batches(
                validation, targets, multiple_of=self.config.data.shards
            ),
            steps_per_epoch=steps,
            initial_epoch=first_epoch,
            epochs=epochs,
            shuffle=False,  # The batches come shuffled.
            callbacks=[
                FrozenTrunk(
                    classifier.backbone,
                    training.freeze_trunk_epochs,
                    lambda: model.compile(optimizer, **options),
                ),
                *self._callbacks(classifier, score, steps, first_epoch),
                *self.callbacks,
            ],
            verbose=verbosity(self.progress),
        )
        self._record_training(first_epoch + len(history.epoch), steps, begin)

    def _complete(self, train, validation):
        """Does what is left to do when all layers are trained."""
        settings = self.config.debias
        if not settings.has_second_stage:
            return
        begin = time.monotonic()
        classifier = debias_classifier(
            self.run.load_model(self.run.trained_path),
            self.config,
            train,
            validation,
            progress=self.progress,
        )
        self.run.save_model(classifier)
        seconds = time.monotonic() - begin
        self.run.record(
            debias_seconds=round(seconds, 1),
            parameters=classifier.inference_model().count_params(),
        )
        self._say(
            f"Debiased by {settings.debias} and {settings.posthoc} in "
            f"{seconds:.0f} s: {self.run.model_path}"
        )

    def build_model(self, schema) -> PortraitClassifier:
        """Returns the untrained classifier for portraits of a schema."""
        settings = self.config.model
        with layers_in(self.precision(schema)):
            return PortraitClassifier(
                create_backbone(settings.backbone, schema.image_shape),
                schema,
                tasks=settings.tasks,
                embedding_size=settings.embedding_size,
                dropout_rate=settings.dropout_rate,
                number_head=settings.number_head,
            )

    def _with_method(self, classifier, train):
        """Returns what is trained: a method around the classifier, if any."""
        settings = self.config.debias.in_training
        training = self.config.training
        if settings.debias == "none":
            return classifier
        steps = len(train) // training.batch_size * training.passes_per_epoch
        with layers_in(self.precision(train.schema)):
            return DebiasedClassifier(
                classifier,
                train,
                settings,
                training.epochs * steps,
                training.label_smoothing,
            )

    @property
    def _saved_path(self):
        if self.config.debias.has_second_stage:
            return self.run.trained_path
        return self.run.model_path

    @functools.cache  # noqa: B019 (a trainer lives as long as its process)
    def precision(self, schema) -> str:
        """Returns the arithmetic of the backbone, chosen where it is open."""
        return choose_precision(
            self.config.training.precision,
            create_backbone(self.config.model.backbone, schema.image_shape),
        )

    def steps_per_execution(self, steps_per_epoch) -> int:
        """Returns how many steps run between two returns to Python.

        Several save a tenth of the time of a small network. They have to divide
        the epoch, or Keras would take more batches than belong to it.
        """
        counts = range(1, _MOST_STEPS_PER_EXECUTION + 1)
        return max(count for count in counts if steps_per_epoch % count == 0)

    def _resolve_splits(self, data):
        if self.portraits is not None:
            return data
        return resolve_splits(data, self._say)

    def _load(self, split):
        if self.portraits is not None:
            return self.portraits[split]
        return load_split(self.config.data, split, self.progress)

    def _optimizer(self, steps):
        training = self.config.training
        return _OPTIMIZERS[training.optimizer](
            cosine_schedule(
                training.learning_rate,
                int(training.warmup_epochs * steps),
                training.epochs * steps,
            ),
            weight_decay=training.weight_decay,
            use_ema=training.averaging > 0,
            ema_momentum=training.averaging or 0.99,
        )

    def _callbacks(self, classifier, score, steps, first_epoch):
        given = self.config, self.run, classifier, score, self._saved_path
        return training_callbacks(*given, steps, first_epoch)

    def _announce(self, train, validation, model, steps, first_epoch):
        if first_epoch:
            examples = first_epoch * steps * self.config.training.batch_size
            self._say(
                f"Resuming after epoch {first_epoch} ({examples:,} examples "
                "seen)."
            )
        where = "on disk" if train.storage == "disk" else "in memory"
        megabytes = (train.images.nbytes + validation.images.nbytes) / 1e6
        self._say(
            f"{len(train):,} training and {len(validation):,} validation "
            f"portraits of {train.dataset}, decoded pixels {where} "
            f"({megabytes:,.0f} MB); {self.config.model.backbone} with "
            f"{model.inference_model().count_params():,} parameters in "
            f"{self.precision(train.schema)}; {steps} steps an epoch."
        )
        if len(train.parts) > 1:
            self._say(describe_mixing(train, self.config.data.mixing))

    def _record_training(self, epochs, steps, begin):
        best = max(self.run.read_history(), key=lambda row: row[SCORE])
        best_epoch = int(best["epoch"]) + 1
        examples = epochs * steps * self.config.training.batch_size
        seconds = time.monotonic() - begin
        self.run.record(
            status="trained",
            epochs=epochs,
            examples_seen=examples,
            best_epoch=best_epoch,
            best_score=best[SCORE],
            seconds=round(self.run.facts.get("seconds", 0) + seconds, 1),
        )
        self._say(
            f"Trained {epochs} epochs, {examples:,} examples seen, "
            f"{seconds:.0f} s in this session. Best validation score "
            f"{best[SCORE]:.4f} after epoch {best_epoch}: {self._saved_path}"
        )

    def _say(self, text):
        if self.progress:
            print(text, flush=True)
