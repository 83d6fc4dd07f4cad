"""Muon for the kernels of convolutions, AdamW for all else."""

import math

from keras import ops

from tp_keras.models.optimizers import FusedAdamW
from tp_keras.registration import register

# Of the quintic polynomial whose iteration brings singular values to about 1.
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5

# The root mean square of an update of AdamW, about.
_ADAM_SIZE = 0.2


@register
class FusedMuon(FusedAdamW):
    """`FusedAdamW`, with Muon for the kernels of dense convolutions.

    Muon (Jordan et al., 2024, https://kellerjordan.github.io/posts/muon) makes
    the update of a matrix orthogonal, so that it learns in all directions, not
    in a few strong ones. A kernel is a matrix here, `[height * width * inputs,
    outputs]`; `keras.optimizers.Muon` leaves what has four axes to AdamW. At
    the same rate an update is as large as one of AdamW's (Liu et al.,
    arXiv:2502.16982).

    The iteration runs on the Gram matrix of the smaller side, and what it adds
    up to is multiplied once: a third of the arithmetic for the same result.

    Args:
        learning_rate: Of what AdamW updates.
        kernel_rate: Float, the learning rate of kernels in those. They bear
            much more than with AdamW.
        kernel_momentum: Float, the momentum of their gradients.
        **kwargs: Those of `keras.optimizers.AdamW`.
    """

    def __init__(
        self,
        learning_rate=0.001,
        *,
        kernel_rate=8.0,
        kernel_momentum=0.95,
        **kwargs,
    ):
        super().__init__(learning_rate, **kwargs)
        self.kernel_rate = kernel_rate
        self.kernel_momentum = kernel_momentum

    def update_step(self, gradient, variable, learning_rate):
        """Updates a variable, by the one method or the other."""
        if not is_dense_kernel(variable):
            super().update_step(gradient, variable, learning_rate)
            return
        rate = self._learning_rate_of(variable, learning_rate)
        momentum = self._momentums[self._get_variable_index(variable)]
        gradient = ops.cast(gradient, "float32")
        share = 1.0 - self.kernel_momentum
        self.assign_add(momentum, (gradient - momentum) * share)
        # Nesterov's: what the momentum will be if the gradient stays.
        ahead = ops.add(momentum, (gradient - momentum) * share)
        matrix = ops.reshape(ahead, (-1, variable.shape[-1]))
        size = _ADAM_SIZE * math.sqrt(max(matrix.shape))
        update = ops.reshape(orthogonalize(matrix), variable.shape)
        rate = ops.cast(rate * self.kernel_rate * size, "float32")
        self.assign_sub(variable, rate * update)

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        if not self._is_fusible(grads):
            super()._backend_update_step(
                grads, trainable_variables, learning_rate
            )
            return
        others = []
        for pair in zip(grads, trainable_variables, strict=True):
            if is_dense_kernel(pair[1]):
                self.update_step(*pair, learning_rate)
            else:
                others.append(pair)
        if others:
            super()._backend_update_step(
                *zip(*others, strict=True), learning_rate
            )

    def get_config(self):
        own = {
            "kernel_rate": self.kernel_rate,
            "kernel_momentum": self.kernel_momentum,
        }
        return {**super().get_config(), **own}


def is_dense_kernel(variable) -> bool:
    """Returns whether a variable is the kernel of a dense convolution.

    Those of depthwise ones are many small filters, and no matrix.
    """
    is_map = len(variable.shape) == 4 and min(variable.shape[-2:]) > 1
    return is_map or "pointwise_kernel" in variable.name


def orthogonalize(matrix):
    """Returns about `U V^T` of a matrix with the decomposition `U S V^T`.

    Args:
        matrix: Float tensor `[rows, columns]`.

    Returns:
        A tensor of its shape. Its singular values are about 1, between .7 and
        1.2, but for those that were far below the largest.
    """
    rows, columns = matrix.shape
    # A spectral norm of at most 1.
    x = matrix / (ops.norm(matrix) + 1e-7)
    x_t = ops.transpose(x)
    gram = ops.matmul(x, x_t) if rows < columns else ops.matmul(x_t, x)
    a, b, c = _COEFFICIENTS
    identity = ops.eye(min(rows, columns), dtype=gram.dtype)
    product = identity
    for _ in range(_ITERATIONS):
        # Polynomials of one symmetric matrix commute.
        factor = a * identity + b * gram + c * ops.matmul(gram, gram)
        product = ops.matmul(factor, product)
        gram = ops.matmul(factor, ops.matmul(factor, gram))
    return ops.matmul(product, x) if rows < columns else ops.matmul(x, product)
