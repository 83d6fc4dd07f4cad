"""A convolution with parallel branches that costs what one costs."""

import keras
import numpy as np

from tp_keras.registration import register


@register
class MergedConvolution2D(keras.layers.Conv2D):
    """A 3x3 convolution, a pointwise one and the identity, run as one.

    RepVGG (Ding et al., 2021, arXiv:2101.03697) trains these branches side by
    side and merges them for inference. Here the small kernels are merged before
    the convolution, in training too, so that branches cost nothing. They change
    where training starts, near the identity, where weight decay pulls the
    kernel to, and how fast its middle learns. Normalisation comes after the sum
    (Chu et al., "Make RepVGG Greater Again", arXiv:2212.01593).

    Args:
        filters: Int. Output channels; the identity needs as many at the input.
        kernel_size: Int, odd.
        **kwargs: Those of `keras.layers.Conv2D`.
    """

    def __init__(self, filters, kernel_size=3, padding="same", **kwargs):
        super().__init__(filters, kernel_size, padding=padding, **kwargs)
        height, width = self.kernel_size
        if height % 2 == 0 or width % 2 == 0 or set(self.strides) != {1}:
            raise ValueError(
                "Expected an odd kernel size and strides of 1, which leave "
                "the identity in the kernel's middle. Received: "
                f"kernel_size={self.kernel_size}, strides={self.strides}"
            )

    def build(self, input_shape):
        channels = input_shape[-1]
        if channels != self.filters:
            raise ValueError(
                f"Expected {self.filters} input channels, as many as filters, "
                f"for the identity. Received: input_shape={input_shape}"
            )
        super().build(input_shape)
        self.pointwise_kernel = self.add_weight(
            name="pointwise_kernel",
            shape=(channels, channels),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )

    def merged_kernel(self):
        """Returns the one kernel `[height, width, channels, channels]`."""
        kernel = keras.ops.convert_to_tensor(self.kernel)
        height, width = self.kernel_size
        middle = np.zeros((height, width, 1, 1), "float32")
        middle[height // 2, width // 2] = 1.0
        identity = np.eye(self.filters, dtype="float32")
        pointwise = self.pointwise_kernel + keras.ops.cast(
            identity, kernel.dtype
        )
        return kernel + keras.ops.cast(middle, kernel.dtype) * pointwise

    def call(self, inputs):
        outputs = self.convolution_op(inputs, self.merged_kernel())
        if self.use_bias:
            outputs = keras.ops.add(outputs, self.bias)
        return self.activation(outputs)

    # A convolution saves its kernel and bias alone; a layer all it has.
    def save_own_variables(self, store):
        keras.layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store):
        keras.layers.Layer.load_own_variables(self, store)

    def merge(self, name):
        """Returns an equal `keras.layers.Conv2D` and its weights."""
        layer = keras.layers.Conv2D.from_config(
            {**self.get_config(), "name": name}
        )
        kernel = keras.ops.convert_to_numpy(self.merged_kernel())
        bias = [keras.ops.convert_to_numpy(self.bias)] if self.use_bias else []
        return layer, [kernel, *bias]
