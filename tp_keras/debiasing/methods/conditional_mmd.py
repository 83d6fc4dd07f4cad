"""A distance between the embeddings of groups, kept small."""

import itertools

from keras import ops

from tp_keras.debiasing.methods.plain import Plain

# Widths of the kernels, in medians of the squared distances.
_WIDTHS = (0.25, 1.0, 4.0)


class ConditionalMmd(Plain):
    """Penalises the distance of the groups' embeddings in each class.

    The squared maximum mean discrepancy (Gretton et al., "A kernel two-sample
    test", 2012) with a mixture of Gaussian kernels: 0 for equal groups. No
    adversary, so nothing to win against; a plain loss. Groups of which a batch
    holds fewer than two rows of a class are left out of that class.
    """

    levels_groups = True

    def loss(self, part, scores, labels, groups, weights, progress, training):
        """Returns the task's loss and the mean discrepancy of the classes."""
        loss = super().loss(
            part, scores, labels, groups, weights, progress, training
        )
        weight, group_weight = weights
        known = self.is_known(weight) & (group_weight > 0)
        return loss + self.strength(progress) * conditional_mmd(
            part,
            self.classes(labels),
            groups,
            known,
            self.num_classes,
            self.num_groups,
        )


def conditional_mmd(features, labels, groups, known, num_classes, num_groups):
    """Returns the squared discrepancy, mean over classes and pairs of groups.

    For one class with rows `a` of one group and `b` of another it is
    `mean k(a, a') + mean k(b, b') - 2 mean k(a, b)`, all pairs counted, also
    of a row with itself: at least 0, and 0 for equal groups. The widths of the
    kernels come from the median distance, through which no gradient passes.

    Takes float features `[batch, size]`, int labels and groups `[batch]`, and
    which rows have both, bool `[batch]`. The scalar is 0 where no class has two
    rows of each of two groups.
    """
    norms = ops.sum(ops.square(features), axis=-1)
    distances = ops.maximum(
        norms[:, None]
        + norms[None, :]
        - 2.0 * ops.matmul(features, ops.transpose(features)),
        0.0,
    )
    median = ops.stop_gradient(ops.median(distances))
    kernel = sum(
        ops.exp(-distances / (width * median + 1e-6)) for width in _WIDTHS
    ) / len(_WIDTHS)
    known = ops.cast(known, features.dtype)[:, None]
    classes = known * ops.one_hot(labels, num_classes, dtype=features.dtype)
    of_group = ops.one_hot(groups, num_groups, dtype=features.dtype)
    members = [
        classes * of_group[:, group, None] for group in range(num_groups)
    ]
    sizes = [ops.sum(rows, axis=0) for rows in members]
    means = [
        m / ops.maximum(n, 1.0) for m, n in zip(members, sizes, strict=True)
    ]
    total, count = 0.0, 0.0
    for one, other in itertools.combinations(range(num_groups), 2):
        # +1/n for a row of the one, -1/m for one of the other: one quadratic
        # form for each class.
        signs = means[one] - means[other]
        squared = ops.sum(signs * ops.matmul(kernel, signs), axis=0)
        enough = (sizes[one] >= 2) & (sizes[other] >= 2)
        enough = ops.cast(enough, features.dtype)
        total += ops.sum(enough * squared)
        count += ops.sum(enough)
    return total / ops.maximum(count, 1.0)
