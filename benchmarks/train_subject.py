"""A network whose training step is timed, and the settings of that step."""

import dataclasses
import functools
import time
import typing

import numpy as np

from benchmarks.portraits_schema import PORTRAITS

FUSED_ADAMW = "FusedAdamW"
KERAS_ADAMW = "keras.optimizers.AdamW"


@dataclasses.dataclass(frozen=True)
class StepSettings:
    """What makes one training step differ from another.

    Attributes:
        backbone: As `tp_keras.models.create_backbone` takes it.
        precision: `"auto"` as in training; `"float32"` or `"bfloat16"` are
            taken as they are, also where a training would refuse them.
        batch_size: Portraits in a step.
        optimizer: `FUSED_ADAMW` or `KERAS_ADAMW`.
        averaging: Whether the optimizer averages the weights.
        steps_per_execution: As in `keras.Model.compile`.
        jit_compile: As in `keras.Model.compile`: whether XLA compiles.
        replace_layer: Function from a layer of the backbone to the one to take
            instead, or None.
    """

    backbone: str
    precision: str = "auto"
    batch_size: int = 64
    optimizer: str = FUSED_ADAMW
    averaging: bool = True
    steps_per_execution: int = 1
    jit_compile: bool = False
    replace_layer: typing.Callable | None = None


class Subject:
    """A network with heads, its batch, and what was measured of it.

    Heads, losses, optimizer and its schedule are those of a training.

    Args:
        settings: `StepSettings`.

    Attributes:
        model: The compiled `PortraitClassifier`.
        precision: The arithmetic of its backbone.
        parameters: Of the network.
        training: Images per second of each measurement.
        inference: The same.
    """

    def __init__(self, settings: StepSettings):
        import tensorflow as tf

        self.settings = settings
        self.model, self.precision = _build_model(settings)
        self.model.compile_for_training(
            _create_optimizer(settings),
            label_smoothing=0.1,
            steps_per_execution=settings.steps_per_execution,
            jit_compile=settings.jit_compile,
        )
        self.parameters = self.model.inference_model().count_params()
        rng = np.random.default_rng(0)
        count = settings.batch_size
        self._images = rng.integers(
            0, 256, (count, *PORTRAITS.image_shape), dtype=np.uint8
        )
        names = self.model.targets
        labels = {name: rng.integers(0, 2, count) for name in names}
        weights = {name: np.ones(count, np.float32) for name in names}
        batch = tf.data.Dataset.from_tensors((self._images, labels, weights))
        # The function that `fit` calls for a step, without its bookkeeping.
        self._batches = iter(batch.cache().repeat())
        self.model.make_train_function()
        self.training, self.inference = [], []
        self._train()

    def measure_training(self, steps: int) -> None:
        """Adds the images per second of a few steps, at least one execution."""
        executions = max(steps // self.settings.steps_per_execution, 1)
        self.training.append(
            self._rate(self._train, executions)
            * self.settings.steps_per_execution
        )

    def measure_inference(self, steps: int) -> None:
        """Adds the images per second of a few batches."""
        predict = self._predict
        self.inference.append(self._rate(lambda: predict(self._images), steps))

    def _train(self):
        self.model.train_function(self._batches)

    @functools.cached_property
    def _predict(self):
        import tensorflow as tf

        inference = self.model.inference_model()
        predict = tf.function(lambda x: inference(x, training=False))
        predict(self._images)
        return predict

    def _rate(self, step, count):
        return steps_per_second(step, count) * self.settings.batch_size


def steps_per_second(step, count) -> float:
    """Returns how often a function without arguments runs in a second."""
    # Caches and threads are cold after the turns of the others.
    step()
    begin = time.perf_counter()
    for _ in range(count):
        step()
    return count / (time.perf_counter() - begin)


def replace_layers(backbone, replace_layer):
    """Returns a backbone whose layers a function replaces.

    Args:
        backbone: Functional `keras.Model`.
        replace_layer: Function from a layer to the one to take instead.
    """
    import keras

    return keras.models.clone_model(
        backbone,
        clone_function=replace_layer,
        # Without the masks and modes that only the layer before knows.
        call_function=lambda layer, *inputs, **kwargs: layer(*inputs),
    )


def _build_model(settings):
    """Returns the classifier and the precision of its backbone."""
    from tp_keras.models import PortraitClassifier
    from tp_keras.models import create_backbone
    from tp_keras.runs.precision import choose_precision
    from tp_keras.runs.precision import layers_in

    shape, precision = PORTRAITS.image_shape, settings.precision
    if precision == "auto":
        precision = choose_precision(
            precision, create_backbone(settings.backbone, shape)
        )
    with layers_in(precision):
        backbone = create_backbone(settings.backbone, shape)
        if settings.replace_layer is not None:
            backbone = replace_layers(backbone, settings.replace_layer)
        return PortraitClassifier(backbone, PORTRAITS), precision


def _create_optimizer(settings):
    import keras

    from tp_keras.models.optimizers import FusedAdamW

    optimizer_class = {
        FUSED_ADAMW: FusedAdamW,
        KERAS_ADAMW: keras.optimizers.AdamW,
    }[settings.optimizer]
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, decay_steps=10_000, warmup_target=1e-3, warmup_steps=100
    )
    return optimizer_class(
        schedule,
        weight_decay=0.05,
        use_ema=settings.averaging,
        ema_momentum=0.998,
    )
