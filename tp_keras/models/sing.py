"""SING: AdamW on gradients that are centred and of one length."""

from keras import ops

from tp_keras.models.optimizers import FusedAdamW
from tp_keras.registration import register

# How sharply the softplus follows the root of the second moment: below about
# its inverse it is a constant.
_SHARPNESS = 50.0

_EPSILON = 1e-8

# What the scales and offsets of normalisations learn at, by AdamW.
_NORM_RATE = 0.1


@register
class Sing(FusedAdamW):
    """AdamW on standardized gradients, with a softplus and LookAhead.

    The gradient of a kernel loses its mean over all axes but that of the
    outputs, that of every variable is divided by its length, so that layers
    learn alike whatever the size of their gradients. The root of the second
    moment goes through a softplus, which keeps small ones away from 0 (Tong et
    al., arXiv:1908.00700), and every few steps the weights go half of the way
    back to where they were (Zhang et al., arXiv:1907.08610). The learning rate
    may be about ten times that of AdamW, the decay a tenth.

    Scales and offsets of normalisations, one number for a channel, don't learn
    well so: AdamW updates them, at a tenth of the rate.

    Args:
        learning_rate: Of all but scales and offsets.
        period: Int, steps between two steps back; 0 leaves them out.
        **kwargs: Those of `keras.optimizers.AdamW`. Only variables of two axes
            or more decay.

    Source:
        Courtois et al., SING: A Plug-and-Play DNN Learning Technique,
        arXiv:2305.15997.
    """

    def __init__(self, learning_rate=0.01, *, period=5, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.period = period

    def build(self, variables):
        """Adds the weights that are gone back to."""
        if self.built:
            return
        super().build(variables)
        self._slow = []
        for variable in variables:
            slow = self.add_variable_from_reference(variable, name="slow")
            slow.assign(variable)
            self._slow.append(slow)

    def update_step(self, gradient, variable, learning_rate):
        """Updates a variable, by the one method or the other."""
        if is_of_norm(variable):
            super().update_step(gradient, variable, learning_rate * _NORM_RATE)
            return
        index = self._get_variable_index(variable)
        rate = self._learning_rate_of(variable, learning_rate)
        rate = ops.cast(rate, "float32")
        momentum, velocity = self._momentums[index], self._velocities[index]
        gradient = standardize(ops.cast(gradient, "float32"))
        self.assign_add(momentum, (gradient - momentum) * (1 - self.beta_1))
        self.assign_add(
            velocity, (ops.square(gradient) - velocity) * (1 - self.beta_2)
        )
        step = ops.cast(self.iterations + 1, "float32")
        mean = momentum / (1 - ops.power(self.beta_1, step))
        root = ops.sqrt(velocity / (1 - ops.power(self.beta_2, step)))
        size = ops.softplus(_SHARPNESS * root) / _SHARPNESS
        self.assign_sub(variable, rate * mean / size)
        if self.period:
            slow = self._slow[index]
            is_due = ops.equal((self.iterations + 1) % self.period, 0)
            share = ops.cast(is_due, "float32")
            self.assign_sub(variable, 0.5 * share * (variable - slow))
            self.assign_add(slow, share * (variable - slow))

    def _is_fusible(self, grads=()):
        # The decay and the averages are; what Adam's kernel does is not.
        return not grads and super()._is_fusible(grads)

    def _use_weight_decay(self, variable):
        return len(variable.shape) > 1 and super()._use_weight_decay(variable)

    def get_config(self):
        return {**super().get_config(), "period": self.period}


def is_of_norm(variable) -> bool:
    """Returns whether a variable scales or moves channels of a normalisation.

    They are called `gamma` and `beta`; TensorFlow adds path and number.
    """
    name = variable.name.rpartition("/")[2].partition(":")[0]
    return name.partition("_")[0] in ("gamma", "beta")


def standardize(gradient):
    """Returns a gradient of length 1, that of a kernel about its mean.

    Args:
        gradient: Float tensor; its last axis is that of the outputs.

    Example:
        >>> standardize(np.array([[3.0, 1.0], [1.0, 1.0]]))
        array([[ 0.70710678,  0.        ],
               [-0.70710678,  0.        ]])
    """
    rank = len(gradient.shape)
    if rank > 1:
        axes = tuple(range(rank - 1))
        gradient = gradient - ops.mean(gradient, axis=axes, keepdims=True)
    length = ops.sqrt(ops.sum(ops.square(gradient)))
    return gradient / (length + _EPSILON)
