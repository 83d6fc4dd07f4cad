"""What follows the trunk: heads, and the parts of the embedding."""

import dataclasses

import keras
from keras import ops

from tp_keras.errors import UserError
from tp_keras.models.kinds import head_kind
from tp_keras.models.layer_settings import default_policy
from tp_keras.models.layer_settings import from_settings_config
from tp_keras.models.layer_settings import settings_config
from tp_keras.models.layers import FusedBatchNormalization
from tp_keras.models.losses import as_task
from tp_keras.models.task_model import TaskModel
from tp_keras.registration import register
from tp_keras.tasks import BINARY

# What follows the feature maps costs little and is compared with tolerances:
# it stays in float32 also where the maps are bfloat16.
_DTYPE = "float32"


@register
class GuardedBranch(TaskModel):
    """The guarded layers of a `PortraitClassifier` as a model of features.

    To train them anew on features that are computed once: they cost a
    thousandth of the trunk.

    Args:
        features_shape: `(rows, columns, channels)` of the trunk's output.
        tasks: Sequence of guarded `Task`s, or of dicts of their fields.

    The others are those of the classifier, and so is the output.

    Input: float features `[batch, rows, columns, channels]`.
    """

    def __init__(
        self,
        features_shape,
        tasks,
        embedding_size,
        dropout_rate,
        number_head="distribution",
        name="guarded_branch",
        trainable=True,
        dtype=None,
    ):
        tasks = tuple(as_task(task) for task in tasks)
        with default_policy(dtype):
            features = keras.Input(features_shape, name="features")
            scores, parts = guarded_layers(
                features, tasks, embedding_size, dropout_rate, number_head
            )
            super().__init__(inputs=features, outputs=scores, name=name)
        if not trainable:
            self.trainable = False

        # === Config ===
        self.features_shape = tuple(features_shape)
        self.tasks = tasks
        self.embedding_size = embedding_size
        self.dropout_rate = dropout_rate
        self.number_head = number_head
        self.embedding_parts = parts

    def get_config(self):
        return {
            "features_shape": self.features_shape,
            "tasks": [dataclasses.asdict(task) for task in self.tasks],
            "embedding_size": self.embedding_size,
            "dropout_rate": self.dropout_rate,
            "number_head": self.number_head,
            **settings_config(self),
        }

    from_config = classmethod(from_settings_config)


@register
class BothLogits(keras.layers.Layer):
    """The logits of two classes, `[0, x]`, of that of the second, `x`.

    So a sigmoid's one unit is served as every other classification is.
    """

    def call(self, x):
        return ops.concatenate([ops.zeros_like(x), x], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 2)


def guarded_layers(features, tasks, embedding_size, dropout_rate, number_head):
    """Puts the guarded layers on symbolic features.

    Returns:
        Two dicts by task name: scores `[batch, units]`, and parts of the
        embedding `[batch, embedding_size / tasks]`.
    """
    if not tasks or embedding_size % len(tasks):
        raise UserError(
            "Expected guarded tasks, and an embedding size that is a multiple "
            f"of their number. Received: embedding_size={embedding_size}, "
            f"tasks={[task.name for task in tasks]}"
        )
    x = keras.layers.Conv2D(
        features.shape[-1],
        1,
        use_bias=False,
        kernel_initializer="he_normal",
        name="guarded_convolution",
    )(features)
    x = FusedBatchNormalization(name="guarded_normalization")(x)
    x = keras.layers.ReLU(name="guarded_relu")(x)
    x = pool(x, "guarded_pooling")
    scores, parts = {}, {}
    for task in tasks:
        part = _part(x, task, embedding_size // len(tasks))
        scores[task.name] = head(part, task, dropout_rate, number_head)
        parts[task.name] = part
    return scores, parts


def pool(features, name):
    """Returns the mean over rows and columns, `[batch, channels]`."""
    return keras.layers.GlobalAveragePooling2D(dtype=_DTYPE, name=name)(
        features
    )


def head(x, task, dropout_rate, number_head):
    """Returns the scores of a task; its dense layer has the task's name."""
    x = keras.layers.Dropout(
        dropout_rate, dtype=_DTYPE, name=f"{task.name}_dropout"
    )(x)
    units = head_kind(task, number_head).units(task)
    x = keras.layers.Dense(units, dtype=_DTYPE, name=task.name)(x)
    if task.kind == BINARY:
        x = BothLogits(dtype=_DTYPE, name=f"{task.name}_logits")(x)
    return x


def _part(x, task, size):
    x = keras.layers.Dense(size, dtype=_DTYPE, name=f"{task.name}_projection")(
        x
    )
    return keras.layers.LayerNormalization(
        epsilon=1e-8,
        center=False,
        scale=False,
        dtype=_DTYPE,
        name=f"{task.name}_embedding",
    )(x)
