"""Adversaries that read the group, and the reversed gradient of their loss."""

import keras
from keras import ops

from tp_keras.debiasing.groups import group_balancing_weights
from tp_keras.debiasing.methods.plain import Plain
from tp_keras.models.losses import TaskLoss
from tp_keras.tasks import CATEGORICAL
from tp_keras.tasks import Task


def reverse_gradient(x, strength):
    """Returns `x`, whose gradient is multiplied by `-strength` on its way back.

    What comes behind learns to predict as well as it can, while everything
    before learns to prevent that (Ganin and Lempitsky, "Unsupervised Domain
    Adaptation by Backpropagation", 2015, arXiv:1409.7495). No custom gradient
    is needed: `stop_gradient(x + s * x) - s * x` equals `x`.
    """
    scaled = ops.cast(strength, x.dtype) * x
    return ops.stop_gradient(x + scaled) - scaled


class ReversedGradient(Plain):
    """Lets adversaries read the group from a part, and reverses their gradient.

    The adversaries see the normalised part of the embedding, groups balanced,
    and learn faster than the classifier: what they can't read is only gone if
    they read as well as can be (Elazar and Goldberg, arXiv:1808.06640). As the
    part has to keep what the label itself tells of the group, a strong reversal
    costs accuracy.
    """

    levels_groups = True
    is_conditional = False

    def build(self, input_shape=None):
        """Creates the adversaries; `input_shape` is that of the part."""
        size = input_shape[-1]
        if self.is_conditional:
            size += self.num_classes
        self.adversaries = []
        for number in range(self.settings.adversaries):
            # No normalisation or dropout: their capacity is that of a probe.
            adversary = keras.Sequential(name=f"adversary_{number}")
            for width in self.settings.adversary_units:
                adversary.add(keras.layers.Dense(width, activation="relu"))
            adversary.add(keras.layers.Dense(self.num_groups))
            adversary.build((None, size))
            self.adversaries.append(adversary)
        names = tuple(map(str, range(self.num_groups)))
        self.group_loss = TaskLoss(Task("group", CATEGORICAL, names))
        self.built = True

    @property
    def adversary_variables(self) -> list:
        """The variables of the adversaries."""
        return sum((a.trainable_variables for a in self.adversaries), [])

    def loss(self, part, scores, labels, groups, weights, progress, training):
        """Returns the task's loss and the adversaries', which is reversed."""
        loss = super().loss(
            part, scores, labels, groups, weights, progress, training
        )
        part = reverse_gradient(part, self.strength(progress))
        return loss + self.adversary_loss(part, labels, groups, weights)

    def adversary_loss(self, part, labels, groups, weights):
        """Returns the mean loss of the adversaries, by chance ln(groups)."""
        features = self.adversary_input(part, labels)
        weight = self.adversary_weights(labels, groups, weights)
        losses = [
            self.group_loss(groups, adversary(features), sample_weight=weight)
            for adversary in self.adversaries
        ]
        return sum(losses) / len(losses)

    def adversary_input(self, part, labels):
        """Returns what the adversaries see, `[batch, size]`."""
        return part

    def adversary_weights(self, labels, groups, weights):
        """Returns the weight of each row in their loss, `[batch]`."""
        _, group_weight = weights
        counts = self.counts.sum(0)
        table = counts.sum() / (len(counts) * counts.clip(1))
        table = ops.convert_to_tensor(table.astype("float32"))
        return group_weight * ops.take(table, groups)


class ConditionalReversedGradient(ReversedGradient):
    """The same with the true class told, and balanced: the flagship.

    The adversaries see the class beside the part, and only labelled rows, of
    classes that have two groups or more; each group of a class weighs the
    same. So the part may keep what the class tells of the group and nothing
    else: independence given the class, which is equalised odds for whatever
    reads the part (Zhao et al., "Conditional learning of fair representations",
    2020, arXiv:1910.07162).
    """

    is_conditional = True

    def adversary_input(self, part, labels):
        """Returns the part and the one-hot class."""
        classes = ops.one_hot(
            self.classes(labels), self.num_classes, dtype=part.dtype
        )
        return ops.concatenate([part, classes], axis=-1)

    def adversary_weights(self, labels, groups, weights):
        """Returns weights by which every supported group has one sum."""
        weight, group_weight = weights
        table = group_balancing_weights(self.counts)
        known = ops.cast(self.is_known(weight) & (group_weight > 0), "float32")
        return known * self.look_up(table, self.classes(labels), groups)
