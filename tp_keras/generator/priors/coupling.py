"""One step of a conditional flow."""

import keras
import numpy as np

from tp_keras.registration import register

_DTYPE = "float32"

# The logarithm of a scale stays within this bound, so that no row explodes.
_MOST_LOG_SCALE = 2.0


@register
class Coupling(keras.layers.Layer):
    """Rotation, normalisation by label and an affine coupling.

    The rotation is fixed and mixes all coordinates. Then scale and shift of
    each coordinate depend on the labels; then scale and shift of one half
    depend on the other half and the labels, through a network of one hidden
    layer and a residual one. The last layers start at zero, so a fresh step is
    a rotation alone.

    Source: Dinh et al., Density estimation using Real NVP, 2016,
    arXiv:1605.08803; activation normalisation as in Kingma and Dhariwal, Glow,
    2018, arXiv:1807.03039.

    Args:
        size: Int, at least 2. Number of coordinates.
        conditions: Int. Length of the vector that the labels are.
        width: Int. Units of the hidden layers.
        dropout_rate: Float. Dropout in the network.
        seed: Int. Of rotation and weights.
        **kwargs: Those of `keras.layers.Layer`.
    """

    def __init__(
        self, size, conditions, width, dropout_rate=0.0, seed=0, **kwargs
    ):
        super().__init__(**{**kwargs, "dtype": _DTYPE})
        self.size = size
        self.conditions = conditions
        self.width = width
        self.dropout_rate = dropout_rate
        self.seed = seed
        # What is read and what is changed.
        self._kept = size // 2
        self._changed = size - self._kept

        rotation = np.linalg.qr(
            np.random.default_rng(seed).normal(size=(size, size))
        )[0]
        self.rotation = self.add_weight(
            name="rotation",
            shape=(size, size),
            initializer=lambda shape, dtype: keras.ops.cast(rotation, dtype),
            trainable=False,
            autocast=False,
        )
        self._normalization = _zero_dense(2 * size, "normalization")
        self._normalization.build((None, conditions))
        self._entrance = _dense(width, seed, "entrance")
        self._entrance.build((None, self._kept + conditions))
        self._hidden = _dense(width, seed + 1, "hidden")
        self._hidden.build((None, width))
        self._dropout = keras.layers.Dropout(
            dropout_rate, seed=seed, dtype=_DTYPE, name="dropout"
        )
        self._dropout.build((None, width))
        self._exit = _zero_dense(2 * self._changed, "exit")
        self._exit.build((None, width))
        self.built = True

    def call(self, x, conditions, training=False):
        """Towards the base.

        Args:
            x: Float32 `[batch, size]`.
            conditions: Float32 `[batch, conditions]`.
            training: Bool. Whether dropout is on.

        Returns:
            Float32 `[batch, size]` and the log determinant `[batch]`.
        """
        x = keras.ops.matmul(x, self.rotation)
        log_scale, shift = self._by_label(conditions)
        x = x * keras.ops.exp(log_scale) + shift
        volume = keras.ops.sum(log_scale, axis=-1)
        kept, changed = x[:, : self._kept], x[:, self._kept :]
        log_scale, shift = self._by_half(kept, conditions, training)
        changed = changed * keras.ops.exp(log_scale) + shift
        return (
            keras.ops.concatenate([kept, changed], axis=-1),
            volume + keras.ops.sum(log_scale, axis=-1),
        )

    def inverse(self, x, conditions):
        """Away from the base: what `call` takes to `x`, `[batch, size]`."""
        kept, changed = x[:, : self._kept], x[:, self._kept :]
        log_scale, shift = self._by_half(kept, conditions, training=False)
        changed = (changed - shift) * keras.ops.exp(-log_scale)
        x = keras.ops.concatenate([kept, changed], axis=-1)
        log_scale, shift = self._by_label(conditions)
        x = (x - shift) * keras.ops.exp(-log_scale)
        return keras.ops.matmul(x, keras.ops.transpose(self.rotation))

    def get_config(self):
        return {
            **super().get_config(),
            "size": self.size,
            "conditions": self.conditions,
            "width": self.width,
            "dropout_rate": self.dropout_rate,
            "seed": self.seed,
        }

    def _by_label(self, conditions):
        return _scale_and_shift(self._normalization(conditions))

    def _by_half(self, kept, conditions, training):
        x = keras.ops.concatenate([kept, conditions], axis=-1)
        x = keras.ops.gelu(self._entrance(x))
        x = x + keras.ops.gelu(self._hidden(x))
        return _scale_and_shift(self._exit(self._dropout(x, training=training)))


def _dense(units, seed, name):
    return keras.layers.Dense(
        units,
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
        dtype=_DTYPE,
        name=name,
    )


def _zero_dense(units, name):
    return keras.layers.Dense(
        units, kernel_initializer="zeros", dtype=_DTYPE, name=name
    )


def _scale_and_shift(x):
    log_scale, shift = keras.ops.split(x, 2, axis=-1)
    bounded = _MOST_LOG_SCALE * keras.ops.tanh(log_scale / _MOST_LOG_SCALE)
    return bounded, shift
