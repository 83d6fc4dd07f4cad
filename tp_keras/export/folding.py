"""Folding: inference without batch normalisation.

At inference batch normalisation is a fixed scale and offset per channel, and
the convolution before it is linear, so both are one convolution:
`scale * (kernel * x + bias) + offset`. Keras 3 leaves the normalisation in
the graph, where it costs about as much as the small convolutions themselves.
"""

import keras
import numpy as np
from keras import tree
from keras.src.models.functional import Functional

from tp_keras.errors import UserError
from tp_keras.models.layers import MergedConvolution2D
from tp_keras.registration import register

# Exactly these classes are linear in their last kernel; a subclass may not be.
_CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
    keras.layers.Dense,
)


@register
class ScaleAndOffset(keras.layers.Layer):
    """Multiplies by a fixed scale and adds a fixed offset along one axis.

    What is left of a batch normalisation that no convolution can take up.
    """

    def __init__(self, axis: int = -1, **kwargs):
        super().__init__(**{**kwargs, "trainable": False})
        self.axis = axis

    def build(self, input_shape):
        """Creates scale and offset, broadcastable to the input."""
        shape = [1] * len(input_shape)
        shape[self.axis] = input_shape[self.axis]
        self.scale = self.add_weight(shape, "ones", name="scale")
        self.offset = self.add_weight(shape, "zeros", name="offset")

    def call(self, inputs):
        """Returns `inputs * scale + offset`."""
        return inputs * self.scale + self.offset

    def get_config(self):
        """Returns the arguments of the constructor."""
        return {**super().get_config(), "axis": self.axis}


def fold_batch_normalization(model: keras.Model) -> keras.Model:
    """Returns a copy of `model` for inference, without batch normalisation.

    Nested models are flattened, and the branches of a `MergedConvolution2D`
    become one kernel. A `BatchNormalization` (or a subclass of it)
    that alone follows a linear `Conv2D`, `DepthwiseConv2D`, `SeparableConv2D`
    or `Dense` is folded into its weights; any other becomes a
    `ScaleAndOffset`. The model itself is left as it is.

    Args:
        model: A functional or sequential model with built weights.

    Returns:
        A flat functional model with the same inputs, output structure and, to
        rounding, the same outputs as `model(..., training=False)`.

    Raises:
        UserError: If `model` is of another kind.

    Example:
        >>> model = keras.applications.MobileNet(alpha=0.25, weights=None)
        >>> folded = fold_batch_normalization(model)
    """
    flat = _rebuild(_as_functional(model), _merge_or_clone)
    folds = _find_folds(flat)
    convolutions = {id(source): norm for norm, source in folds.values()}

    def replace(operation, name):
        if id(operation) in convolutions:
            return _fold(operation, convolutions[id(operation)], name)
        if id(operation) in folds:
            return None, None
        if isinstance(operation, keras.layers.BatchNormalization):
            return _freeze(operation, name)
        return _clone(operation, name)

    return _rebuild(flat, replace)


def _as_functional(model):
    if isinstance(model, keras.Sequential) and model.built:
        model = keras.Model(model.inputs, model.outputs, name=model.name)
    if not isinstance(model, Functional):
        raise UserError(
            "Only a functional or a built sequential model can be folded: "
            "the layers of any other are not known. "
            f"Received: model={type(model).__name__}"
        )
    return model


def _rebuild(model, replace):
    """Copies a functional model, nested models flattened into it.

    `replace` takes an operation and a free name, and returns the new operation
    and its weights, or twice None to pass the input through.
    """
    replaced = {}
    names = set()

    def free_name(name, scope):
        candidates = [name, *scope, "copy"]
        while name in names:
            # Two nested models may use one name for two layers.
            name = f"{candidates.pop() if candidates else 'copy'}_{name}"
        names.add(name)
        return name

    def walk(part, inputs, scope):
        def call(operation, *args, **kwargs):
            # Inference only, also where a call once said `training=True`.
            kwargs.pop("training", None)
            if kwargs.get("mask", False) is None:
                # What takes the place of a layer may know no masks.
                del kwargs["mask"]
            if _can_be_entered(operation):
                inner = _as_functional(operation)
                return walk(inner, args[0], (*scope, operation.name))
            if id(operation) not in replaced:
                name = free_name(operation.name, scope)
                replaced[id(operation)] = replace(operation, name)
            copy, weights = replaced[id(operation)]
            if copy is None:
                return args[0]
            outputs = copy(*args, **kwargs)
            if weights:
                copy.set_weights(weights)
            return outputs

        return part._run_through_graph(inputs, call_fn=call)

    inputs = tree.map_structure(
        lambda x: keras.Input(
            batch_shape=x.shape, dtype=x.dtype, name=free_name(x.name, ())
        ),
        model.input,
    )
    return keras.Model(inputs, walk(model, inputs, ()), name=model.name)


def _can_be_entered(operation) -> bool:
    if isinstance(operation, keras.Sequential):
        return type(operation).call is keras.Sequential.call
    # A model with a `call` of its own is a layer like any other.
    return (
        isinstance(operation, Functional)
        and type(operation).call is Functional.call
    )


def _clone(operation, name):
    config = {**operation.get_config(), "name": name}
    copy = type(operation).from_config(config)
    weights = getattr(operation, "get_weights", list)()
    return copy, weights


def _merge_or_clone(operation, name):
    if isinstance(operation, MergedConvolution2D):
        return operation.merge(name)
    return _clone(operation, name)


def _find_folds(model):
    """Returns {id of normalisation: (normalisation, convolution)}."""
    consumers: dict[int, int] = {id(x): 1 for x in model.outputs}
    for operation in model.operations:
        for node in operation._inbound_nodes:
            for x in node.input_tensors:
                consumers[id(x)] = consumers.get(id(x), 0) + 1
    folds = {}
    for norm in model.operations:
        if (
            not isinstance(norm, keras.layers.BatchNormalization)
            or len(norm._inbound_nodes) != 1
        ):
            continue
        (x,) = norm._inbound_nodes[0].input_tensors
        source = x._keras_history.operation
        if (
            type(source) in _CONVOLUTIONS
            and len(source._inbound_nodes) == 1
            and consumers[id(x)] == 1
            and source.activation is keras.activations.linear
            and getattr(source, "data_format", "channels_last")
            == "channels_last"
            and _axis(norm) in (-1, len(x.shape) - 1)
        ):
            folds[id(norm)] = (norm, source)
    return folds


def _axis(norm) -> int:
    axis = norm.axis
    return axis[0] if isinstance(axis, (list, tuple)) else axis


def _scale_and_offset(norm):
    """Returns scale and offset `[channels]` of a normalisation, in float64."""

    def values(variable, default):
        if variable is None:
            return default
        return keras.ops.convert_to_numpy(variable).astype("float64")

    mean = values(norm.moving_mean, 0.0)
    variance = values(norm.moving_variance, 1.0)
    scale = values(norm.gamma, 1.0) / np.sqrt(variance + norm.epsilon)
    return scale, values(norm.beta, 0.0) - mean * scale


def _fold(convolution, norm, name):
    """Returns the convolution with the normalisation folded into it."""
    scale, offset = _scale_and_offset(norm)
    weights = [values.astype("float64") for values in convolution.get_weights()]
    bias = weights.pop() if convolution.use_bias else 0.0
    *first, kernel = weights
    if isinstance(convolution, keras.layers.DepthwiseConv2D):
        # (height, width, channels, multiplier), the output channels-major.
        kernel = kernel * scale.reshape(kernel.shape[2:])
    else:
        kernel = kernel * scale
    weights = [*first, kernel, bias * scale + offset]
    config = {**convolution.get_config(), "name": name, "use_bias": True}
    copy = type(convolution).from_config(config)
    return copy, [weight.astype("float32") for weight in weights]


def _freeze(norm, name):
    """Returns a normalisation's scale and offset as a layer."""
    (x,) = norm._inbound_nodes[0].input_tensors
    shape = [1] * len(x.shape)
    shape[_axis(norm)] = -1
    layer = ScaleAndOffset(axis=_axis(norm), name=name, dtype=norm.dtype_policy)
    weights = [values.reshape(shape) for values in _scale_and_offset(norm)]
    return layer, [weight.astype("float32") for weight in weights]
