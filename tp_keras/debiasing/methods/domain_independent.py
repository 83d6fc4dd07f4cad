"""A head for each group, of which the mean remains."""

import keras
from keras import ops

from tp_keras.debiasing.methods.plain import Plain


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
