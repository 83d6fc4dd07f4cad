"""The training of a hair task as it is, which the methods change."""

import keras
from keras import ops

from tp_keras.config import DebiasConfig
from tp_keras.debiasing.groups import gender_balancing_weights
from tp_keras.models.losses import SmoothedCrossentropy
from tp_keras.tasks import Task


class Plain(keras.layers.Layer):
    """The cross-entropy of a hair task, and nothing about gender: `none`.

    The base of all methods. A method belongs to one hair task, holds what its
    training needs beside the classifier, and gives the task's loss.

    Args:
        task: `Task`.
        counts: int array `[classes, 2]`: training rows of each class and
            gender.
        settings: `DebiasConfig`.
        label_smoothing: Float, of the task's cross-entropy.
    """

    # Whether the cross-entropy weighs both genders of a class alike.
    levels_genders = False

    def __init__(
        self,
        task: Task,
        counts,
        settings: DebiasConfig,
        label_smoothing: float = 0.0,
    ):
        super().__init__(name=f"{task.name}_debias", dtype="float32")
        self.task = task
        self.counts = counts
        self.settings = settings
        self.crossentropy = SmoothedCrossentropy(label_smoothing)
        self._level = gender_balancing_weights(counts, settings.largest_weight)

    @property
    def adversary_variables(self) -> list:
        """The variables that learn against the classifier."""
        return []

    def loss(self, part, logits, labels, genders, weights, progress, training):
        """Returns the loss of a batch, a scalar.

        Args:
            part: float `[batch, size]`, the task's part of the embedding.
            logits: float `[batch, classes]`.
            labels: int `[batch]`, the classes; any class where the weight is 0.
            genders: int `[batch]`; any where gender is missing.
            weights: Pair of float `[batch]`: of the label, and of the gender;
                0 where missing.
            progress: Share of the ramp that is over, a scalar.
            training: Whether the batch is trained on.
        """
        weight, gender_weight = weights
        if self.levels_genders:
            weight = weight * _level(
                self.look_up(self._level, labels, genders), gender_weight
            )
        return self.crossentropy(labels, logits, sample_weight=weight)

    @staticmethod
    def look_up(table, labels, genders):
        """Returns the entry `table[label, gender]` of each row, `[batch]`."""
        cells = ops.convert_to_tensor(table.reshape(-1))
        return ops.take(cells, labels * table.shape[1] + genders)


def _level(values, gender_weight):
    # A row of unknown gender counts as it is.
    return ops.where(gender_weight > 0, values, ops.ones_like(values))
