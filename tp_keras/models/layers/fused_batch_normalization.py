"""Batch normalisation in one pass over the activations."""

import keras

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

    def _is_fusible(self, inputs):
        return (
            keras.config.backend() == "tensorflow"
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and not self.renorm
        )

    def call(self, inputs, training=None, mask=None):
        if mask is not None or not self._is_fusible(inputs):
            return super().call(inputs, training=training, mask=mask)

        # The one place where a model needs an operation that `keras.ops` lacks.
        import tensorflow as tf

        channels = inputs.shape[-1]
        gamma = self.gamma if self.scale else tf.ones(channels)
        beta = self.beta if self.center else tf.zeros(channels)
        is_training = bool(training and self.trainable)
        nothing = tf.zeros(0)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.convert_to_tensor(gamma),
            offset=tf.convert_to_tensor(beta),
            mean=nothing
            if is_training
            else tf.convert_to_tensor(self.moving_mean),
            variance=nothing
            if is_training
            else tf.convert_to_tensor(self.moving_variance),
            epsilon=self.epsilon,
            is_training=is_training,
        )
        if is_training:
            # The kernel's variance has Bessel's correction.
            count = tf.cast(tf.size(inputs) // channels, tf.float32)
            variance *= tf.maximum(count - 1.0, 1.0) / count
            for average, value in (
                (self.moving_mean, mean),
                (self.moving_variance, variance),
            ):
                change = (value - average) * (1.0 - self.momentum)
                average.assign(average + change)
        return outputs
