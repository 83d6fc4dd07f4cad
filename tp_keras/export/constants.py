"""Functions with the weights of a model as constants of their graph.

Constants need no checkpoint, are folded by the graph optimiser at load, and
leave no variable operations that older servers do not know.
"""

import keras
import tensorflow as tf

from tp_keras.serving.contract import WEIGHT


def with_constants(function, variables, input_signature):
    """Returns a `tf.function` that holds Keras variables as constants.

    `function` reads them and takes tensors as in `input_signature`, named
    `tf.TensorSpec`s. What is returned is float32.
    """
    weights = [(v, keras.ops.convert_to_numpy(v)) for v in variables]

    # No `jit_compile`: a server refuses compiled functions on a CPU.
    @tf.function(input_signature=input_signature, autograph=False)
    def constant_function(*inputs):
        # A server feeds what it is sent: other sizes would get an answer too.
        inputs = [
            tf.ensure_shape(value, spec.shape)
            for value, spec in zip(inputs, input_signature, strict=True)
        ]
        constants = [
            (v, tf.constant(value, name=_constant_name(v)))
            for v, value in weights
        ]
        with keras.StatelessScope(state_mapping=constants):
            outputs = function(*inputs)
        # Servers write neither float16 nor bfloat16 as JSON.
        return tf.nest.map_structure(
            lambda value: tf.cast(value, tf.float32), outputs
        )

    return constant_function


def _constant_name(variable):
    # The state of random layers, idle here, is none of a model's weights.
    is_state = variable.name == "seed_generator_state"
    return variable.name if is_state else WEIGHT
