"""The terms that a generator is trained with."""

import keras
from keras import ops

from tp_keras.tasks import MISSING


def gaussian_kl(mean, log_variance):
    """Returns KL(N(mean, variance) || N(0, 1)) of each latent in nats.

    `(mean^2 + variance - log variance - 1) / 2`, as the arguments float
    `[batch, latents]`; Kingma and Welling, arXiv:1312.6114, appendix B.
    """
    return 0.5 * (ops.square(mean) + ops.exp(log_variance) - log_variance - 1.0)


def gaussian_surprise(values, mean, log_variance):
    """Returns how little values were foretold, in nats but for a constant.

    `(log variance + (value - mean)^2 / variance) / 2`, as the arguments float
    `[batch, latents]`: the negative logarithm of a Gaussian density.
    """
    squares = ops.square(values - mean) * ops.exp(-log_variance)
    return 0.5 * (log_variance + squares)


def critic_hinge(real_scores, made_scores):
    """Returns the loss of critics, the mean over them and over their heads.

    `relu(1 - real) + relu(1 + made)` of lists of lists of float `[batch, n]`: 2
    for who can't tell, 0 for who always can (Lim and Ye, arXiv:1705.02894).
    """
    return _mean_of_heads(real_scores, lambda x: ops.relu(1 - x)) + (
        _mean_of_heads(made_scores, lambda x: ops.relu(1 + x))
    )


def mean_score(scores):
    """Returns the mean over critics of the mean over their heads."""
    return _mean_of_heads(scores, lambda x: x)


def _mean_of_heads(scores, function):
    means = [
        sum(ops.mean(function(each)) for each in heads) / len(heads)
        for heads in scores
    ]
    return sum(means) / len(means)


def feature_error(maps, target_maps):
    """Returns the squared error of feature maps over their mean square.

    The mean over the maps of `FeatureNetwork`; 1 if nothing but zeros is seen.
    Deep feature consistency: Hou et al., arXiv:1610.00291.
    """
    errors = [
        ops.mean(ops.square(x - target)) / (ops.mean(ops.square(target)) + 1e-6)
        for x, target in zip(maps, target_maps, strict=True)
    ]
    return sum(errors) / len(errors)


def labelled_crossentropy(labels, logits, smoothing=0.0):
    """Returns the mean cross-entropy over all labels that are known, else 0.

    Logits are a dict: task name -> float `[batch, classes]`; a share of the
    target, the smoothing, is spread over all classes.
    """
    total, count = 0.0, 0.0
    for name, values in logits.items():
        known = ops.cast(ops.not_equal(labels[name], MISSING), "float32")
        values = ops.cast(values, "float32")
        losses = keras.losses.categorical_crossentropy(
            ops.one_hot(ops.maximum(labels[name], 0), values.shape[-1]),
            values,
            from_logits=True,
            label_smoothing=smoothing,
        )
        total += ops.sum(losses * known)
        count += ops.sum(known)
    return total / ops.maximum(count, 1.0)
