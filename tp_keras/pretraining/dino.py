"""Self-distillation without labels: a student that follows its own average."""

import math

import keras
from keras import layers
from keras import ops

from tp_keras.models.guarded_branch import pool
from tp_keras.pretraining.views import GLOBAL_VIEWS
from tp_keras.registration import register


@register
class Prototypes(layers.Layer):
    """Cosines `[batch, prototypes]` of vectors with learned directions.

    The last layer of DINO's head, whose weights have length 1.

    Args:
        prototypes: Int.
        **kwargs: Those of `keras.layers.Layer`.
    """

    def __init__(self, prototypes, **kwargs):
        super().__init__(**kwargs)
        self.prototypes = prototypes

    def build(self, input_shape):
        self.kernel = self.add_weight(
            (input_shape[-1], self.prototypes), "glorot_normal", name="kernel"
        )

    def call(self, inputs):
        kernel = ops.normalize(ops.cast(self.kernel, "float32"), axis=0)
        vectors = ops.normalize(ops.cast(inputs, "float32"), axis=-1)
        return ops.matmul(vectors, kernel)

    def get_config(self):
        return {**super().get_config(), "prototypes": self.prototypes}


def with_head(backbone, settings, name):
    """Returns a backbone with DINO's head, to cosines with prototypes.

    The head is float32, without batch normalisation.

    Args:
        backbone: `keras.Model` from images to a feature map.
        settings: `PretrainModelConfig`.
        name: Name of the model.
    """
    shape = backbone.inputs[0].shape[1:]
    image = keras.Input(shape, dtype="uint8", name="image")
    x = image
    if backbone.inputs[0].dtype != "uint8":
        x = layers.Rescaling(1.0, dtype="float32", name="pixels")(x)
    x = pool(backbone(x), "pooling")
    for number in (1, 2):
        x = layers.Dense(
            settings.hidden_size,
            "gelu",
            dtype="float32",
            name=f"hidden{number}",
        )(x)
    x = layers.Dense(
        settings.bottleneck_size, dtype="float32", name="bottleneck"
    )(x)
    x = Prototypes(settings.prototypes, dtype="float32", name="prototypes")(x)
    return keras.Model(image, x, name=name)


class Dino(keras.Model):
    """A student that tells a view what its teacher tells another one.

    DINO (Caron et al., arXiv:2104.14294): the teacher is a moving average of
    the student and sees whole views alone; its answers are centred by their
    running mean, so that no prototype answers for all, and sharpened by a low
    temperature, so that not all do for each. The teacher normalises by moving
    averages too (EMAN, Cai et al., arXiv:2101.08482), so a view's answer
    doesn't depend on its batch.

    Args:
        student: `keras.Model` from images of any size to cosines, see
            `with_head`.
        teacher: Another one of the same kind.
        steps: Int, those of the whole training.
        settings: `PretrainTrainingConfig`.

    Attributes:
        center: Running mean of the teacher's answers, `[prototypes]`.
        step: Float scalar, the steps trained.

    Input: dict of `"global"` views, uint8 `[batch, 2, height, width, 3]`, and
    `"local"` ones, `[batch, views, rows, columns, 3]`.

    Example:
        >>> model = Dino(with_head(backbone, size, "student"),
        ...     with_head(another, size, "teacher"), 1000, settings)
        >>> model.compile("adamw")
        >>> model.fit(ViewBatches(portraits, {}).dataset(), ...)
    """

    def __init__(self, student, teacher, steps, settings, name="dino"):
        super().__init__(name=name)
        self.student = student
        self.teacher = teacher
        teacher.trainable = False
        teacher.set_weights(student.get_weights())
        self.steps = steps
        self.settings = settings
        size = student.output_shape[-1]
        self.center = self.add_weight(
            (size,), "zeros", "float32", trainable=False, name="center"
        )
        self.step = self.add_weight(
            (), "zeros", "float32", trainable=False, name="step"
        )
        self._figures = [
            keras.metrics.Mean(name=name)
            for name in ("answer_entropy", "mean_entropy")
        ]
        self.built = True

    def call(self, inputs, training=False):
        if training:
            self._follow()
        views = [inputs["global"]]
        if inputs["local"].shape[1]:
            views.append(inputs["local"])
        answers = [_each(self.student, view, training) for view in views]
        told = ops.stop_gradient(_each(self.teacher, views[0], False))
        temperature = self.settings.teacher_temperature
        goal = ops.softmax((told - self.center) / temperature)
        if training:
            # The first batch is all that there is to go by at first.
            share = ops.maximum(
                1.0 - self.settings.center_momentum, 1.0 / self.step
            )
            mean = ops.mean(told, axis=(0, 1))
            self.center.assign(self.center + share * (mean - self.center))
        return {"answers": ops.concatenate(answers, axis=1), "goal": goal}

    def _follow(self):
        """Takes a step of the teacher's average; a short one looks back less.

        The student's last step is in it: this is called before the next.
        """
        done = self.step / self.steps
        rest = (1.0 - self.settings.teacher_momentum) * 0.5
        momentum = 1.0 - rest * (1.0 + ops.cos(math.pi * done))
        first = (1.0 + self.step) / (10.0 + self.step)
        share = 1.0 - ops.minimum(momentum, first)
        for own, other in zip(
            self.teacher.variables, self.student.variables, strict=True
        ):
            if own.dtype != "float32":  # The state of a random layer.
                continue
            own.assign(own + share * (other - own))
        self.step.assign(self.step + 1.0)

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Returns the cross-entropy of what is answered to what is told.

        Of all pairs of different views; in nats.
        """
        goal = y_pred["goal"]
        log_answers = ops.log_softmax(
            y_pred["answers"] / self.settings.student_temperature
        )
        losses = -ops.einsum("btk,bsk->ts", goal, log_answers)
        count, views = ops.shape(goal)[0], log_answers.shape[1]
        others = 1.0 - ops.eye(GLOBAL_VIEWS, views)
        pairs = GLOBAL_VIEWS * (views - 1)
        loss = ops.sum(losses * others) / (pairs * ops.cast(count, "float32"))
        largest = math.log(goal.shape[-1])
        entropies = (
            ops.mean(_entropy(goal)),
            _entropy(ops.mean(goal, axis=(0, 1))),
        )
        for figure, value in zip(self._figures, entropies, strict=True):
            figure.update_state(value / largest)
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return self.get_metrics_result()

    @property
    def metrics(self):
        return [self._loss_tracker, *self._figures]


def _each(model, views, training):
    """Returns the answers to `[batch, views, ...]`, view by view."""
    shape = tuple(views.shape)
    flat = ops.reshape(views, (-1, *shape[2:]))
    answers = model(flat, training=training)
    return ops.reshape(answers, (-1, shape[1], answers.shape[-1]))


def _entropy(shares):
    return -ops.sum(shares * ops.log(shares + 1e-12), axis=-1)
