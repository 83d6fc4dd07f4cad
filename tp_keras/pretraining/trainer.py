"""The training without labels: data, views, fit, and the backbone it leaves."""

import time

import keras

from tp_keras.errors import UserError
from tp_keras.models import create_backbone
from tp_keras.models.own_backbone import FILE_TYPES
from tp_keras.pretraining.dino import Dino
from tp_keras.pretraining.dino import with_head
from tp_keras.pretraining.folder import PretrainRunFolder
from tp_keras.pretraining.views import ViewBatches
from tp_keras.pretraining.watch import CollapseGuard
from tp_keras.pretraining.watch import FeatureWatch
from tp_keras.quiet import verbosity
from tp_keras.runs.backups import KeepBackups
from tp_keras.runs.callbacks import EpochCurves
from tp_keras.runs.callbacks import EpochSeeds
from tp_keras.runs.precision import layers_in
from tp_keras.runs.trainer import Trainer


class PretrainTrainer(Trainer):
    """Trains a backbone on portraits whose labels it doesn't see.

    The same call resumes what was interrupted, with the result of a training
    without interruption.

    Example:
        >>> run = PretrainTrainer(PretrainConfig(run_dir="runs/first")).fit()
        >>> create_backbone(str(run.model_path), (64, 48, 3))
        <PortraitBackbone ...>
    """

    run_class = PretrainRunFolder

    def _check_sources(self):
        backbone = self.config.model.backbone
        if str(backbone).endswith(FILE_TYPES):
            raise UserError(
                "Views come in two sizes, and a file holds a network of one. "
                "Expected the name of a network, such as portrait_s. "
                f"Received: backbone={backbone}"
            )

    def build_model(self, schema) -> keras.Model:
        """Returns the untrained backbone, for images of any size."""
        shape = None, None, schema.image_shape[-1]
        with layers_in(self.precision(schema)):
            return create_backbone(self.config.model.backbone, shape)

    def _train(self, train, validation, fingerprints):
        """Trains student and teacher."""
        config, training = self.config, self.config.training
        batches = ViewBatches(
            train,
            {},
            batch_size=training.batch_size,
            seed=training.seed,
            augment_config=config.augment,
            passes_per_epoch=training.passes_per_epoch,
            mixing=config.data.mixing,
            view_config=config.views,
        )
        steps = batches.steps_per_epoch
        student, teacher = (
            with_head(self.build_model(train.schema), config.model, name)
            for name in ("student", "teacher")
        )
        model = Dino(student, teacher, steps * training.epochs, training)
        optimizer = self._optimizer(steps)
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        optimizer.build(model.trainable_variables)
        model.compile(
            optimizer,
            jit_compile=False,
            steps_per_execution=self.steps_per_execution(steps),
        )
        first_epoch = self.run.backups.newest(self._say)
        # Only now: a refusal leaves no folder behind.
        self.run.claim(config)
        self.run.backups.restore_files(first_epoch)
        facts = {
            "fingerprints": fingerprints,
            "dataset": train.dataset,
            "schema": train.schema.to_dict(),
            "precision": self.precision(train.schema),
            "parameters": self.build_model(train.schema).count_params(),
        }
        self.run.record(
            **facts, **self._progress(first_epoch, steps), status="training"
        )
        self._say(
            f"{len(train):,} portraits of {train.dataset} {train.split}, none "
            f"of their labels; {config.model.backbone} with "
            f"{facts['parameters']:,} parameters in {facts['precision']}; "
            f"epochs {first_epoch + 1} to {training.epochs} of {steps} steps."
        )
        begin = time.monotonic()
        model.fit(
            batches.dataset(first_epoch),
            steps_per_epoch=steps,
            initial_epoch=first_epoch,
            epochs=training.epochs,
            shuffle=False,  # The batches come shuffled.
            callbacks=[
                EpochSeeds(training.seed),
                FeatureWatch(
                    lambda: self._keep(teacher, train.schema),
                    train,
                    validation,
                    training.seed,
                ),
                CollapseGuard(),
                keras.callbacks.CSVLogger(
                    self.run.history_path, append=first_epoch > 0
                ),
                EpochCurves(self.run.path / "tensorboard", write_graph=False),
                # Last: when it has written, everything before it has.
                KeepBackups(self.run.backups, first_epoch),
                *self.callbacks,
            ],
            verbose=verbosity(self.progress),
        )
        seconds = self.run.facts.get("seconds", 0) + time.monotonic() - begin
        self.run.record(
            **self._progress(training.epochs, steps),
            status="trained",
            seconds=round(seconds, 1),
        )
        self._say(
            f"Trained {training.epochs} epochs in {seconds:.0f} s: "
            f"{self.run.model_path}"
        )

    def _complete(self, train, validation):
        """Nothing is left to do."""

    def _progress(self, epochs, steps):
        examples = epochs * steps * self.config.training.batch_size
        return {"epochs": epochs, "examples_seen": examples}

    def _keep(self, teacher, schema) -> keras.Model:
        """Saves the teacher's backbone for portraits of their size."""
        backbone = create_backbone(
            self.config.model.backbone, schema.image_shape
        )
        (trained,) = (
            layer
            for layer in teacher.layers
            if layer.name == backbone.name and layer.weights
        )
        backbone.set_weights(trained.get_weights())
        self.run.save_model(backbone)
        return backbone
