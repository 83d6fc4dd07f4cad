"""How a generator is told what to draw: label embedding and FiLM."""

import keras
from keras import ops

from tp_keras.registration import register
from tp_keras.tasks import TASKS

# Length of the embedding of each label: colour has the most to say.
EMBEDDING_SIZES = {"gender": 8, "hair_color": 16, "hair_type": 8}


def label_inputs():
    """Returns a dict of symbolic labels, int32 `[batch]`, by task name."""
    return {
        task.name: keras.Input((), dtype="int32", name=task.name)
        for task in TASKS
    }


@register
class OneHotLabels(keras.layers.Layer):
    """Labels as one row of ones and zeros, "unknown" a class of its own.

    Args:
        **kwargs: Those of `keras.layers.Layer`.

    Input: dict of int32 `[batch]` by task name, -1 where unknown.
    Output: float32 `[batch, 13]`: for each task unknown, then its classes.

    Example:
        >>> labels = {"gender": [1], "hair_color": [-1], "hair_type": [0]}
        >>> OneHotLabels()(labels)[0, :4]
        [0, 0, 1, 1]
    """

    def call(self, labels):
        columns = [
            ops.one_hot(
                ops.cast(labels[task.name], "int32") + 1,
                task.num_classes + 1,
                dtype="float32",
            )
            for task in TASKS
        ]
        return ops.concatenate(columns, axis=-1)

    def compute_output_shape(self, input_shape):
        size = sum(task.num_classes + 1 for task in TASKS)
        return (*next(iter(input_shape.values())), size)


def embed_labels(labels, name="label"):
    """Returns the joint embedding of symbolic labels, `[batch, 32]`.

    "Unknown" has an embedding of its own, learned from the portraits whose
    label is missing or was left out at random.

    Args:
        labels: Dict of symbolic int32 `[batch]` by task name.
        name: Prefix of the layers' names.
    """
    parts = []
    for task in TASKS:
        index = keras.layers.Rescaling(
            1, offset=1, dtype="int32", name=f"{name}_{task.name}_index"
        )(labels[task.name])
        parts.append(
            keras.layers.Embedding(
                task.num_classes + 1,
                EMBEDDING_SIZES[task.name],
                name=f"{name}_{task.name}_embedding",
            )(index)
        )
    return keras.layers.Concatenate(name=f"{name}_embedding")(parts)


@register
class FeatureModulation(keras.layers.Layer):
    """Scales and shifts channels by a condition (FiLM).

    `x * (1 + scale(c)) + shift(c)`, both linear in the condition and zero at
    the beginning: untrained it changes nothing. Perez et al., "FiLM: Visual
    Reasoning with a General Conditioning Layer", arXiv:1709.07871.

    Args:
        **kwargs: Those of `keras.layers.Layer`.

    Inputs: list of features `[batch, rows, columns, channels]` and condition
    `[batch, size]`. Output: as the features.
    """

    def build(self, input_shape):
        channels = input_shape[0][-1]
        self.projection = keras.layers.Dense(
            2 * channels,
            kernel_initializer="zeros",
            name="projection",
            dtype=self.dtype_policy,
        )
        self.projection.build(input_shape[1])

    def call(self, inputs):
        x, condition = inputs
        scale, shift = ops.split(self.projection(condition), 2, axis=-1)
        scale, shift = scale[:, None, None, :], shift[:, None, None, :]
        return x * (1 + scale) + shift

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])
