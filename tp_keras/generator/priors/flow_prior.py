"""A conditional flow that bends a Gaussian into the shape of the latents."""

import keras
import numpy as np
from keras import ops

from tp_keras.errors import UserError
from tp_keras.generator.conditions import num_patterns
from tp_keras.generator.conditions import one_hot_labels
from tp_keras.generator.conditions import pattern_index
from tp_keras.generator.priors.prior import Prior
from tp_keras.generator.priors.prior import log_diagonal
from tp_keras.generator.priors.prior import scaled
from tp_keras.generator.priors.prior import standard_normal_log_density
from tp_keras.registration import register

# The logarithm of a scale stays within this bound, so that no row explodes.
_MOST_LOG_SCALE = 2.0


@register
class FlowPrior(Prior):
    """p(z | c) by an invertible network from z to standard normal noise.

    First z is whitened by a Gaussian whose centre depends on the labels, then
    each coupling learns what the Gaussian leaves over: a fresh flow is that
    Gaussian, N(0, I) fresh from the constructor. A flow as the prior of a
    conditional VAE is from arXiv:2511.08946. Its settings are those of
    `FlowSettings`, its seed that of the rotations and first weights. With one
    coordinate only it raises a `UserError`: a coupling needs two.
    """

    def __init__(
        self,
        latent_size,
        conditions,
        couplings=6,
        width=128,
        dropout_rate=0.0,
        seed=0,
        **kwargs,
    ):
        super().__init__(latent_size, **kwargs)
        if latent_size < 2:
            raise UserError(
                "Expected a latent size of at least 2 for a flow; take another "
                f"--prior. Received: latent_size={latent_size}"
            )
        self.conditions = dict(conditions)
        self.couplings = couplings
        self.width = width
        self.dropout_rate = dropout_rate
        self.seed = seed
        square = (latent_size, latent_size)
        self.centers = self.add_constant(
            "centers", (num_patterns(conditions), latent_size)
        )
        self.scale = self.add_constant("scale", square, "identity")
        self.whitener = self.add_constant("whitener", square, "identity")
        self.steps = [
            _Coupling(
                latent_size,
                sum(count + 1 for count in conditions.values()),
                width,
                dropout_rate,
                seed=1000 * seed + 10 * step,
                name=f"coupling_{step}",
            )
            for step in range(couplings)
        ]
        self.built = True

    def assign_gaussian(self, centers, scale):
        """Sets the Gaussian that the flow starts from.

        The centers are float `[patterns, latent_size]`, by `pattern_index`, the
        scale is the lower triangular Cholesky factor of the covariance.
        """
        scale = np.asarray(scale, np.float64)
        self.centers.assign(centers)
        self.scale.assign(scale)
        self.whitener.assign(np.tril(np.linalg.inv(scale)))

    def sample(self, normal, uniform, labels, temperature):
        x = scaled(normal, temperature)
        columns = one_hot_labels(labels, self.conditions)
        for step in reversed(self.steps):
            x = step.inverse(x, columns)
        return ops.matmul(x, ops.transpose(self.scale)) + self._center(labels)

    def log_density(self, latents, labels, training=False):
        x = ops.cast(latents, "float32") - self._center(labels)
        x = ops.matmul(x, ops.transpose(self.whitener))
        volume = ops.sum(log_diagonal(self.whitener))
        columns = one_hot_labels(labels, self.conditions)
        for step in self.steps:
            x, step_volume = step(x, columns, training=training)
            volume = volume + step_volume
        return standard_normal_log_density(x) + volume

    def get_config(self):
        return {
            **super().get_config(),
            "conditions": dict(self.conditions),
            "couplings": self.couplings,
            "width": self.width,
            "dropout_rate": self.dropout_rate,
            "seed": self.seed,
        }

    def _center(self, labels):
        pattern = pattern_index(labels, self.conditions)
        return ops.take(self.centers, pattern, axis=0)


# The rotation is fixed and mixes all coordinates; scale and shift of each then
# depend on the labels; then those of one half depend on the other half and the
# labels, through a small network. Fresh, it is a rotation alone. Dinh et al.,
# arXiv:1605.08803 (Real NVP); Kingma and Dhariwal, arXiv:1807.03039 (Glow).
class _Coupling(keras.layers.Layer):
    """Rotation, normalisation by label and an affine coupling."""

    def __init__(self, size, columns, width, dropout_rate, seed, name):
        super().__init__(name=name, dtype="float32")
        # What is read and what is changed.
        self._kept = size // 2
        changed = size - self._kept
        rotation = np.linalg.qr(
            np.random.default_rng(seed).normal(size=(size, size))
        )[0]
        self.rotation = self.add_weight(
            (size, size),
            lambda shape, dtype: ops.cast(rotation, dtype),
            trainable=False,
            autocast=False,
            name="rotation",
        )
        glorot = keras.initializers.GlorotUniform
        self._normalization = _dense(2 * size, columns, "normalization")
        self._entrance = _dense(
            width, self._kept + columns, "entrance", glorot(seed)
        )
        self._hidden = _dense(width, width, "hidden", glorot(seed + 1))
        self._dropout = keras.layers.Dropout(
            dropout_rate, seed=seed, dtype="float32", name="dropout"
        )
        self._exit = _dense(2 * changed, width, "exit")
        self.built = True

    def call(self, x, columns, training=False):
        """Returns what is nearer to the base, and the log determinant."""
        x = ops.matmul(x, self.rotation)
        log_scale, shift = _scale_and_shift(self._normalization(columns))
        x = x * ops.exp(log_scale) + shift
        volume = ops.sum(log_scale, axis=-1)
        kept, changed = x[:, : self._kept], x[:, self._kept :]
        log_scale, shift = self._by_half(kept, columns, training)
        changed = changed * ops.exp(log_scale) + shift
        return (
            ops.concatenate([kept, changed], axis=-1),
            volume + ops.sum(log_scale, axis=-1),
        )

    def inverse(self, x, columns):
        """Returns what `call` takes to `x`."""
        kept, changed = x[:, : self._kept], x[:, self._kept :]
        log_scale, shift = self._by_half(kept, columns, training=False)
        changed = (changed - shift) * ops.exp(-log_scale)
        x = ops.concatenate([kept, changed], axis=-1)
        log_scale, shift = _scale_and_shift(self._normalization(columns))
        x = (x - shift) * ops.exp(-log_scale)
        return ops.matmul(x, ops.transpose(self.rotation))

    def _by_half(self, kept, columns, training):
        x = ops.concatenate([kept, columns], axis=-1)
        x = ops.gelu(self._entrance(x))
        x = x + ops.gelu(self._hidden(x))
        return _scale_and_shift(self._exit(self._dropout(x, training=training)))


def _dense(units, size, name, initializer="zeros"):
    layer = keras.layers.Dense(
        units, kernel_initializer=initializer, dtype="float32", name=name
    )
    layer.build((None, size))
    return layer


def _scale_and_shift(x):
    log_scale, shift = ops.split(x, 2, axis=-1)
    bounded = _MOST_LOG_SCALE * ops.tanh(log_scale / _MOST_LOG_SCALE)
    return bounded, shift
