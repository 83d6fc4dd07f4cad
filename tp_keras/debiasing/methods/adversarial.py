"""Adversaries that read gender, and the reversed gradient of their loss."""

import keras
from keras import ops

from tp_keras.debiasing.gradient_reversal import ramped_strength
from tp_keras.debiasing.gradient_reversal import reverse_gradient
from tp_keras.debiasing.groups import group_balancing_weights
from tp_keras.debiasing.methods.plain import Plain
from tp_keras.models.losses import SmoothedCrossentropy
from tp_keras.tasks import GENDER


class ReversedGradient(Plain):
    """Lets adversaries read gender from a part, and reverses their gradient.

    The adversaries see the normalised part of the embedding, genders balanced,
    and learn faster than the classifier (`adversary_speed`): what they can't
    read is only gone if they read as well as can be (Elazar and Goldberg,
    arXiv:1808.06640). The strength of the reversal is ramped. Rows without a
    hair label serve too: their gender is known. As the part has to keep what
    the label itself tells of gender, a strong reversal costs accuracy.
    """

    levels_genders = True
    is_conditional = False

    def build(self, input_shape=None):
        """Creates the adversaries; `input_shape` is that of the part."""
        size = input_shape[-1]
        if self.is_conditional:
            size += self.task.num_classes
        self.adversaries = [
            _adversary(size, self.settings.adversary_units, number)
            for number in range(self.settings.adversaries)
        ]
        self.gender_loss = SmoothedCrossentropy()
        self.built = True

    @property
    def adversary_variables(self) -> list:
        """The variables of the adversaries."""
        return [
            variable
            for adversary in self.adversaries
            for variable in adversary.trainable_variables
        ]

    def loss(self, part, logits, labels, genders, weights, progress, training):
        """Returns the task's loss and the adversaries', which is reversed."""
        loss = super().loss(
            part, logits, labels, genders, weights, progress, training
        )
        strength = ramped_strength(progress, self.settings.strength)
        return loss + self.adversary_loss(
            reverse_gradient(part, strength), labels, genders, weights
        )

    def adversary_loss(self, part, labels, genders, weights):
        """Returns the mean loss of the adversaries; ln 2 is chance."""
        features = self.adversary_input(part, labels)
        weight = self.adversary_weights(labels, genders, weights)
        losses = [
            self.gender_loss(genders, adversary(features), sample_weight=weight)
            for adversary in self.adversaries
        ]
        return sum(losses) / len(losses)

    def adversary_input(self, part, labels):
        """Returns what the adversaries see, `[batch, size]`."""
        return part

    def adversary_weights(self, labels, genders, weights):
        """Returns the weight of each row in their loss, `[batch]`."""
        _, gender_weight = weights
        counts = self.gender_counts
        table = (counts.sum() / (2 * counts.clip(1))).astype("float32")
        return gender_weight * ops.take(ops.convert_to_tensor(table), genders)

    @property
    def gender_counts(self):
        """Labelled rows of each gender, int array `[2]`."""
        return self.counts.sum(0)


class ConditionalReversedGradient(ReversedGradient):
    """The same with the true class told, and balanced: the flagship.

    The adversaries see the class beside the part, and only labelled rows, of
    classes that have both genders; each group of class and gender weighs the
    same. So the part may keep what the class tells of gender and nothing else:
    independence given the class, which is equalised odds for whatever reads
    the part (Zhao et al., "Conditional learning of fair representations",
    2020, arXiv:1910.07162).
    """

    is_conditional = True

    def adversary_input(self, part, labels):
        """Returns the part and the one-hot class."""
        classes = ops.one_hot(labels, self.task.num_classes, dtype=part.dtype)
        return ops.concatenate([part, classes], axis=-1)

    def adversary_weights(self, labels, genders, weights):
        """Returns weights by which every supported group has one sum."""
        weight, gender_weight = weights
        table = group_balancing_weights(self.counts)
        known = ops.cast((weight > 0) & (gender_weight > 0), "float32")
        return known * self.look_up(table, labels, genders)


def _adversary(size, units, number):
    # No normalisation or dropout: its capacity is that of a probe.
    layers = [keras.layers.Dense(width, activation="relu") for width in units]
    adversary = keras.Sequential(
        [*layers, keras.layers.Dense(GENDER.num_classes)],
        name=f"adversary_{number}",
    )
    adversary.build((None, size))
    return adversary
