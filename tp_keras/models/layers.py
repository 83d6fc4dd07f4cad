"""Layers that cost a CPU less than those of Keras."""

import keras
import numpy as np

from tp_keras.registration import register


@register
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` by TensorFlow's fused kernel.

    Keras computes mean, variance and the normalisation by separate passes over
    the activations, on which small networks on a CPU spend more time than on
    arithmetic. The results are those of the base class; on other backends, and
    for anything but the last axis of a 4-d tensor, this *is* the base class.

    Args:
        momentum: Float between 0 and 1. The share of the old moving statistics
            that a step keeps. The default suits trainings of some thousand
            steps; the `.99` and `.999` of other packages need many more.
        **kwargs: Those of `keras.layers.BatchNormalization`.
    """

    def __init__(self, momentum=0.9, **kwargs):
        super().__init__(momentum=momentum, **kwargs)

    def call(self, inputs, training=None, mask=None):
        is_map = len(inputs.shape) == 4 and self.axis in (-1, 3)
        is_plain = is_map and mask is None and not self.renorm
        if not is_plain or keras.config.backend() != "tensorflow":
            return super().call(inputs, training=training, mask=mask)

        # The one place where a model needs an operation that `keras.ops` lacks.
        import tensorflow as tf

        channels = inputs.shape[-1]
        gamma = self.gamma if self.scale else tf.ones(channels)
        beta = self.beta if self.center else tf.zeros(channels)
        is_training = bool(training and self.trainable)
        moving = self.moving_mean, self.moving_variance
        mean, variance = (
            tf.zeros(0) if is_training else tf.convert_to_tensor(value)
            for value in moving
        )
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.convert_to_tensor(gamma),
            offset=tf.convert_to_tensor(beta),
            mean=mean,
            variance=variance,
            epsilon=self.epsilon,
            is_training=is_training,
        )
        if is_training:
            # The kernel's variance has Bessel's correction.
            count = tf.cast(tf.size(inputs) // channels, tf.float32)
            variance *= tf.maximum(count - 1.0, 1.0) / count
            for average, value in zip(moving, (mean, variance), strict=True):
                change = (value - average) * (1.0 - self.momentum)
                average.assign(average + change)
        return outputs


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
        filters: Output channels; the identity needs as many at the input.
        kernel_size: Odd.
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
