"""What follows the trunk: heads, and the parts of the hair embedding."""

import keras

from tp_keras.errors import UserError
from tp_keras.models.layer_settings import default_policy
from tp_keras.models.layer_settings import from_settings_config
from tp_keras.models.layer_settings import settings_config
from tp_keras.models.layers import FusedBatchNormalization
from tp_keras.models.task_model import TaskModel
from tp_keras.registration import register
from tp_keras.tasks import get_tasks

# What follows the feature maps costs little and is compared with tolerances:
# it stays in float32 also where the maps are bfloat16.
_DTYPE = "float32"


@register
class HairBranch(TaskModel):
    """The hair layers of a `PortraitClassifier` as a model of features.

    To train them anew while the trunk stays as it is: features can be computed
    once, and the layers cost a thousandth of the trunk.

    Args:
        features_shape: `(rows, columns, channels)` of the trunk's output.
        tasks: Sequence of hair `Task`s.
        embedding_size: Int. Length of the hair embedding.
        dropout_rate: Float. Dropout before the heads.
        name: Name of the model.
        trainable: Whether any of its weights is trained.
        dtype: Policy of its layers, None for the global one.

    Input: float features `[batch, rows, columns, channels]`.
    Output: dict of logits `[batch, classes]`, one for each task.
    """

    def __init__(
        self,
        features_shape,
        tasks,
        embedding_size,
        dropout_rate,
        name="hair_branch",
        trainable=True,
        dtype=None,
    ):
        with default_policy(dtype):
            features = keras.Input(features_shape, name="features")
            logits, parts = hair_layers(
                features, tasks, embedding_size, dropout_rate
            )
            super().__init__(inputs=features, outputs=logits, name=name)
        if not trainable:
            self.trainable = False

        # === Config ===
        self.features_shape = tuple(features_shape)
        self.tasks = tuple(tasks)
        self.embedding_size = embedding_size
        self.dropout_rate = dropout_rate
        self._parts = parts

    @property
    def embedding_parts(self):
        """Dict: hair task -> the symbolic part of the embedding it reads."""
        return dict(self._parts)

    def get_config(self):
        return {
            "features_shape": self.features_shape,
            "tasks": [task.name for task in self.tasks],
            "embedding_size": self.embedding_size,
            "dropout_rate": self.dropout_rate,
            **settings_config(self),
        }

    @classmethod
    def from_config(cls, config):
        tasks = get_tasks(config["tasks"])
        return from_settings_config(cls, {**config, "tasks": tasks})


def hair_layers(features, tasks, embedding_size, dropout_rate):
    """Puts the hair layers on features.

    Args:
        features: Symbolic `[batch, rows, columns, channels]`.
        tasks: Sequence of hair `Task`s.
        embedding_size: Int; a multiple of the number of tasks.
        dropout_rate: Float. Dropout before the heads.

    Returns:
        Two dicts by task name: logits `[batch, classes]`, and parts of the
        embedding `[batch, embedding_size / tasks]`.

    Raises:
        UserError: If there is no task, or the size can't be shared out.
    """
    if not tasks or embedding_size % len(tasks):
        raise UserError(
            "Expected hair tasks, and an embedding size that is a multiple of "
            f"their number. Received: embedding_size={embedding_size}, "
            f"tasks={[task.name for task in tasks]}"
        )
    x = _hair_block(features)
    logits, parts = {}, {}
    for task in tasks:
        part = _part(x, task, embedding_size // len(tasks))
        logits[task.name] = head(part, task, dropout_rate)
        parts[task.name] = part
    return logits, parts


def pool(features, name):
    """Returns the mean over rows and columns, `[batch, channels]`."""
    return keras.layers.GlobalAveragePooling2D(dtype=_DTYPE, name=name)(
        features
    )


def head(x, task, dropout_rate):
    """Returns the logits of a task, of a layer of its name."""
    x = keras.layers.Dropout(
        dropout_rate, dtype=_DTYPE, name=f"{task.name}_dropout"
    )(x)
    return keras.layers.Dense(task.num_classes, dtype=_DTYPE, name=task.name)(x)


def _hair_block(features):
    x = keras.layers.Conv2D(
        features.shape[-1],
        1,
        use_bias=False,
        kernel_initializer="he_normal",
        name="hair_convolution",
    )(features)
    x = FusedBatchNormalization(name="hair_normalization")(x)
    x = keras.layers.ReLU(name="hair_relu")(x)
    return pool(x, "hair_pooling")


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
