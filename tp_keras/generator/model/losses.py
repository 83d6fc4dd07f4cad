"""The terms that a VAE is trained with, in nats where they are likelihoods."""

import math

import keras
from keras import ops

from tp_keras.tasks import MISSING

# Uniform noise makes whole numbers a density (Theis et al., arXiv:1511.01844).
DEQUANTIZATION_VARIANCE = 1.0 / 12.0


def gaussian_kl(mean, log_variance):
    """Returns KL(N(mean, variance) || N(0, 1)) of each latent in nats.

    `(mean^2 + variance - log variance - 1) / 2`, as the arguments float
    `[batch, latents]`; Kingma and Welling, arXiv:1312.6114, appendix B.
    """
    return 0.5 * (ops.square(mean) + ops.exp(log_variance) - log_variance - 1.0)


def log_likelihood(squared_error, variance=None):
    """Returns the log density of a dequantised pixel value, in nats.

    All values share one variance on the scale 0..255, that of their mean
    squared error. None is the best for the batch, the optimal sigma-VAE of
    Rybkin et al., arXiv:2006.13202: there is no weight between pixels and KL to
    tune.
    """
    squared_error = squared_error + DEQUANTIZATION_VARIANCE
    if variance is None:
        variance = squared_error
    return -0.5 * (
        math.log(2 * math.pi) + ops.log(variance) + squared_error / variance
    )


def bits_per_dimension(negative_log_likelihood, kl, dimensions):
    """Returns the negative ELBO in bits for each of so many pixel values."""
    return (negative_log_likelihood + kl / dimensions) / math.log(2.0)


def energy_distance(first, second):
    """Returns the energy distance between samples `[n, size]` and `[m, size]`.

    `2 E|x - y| - E|x - x'| - E|y - y'|` over the root of their length: 0 if
    and only if the distributions are equal. The estimate is unbiased, so it
    may be negative. Szekely and Rizzo, "Energy statistics", 2013.
    """
    between = ops.mean(_distances(first, second))
    within = _mean_of_others(first) + _mean_of_others(second)
    return (2 * between - within) / math.sqrt(first.shape[-1])


def _distances(first, second):
    squares = (
        ops.sum(ops.square(first), axis=1)[:, None]
        + ops.sum(ops.square(second), axis=1)[None]
        - 2 * ops.matmul(first, ops.transpose(second))
    )
    # The root has no slope at 0, where a vector meets itself.
    return ops.sqrt(ops.maximum(squares, 1e-6))


def _mean_of_others(sample):
    count = ops.shape(sample)[0]
    distances = _distances(sample, sample) * (1 - ops.eye(count))
    count = ops.cast(count, distances.dtype)
    return ops.sum(distances) / ops.maximum(count * (count - 1), 1)


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


def soft_crossentropy(target_logits, logits, rows):
    """Returns the mean cross-entropy to another answer, over some rows.

    Logits are float `[batch, classes]`, those of the target taken as they are;
    rows are bool `[batch]`.
    """
    target = ops.softmax(ops.cast(ops.stop_gradient(target_logits), "float32"))
    log_probabilities = ops.log_softmax(ops.cast(logits, "float32"))
    losses = -ops.sum(target * log_probabilities, axis=-1)
    rows = ops.cast(rows, "float32")
    return ops.sum(losses * rows) / ops.maximum(ops.sum(rows), 1.0)
