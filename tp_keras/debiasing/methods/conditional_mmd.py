"""A distance between women's and men's embeddings, kept small."""

from keras import ops

from tp_keras.debiasing.gradient_reversal import ramped_strength
from tp_keras.debiasing.methods.plain import Plain

# Widths of the kernels, in medians of the squared distances.
_WIDTHS = (0.25, 1.0, 4.0)


class ConditionalMmd(Plain):
    """Penalises the distance of women's and men's embeddings in each class.

    The squared maximum mean discrepancy (Gretton et al., "A kernel two-sample
    test", 2012) with a mixture of Gaussian kernels: 0 for equal groups. No
    adversary, so nothing to win against; a plain loss. Classes of which a
    batch holds fewer than two women or men are left out.
    """

    levels_genders = True

    def loss(self, part, logits, labels, genders, weights, progress, training):
        """Returns the task's loss and the mean discrepancy of the classes."""
        loss = super().loss(
            part, logits, labels, genders, weights, progress, training
        )
        weight, gender_weight = weights
        known = (weight > 0) & (gender_weight > 0)
        strength = ramped_strength(progress, self.settings.strength)
        return loss + strength * conditional_mmd(
            part, labels, genders, known, self.task.num_classes
        )


def conditional_mmd(features, labels, genders, known, num_classes):
    """Returns the squared discrepancy of the genders, mean over the classes.

    For one class with women `a` and men `b` it is `mean k(a, a') + mean k(b,
    b') - 2 mean k(a, b)`, all pairs counted, also of a row with itself: at
    least 0, and 0 for equal groups. The widths of the kernels come from the
    median distance in the batch, through which no gradient passes.

    Args:
        features: float `[batch, size]`.
        labels: int `[batch]`.
        genders: int `[batch]`, 0 or 1.
        known: bool `[batch]`: rows whose label and gender are known.
        num_classes: Int.

    Returns:
        Scalar; 0 where no class has two rows of each gender.
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
    male = ops.cast(genders, features.dtype)[:, None]
    women, men = classes * (1.0 - male), classes * male
    sizes = ops.sum(women, axis=0), ops.sum(men, axis=0)
    # +1/n for a woman, -1/m for a man: one quadratic form for each class.
    signs = women / ops.maximum(sizes[0], 1.0) - men / ops.maximum(
        sizes[1], 1.0
    )
    squared = ops.sum(signs * ops.matmul(kernel, signs), axis=0)
    enough = ops.cast((sizes[0] >= 2) & (sizes[1] >= 2), features.dtype)
    return ops.sum(enough * squared) / ops.maximum(ops.sum(enough), 1.0)
