"""How much arithmetic a network is, and how much the machine can do at most."""

import math
import time

# A training step computes the layers, the gradients of their weights and
# those of their inputs: three times the arithmetic of the first.
TRAINING_PASSES = 3


def forward_flops(model) -> int:
    """Returns the floating point operations of one portrait, forward.

    Those of the convolutions and dense layers: each weight of a kernel is
    multiplied and added at each place of the output. Normalisation and
    activations are passes over memory rather than arithmetic and don't count.

    Args:
        model: Built functional `keras.Model`; models within it count too.

    Example:
        >>> image = keras.Input((8, 8, 3))
        >>> model = keras.Model(image, keras.layers.Conv2D(4, 1)(image))
        >>> forward_flops(model)
        1536
    """
    import keras

    flops = 0
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            flops += forward_flops(layer)
        elif hasattr(layer, "kernel"):
            places = math.prod(layer.output.shape[1:-1])
            flops += 2 * places * math.prod(layer.kernel.shape)
    return flops


class MatmulPeak:
    """The machine's arithmetic at its best: one large matrix product.

    Args:
        precision: `"float32"` or `"bfloat16"`.
        size: Int. Rows and columns of the matrices.
    """

    def __init__(self, precision, size=2048):
        import tensorflow as tf

        self._flops = 2 * size**3
        self._matrix = tf.cast(tf.random.normal((size, size)), precision)
        self._multiply = tf.function(tf.linalg.matmul)
        self._multiply(self._matrix, self._matrix)
        self.gigaflops = []

    def measure(self, repeats: int = 5) -> None:
        """Adds the GFLOP/s of a few products."""
        begin = time.perf_counter()
        for _ in range(repeats):
            self._multiply(self._matrix, self._matrix)
        seconds = time.perf_counter() - begin
        self.gigaflops.append(repeats * self._flops / seconds / 1e9)
