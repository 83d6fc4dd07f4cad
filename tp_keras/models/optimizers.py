"""AdamW with one kernel for a variable's update, and its learning rate."""

import keras
from keras import ops

from tp_keras.registration import register


def cosine_schedule(learning_rate, warmup_steps, steps):
    """Returns a linear warm-up to a peak, then a cosine to 0, in `steps`."""
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warmup_steps else learning_rate,
        decay_steps=max(steps - warmup_steps, 1),
        warmup_target=learning_rate if warmup_steps else None,
        warmup_steps=warmup_steps,
    )


@register
class FusedAdamW(keras.optimizers.AdamW):
    """`keras.optimizers.AdamW` by TensorFlow's fused kernels.

    Keras writes Adam (Kingma and Ba, arXiv:1412.6980), the decoupled decay
    (Loshchilov and Hutter, arXiv:1711.05101) and the averaged weights as
    separate operations for every variable. TensorFlow's kernels do each in one
    pass: a few percent of a step with batches of 64. The updates are those of
    the base class, to rounding; on other backends, in a `tf.distribute`
    strategy, with sparse gradients or with `amsgrad` this *is* the base class.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._factors = {}

    def set_learning_rate_factor(self, variables, factor, first_step=0):
        """Lets some variables learn at another rate than the rest.

        As an adversary and what it is against (Heusel et al.,
        arXiv:1706.08500), or a trained trunk and new heads. The decay of the
        weights is not multiplied. Not saved: set it again after loading.

        Args:
            variables: Variables of an optimizer that is built.
            factor: Float, by which their learning rate is multiplied.
            first_step: The step that first has gradients for them. Without
                it, what begins late moves by several times its learning rate.
        """
        # By position: TensorFlow's updates see other objects of other names.
        for variable in variables:
            self._factors[self._get_variable_index(variable)] = (
                float(factor),
                int(first_step),
            )

    def _learning_rate_of(self, variable, learning_rate):
        factor, first_step = self._factors.get(
            self._get_variable_index(variable), (1.0, 0)
        )
        if factor != 1.0:
            learning_rate = learning_rate * factor
        if first_step:
            step = ops.cast(self.iterations + 1, "float32")
            learning_rate = learning_rate * (
                self._correction(ops.maximum(step - first_step, 1.0))
                / self._correction(step)
            )
        return learning_rate

    def _correction(self, step):
        """Returns what Adam multiplies the learning rate of a step by."""
        return ops.sqrt(1 - ops.power(self.beta_2, step)) / (
            1 - ops.power(self.beta_1, step)
        )

    def finalize_variable_values(self, var_list):
        """Replaces all variables by their averages, at the end of `fit`."""
        # Keras gives those that are trainable then, and pairs by position.
        super().finalize_variable_values(self._trainable_variables)

    def update_step(self, gradient, variable, learning_rate):
        """Updates a variable, at its own learning rate."""
        super().update_step(
            gradient, variable, self._learning_rate_of(variable, learning_rate)
        )

    def _is_fusible(self, grads=()):
        if keras.config.backend() != "tensorflow" or self.amsgrad:
            return False
        import tensorflow as tf

        are_sparse = any(isinstance(grad, tf.IndexedSlices) for grad in grads)
        return not (are_sparse or tf.distribute.has_strategy())

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        if not self._is_fusible(grads):
            return super()._backend_update_step(
                grads, trainable_variables, learning_rate
            )
        import tensorflow as tf

        step = ops.cast(self.iterations + 1, "float32")
        hyperparameters = {
            # Once for all variables.
            "beta1_power": ops.power(self.beta_1, step),
            "beta2_power": ops.power(self.beta_2, step),
            "beta1": self.beta_1,
            "beta2": self.beta_2,
            "epsilon": self.epsilon,
        }
        for grad, variable in zip(grads, trainable_variables, strict=True):
            index = self._get_variable_index(variable)
            rate = self._learning_rate_of(variable, learning_rate)
            tf.raw_ops.ResourceApplyAdam(
                var=_handle(variable),
                m=_handle(self._momentums[index]),
                v=_handle(self._velocities[index]),
                grad=tf.cast(grad, tf.float32),
                lr=ops.cast(rate, "float32"),
                **hyperparameters,
            )
        return None

    def _apply_weight_decay(self, variables):
        if self.weight_decay is None or not self._is_fusible():
            return super()._apply_weight_decay(variables)
        share = ops.cast(self.learning_rate * self.weight_decay, "float32")
        for variable in variables:
            if self._use_weight_decay(variable):
                _move_towards(variable, 0.0, share)
        return None

    def _update_model_variables_moving_average(self, trainable_variables):
        if not self._is_fusible():
            return super()._update_model_variables_moving_average(
                trainable_variables
            )
        # The first step replaces the initial values altogether.
        share = 1.0 - self.ema_momentum * ops.cast(
            ops.not_equal(self.iterations, 0), "float32"
        )
        averages = self._model_variables_moving_average
        for variable, average in zip(
            trainable_variables, averages, strict=True
        ):
            _move_towards(average, variable, share)
        return None


def _move_towards(variable, target, share):
    """Subtracts `share * (variable - target)` from a variable."""
    import tensorflow as tf

    tf.raw_ops.ResourceApplyGradientDescent(
        var=_handle(variable),
        alpha=share,
        delta=tf.convert_to_tensor(variable) - target,
    )


def _handle(variable):
    """Returns the handle of a Keras variable or a TensorFlow one."""
    return getattr(variable, "value", variable).handle
