"""The loss of a guarded task as it is, weighed anew, or with a head a group."""

import keras
import numpy as np
from keras import ops

from tp_keras.data.labels import ranges_of
from tp_keras.debias_config import DebiasConfig
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

    `counts` are the training rows of each class and group, int
    `[classes, groups]`; for `number_head` see `head_kind`.
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
        starts = ops.convert_to_tensor(ranges_of(self.task)[0], labels.dtype)
        ranges = ops.searchsorted(starts, labels, side="right") - 1
        return ops.maximum(ops.cast(ranges, "int32"), 0)

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


class GroupDro(Plain):
    """Weighs groups of class and group up while their loss is large.

    Group distributionally robust optimisation (Sagawa et al., "Distributionally
    robust neural networks", 2020, arXiv:1911.08731): `q_g` is multiplied by
    `exp(step * loss_g)` and brought to a sum of 1; the loss is the mean of the
    groups' losses by `q`. A group that a batch lacks keeps its `q`, and groups
    without training rows have none.
    """

    def build(self, input_shape=None):
        """Creates the weights of the groups."""
        present = (np.asarray(self.counts).reshape(-1) > 0).astype("float32")
        self.group_weights = self.add_weight(
            name="group_weights",
            shape=present.shape,
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(
                present / max(present.sum(), 1.0), dtype
            ),
            trainable=False,
        )
        config = {**self.task_loss.get_config(), "reduction": "none"}
        self.row_loss = TaskLoss.from_config(config)
        self.built = True

    def loss(self, part, scores, labels, groups, weights, progress, training):
        """Returns the mean of the groups' losses by their weights."""
        weight, group_weight = weights
        rows = ops.cast(self.is_known(weight) & (group_weight > 0), "float32")
        cells = self.classes(labels) * self.num_groups + groups
        members = rows[:, None] * ops.one_hot(
            cells, self.group_weights.shape[0], dtype="float32"
        )
        sizes = ops.sum(members, axis=0)
        losses = ops.sum(
            members * self._row_losses(labels, scores, weight)[:, None], axis=0
        ) / ops.maximum(sizes, 1.0)
        present = ops.cast(sizes > 0, "float32")
        if training:
            grown = self.group_weights * ops.exp(
                self.settings.group_step * ops.stop_gradient(losses) * present
            )
            self.group_weights.assign(grown / ops.sum(grown))
        share = present * self.group_weights
        return ops.sum(share * losses) / ops.maximum(ops.sum(share), 1e-12)

    def _row_losses(self, labels, scores, weight):
        """Returns the loss of each row, of flags the mean of those known."""
        losses = self.row_loss(labels, scores)
        if len(losses.shape) == 1:
            return losses
        known = ops.cast(weight > 0, losses.dtype)
        return ops.sum(known * losses, axis=-1) / ops.maximum(
            ops.sum(known, axis=-1), 1.0
        )


class DomainIndependent(Plain):
    """Trains a head for each group, and keeps their mean.

    Each portrait is learned by the head of its group, so that no head learns
    a class from its group; for a prediction the scores of all are summed,
    which needs no group (Wang et al., "Towards fairness in visual
    recognition", 2020, arXiv:1911.11834). The heads are the classifier's plus
    differences that add up to nothing, so the classifier's own head is their
    mean from the first step on.
    """

    def build(self, input_shape=None):
        """Creates the differences of all heads but the last."""
        self.differences = [
            keras.layers.Dense(
                # Of the scores: both logits of a binary task.
                self.task.num_classes or self.task_loss.kind.units(self.task),
                kernel_initializer="zeros",
                name=f"{self.task.name}_difference_{number}",
            )
            for number in range(self.num_groups - 1)
        ]
        for difference in self.differences:
            difference.build(input_shape)
        self.built = True

    def loss(self, part, scores, labels, groups, weights, progress, training):
        """Returns the loss of each row in the head of its group."""
        if training:
            _, group_weight = weights
            known = ops.cast(group_weight > 0, scores.dtype)
            last = ops.cast(groups == self.num_groups - 1, scores.dtype)
            for number, difference in enumerate(self.differences):
                own = ops.cast(groups == number, scores.dtype)
                sign = known * (own - last)
                scores = scores + sign[:, None] * difference(part)
        return super().loss(
            part, scores, labels, groups, weights, progress, training
        )
