"""The loss of the worst group, approached step by step."""

import numpy as np
from keras import ops

from tp_keras.debiasing.methods.plain import Plain
from tp_keras.models.losses import TaskLoss


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
