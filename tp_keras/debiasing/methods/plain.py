"""The training of a guarded task as it is, which the methods change."""

import keras
from keras import ops

from tp_keras.config import DebiasConfig
from tp_keras.data.labels import num_strata
from tp_keras.debiasing.groups import level_weights
from tp_keras.models.losses import TaskLoss
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task


class Plain(keras.layers.Layer):
    """The loss of a guarded task, and nothing about groups: `none`.

    The base of all methods. A method belongs to one guarded task, holds what
    its training needs beside the classifier, and gives the task's loss. What
    it calls the class of a row is of a number the range that it lies in.

    Args:
        task: `Task`.
        counts: int array `[classes, groups]`: training rows of each.
        settings: `DebiasConfig`.
        label_smoothing: Float, of the task's loss.
        number_head: Name of the head of numbers; see `head_kind`.
    """

    # Whether the loss weighs all groups of a class alike.
    levels_groups = False

    def __init__(
        self,
        task: Task,
        counts,
        settings: DebiasConfig,
        label_smoothing: float = 0.0,
        number_head: str = "distribution",
    ):
        super().__init__(name=f"{task.name}_debias", dtype="float32")
        self.task = task
        self.counts = counts
        self.num_classes, self.num_groups = counts.shape
        self.settings = settings
        self.task_loss = TaskLoss(task, number_head, label_smoothing)
        self._level = level_weights(counts, settings.largest_weight)

    @property
    def adversary_variables(self) -> list:
        """The variables that learn against the classifier."""
        return []

    def loss(self, part, scores, labels, groups, weights, progress, training):
        """Returns the loss of a batch, a scalar.

        Args:
            part: float `[batch, size]`, the task's part of the embedding.
            scores: float `[batch, units]`.
            labels: `[batch]`, the labels; any one where the weight is 0.
            groups: int `[batch]`; any one where the group is missing.
            weights: Pair of float `[batch]`: of the label, and of the group;
                0 where missing.
            progress: Share of the ramp that is over, a scalar.
            training: Whether the batch is trained on.
        """
        weight, group_weight = weights
        if self.levels_groups:
            level = self.look_up(self._level, self.classes(labels), groups)
            # A row of unknown group counts as it is.
            level = ops.where(group_weight > 0, level, ops.ones_like(level))
            if len(weight.shape) > 1:
                level = level[:, None]
            weight = weight * level
        return self.task_loss(labels, scores, sample_weight=weight)

    def strength(self, progress):
        """Returns the strength after a share of the ramp, a scalar.

        `final * (2 / (1 + exp(-10 p)) - 1)`, the schedule of Ganin and
        Lempitsky: features form before an adversary's noise reaches them.
        """
        progress = ops.clip(ops.cast(progress, "float32"), 0.0, 1.0)
        share = 2.0 / (1.0 + ops.exp(-10.0 * progress)) - 1.0
        return self.settings.strength * share

    def classes(self, labels):
        """Returns the class of each row, int `[batch]`; see `strata`."""
        if self.task.kind == MULTI_LABEL:
            return ops.zeros(ops.shape(labels)[:1], "int32")
        labels = ops.reshape(labels, (-1,))
        if self.task.kind != REGRESSION:
            return labels
        share = (labels - self.task.low) / (self.task.high - self.task.low)
        bins = ops.cast(share * num_strata(self.task), "int32")
        return ops.clip(bins, 0, num_strata(self.task) - 1)

    @staticmethod
    def is_known(weight):
        """Returns whether a row has a label, of flags any, bool `[batch]`."""
        weight = ops.reshape(weight, (ops.shape(weight)[0], -1))
        return ops.any(weight > 0, axis=-1)

    @staticmethod
    def look_up(table, labels, groups):
        """Returns the entry `table[label, group]` of each row, `[batch]`."""
        cells = ops.convert_to_tensor(table.reshape(-1))
        return ops.take(cells, labels * table.shape[1] + groups)


class Reweigh(Plain):
    """Weighs the rows of a class so that all its groups count the same.

    See `tp_keras.debiasing.groups.level_weights`. It changes who gets the
    wrong class, not what the embedding knows of the group.
    """

    levels_groups = True
