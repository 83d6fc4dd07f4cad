"""The identity whose gradient points the other way."""

import keras

from tp_keras.registration import register


@register
class GradientReversal(keras.layers.Layer):
    """Passes its input on and multiplies its gradient by `-strength`.

    A head behind this layer learns to predict its label as well as it can,
    while everything before the layer learns to prevent that (Ganin and
    Lempitsky, "Unsupervised Domain Adaptation by Backpropagation", 2015,
    arXiv:1409.7495). No custom gradient is needed: with `s = strength`,
    `stop_gradient(x + s * x) - s * x` equals `x`, and its derivative `-s`.

    The strength is a weight that is not trained: a callback may ramp it, saved
    models remember it, and 0 switches the reversal off (no gradient passes).

    Args:
        strength: Float, at least 0. The initial strength, called lambda in the
            paper.
        **kwargs: Those of `keras.layers.Layer`.

    Example:
        >>> reversal = GradientReversal(strength=0.5)
        >>> features = reversal(keras.ops.ones((8, 64)))
        >>> reversal.strength.assign(1.0)
    """

    def __init__(self, strength=0.0, **kwargs):
        super().__init__(**kwargs)
        if not 0.0 <= strength < float("inf"):
            raise ValueError(
                "Expected a finite strength of at least 0. "
                f"Received: strength={strength}"
            )
        self.initial_strength = float(strength)
        self.strength = self.add_weight(
            name="strength",
            shape=(),
            initializer=keras.initializers.Constant(self.initial_strength),
            trainable=False,
        )

    def call(self, inputs):
        scaled = keras.ops.cast(self.strength, inputs.dtype) * inputs
        return keras.ops.stop_gradient(inputs + scaled) - scaled

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "strength": self.initial_strength}
