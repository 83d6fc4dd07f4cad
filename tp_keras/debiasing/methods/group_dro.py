"""The loss of the worst group, approached step by step."""

import numpy as np
from keras import ops

from tp_keras.debiasing.methods.plain import Plain
from tp_keras.models.losses import SmoothedCrossentropy
from tp_keras.tasks import GENDER


class GroupDro(Plain):
    """Weighs groups of class and gender up while their loss is large.

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
        self.row_loss = SmoothedCrossentropy(
            self.crossentropy.label_smoothing, reduction="none"
        )
        self.built = True

    def loss(self, part, logits, labels, genders, weights, progress, training):
        """Returns the mean of the groups' losses by their weights."""
        weight, gender_weight = weights
        rows = ops.cast((weight > 0) & (gender_weight > 0), "float32")
        cells = labels * GENDER.num_classes + genders
        members = rows[:, None] * ops.one_hot(
            cells, self.group_weights.shape[0], dtype="float32"
        )
        sizes = ops.sum(members, axis=0)
        losses = ops.sum(
            members * self.row_loss(labels, logits)[:, None], axis=0
        ) / ops.maximum(sizes, 1.0)
        present = ops.cast(sizes > 0, "float32")
        if training:
            grown = self.group_weights * ops.exp(
                self.settings.group_step * ops.stop_gradient(losses) * present
            )
            self.group_weights.assign(grown / ops.sum(grown))
        share = present * self.group_weights
        return ops.sum(share * losses) / ops.maximum(ops.sum(share), 1e-12)
