"""Trunks that come from elsewhere: what they have to be, and files of them."""

import pathlib

import keras

from tp_keras.errors import UserError
from tp_keras.models.backbone import PortraitBackbone

# Endings of files that hold a whole model.
FILE_TYPES = (".keras", ".h5")
_WEIGHTS = ".weights.h5"


def check_backbone(model, image_shape):
    """Raises a `UserError` unless a model can be the trunk for portraits.

    That is a functional model from one batch of images of a size, uint8 or
    float in 0..255, to one feature map.
    """
    inputs = getattr(model, "inputs", None)
    if not isinstance(model, keras.Model) or not inputs:
        raise UserError(
            "Expected a functional `keras.Model`, or a `Sequential` one with "
            "an `Input`, as the backbone. Received: "
            f"backbone={_describe(model)}"
        )
    (shape, dtype), *more = ((x.shape, x.dtype) for x in inputs)
    is_image = len(shape) == 4 and shape[-1] == 3
    is_number = dtype == "uint8" or "float" in dtype
    if more or not (is_image and is_number):
        raise UserError(
            "Expected a backbone with one input, of images [batch, height, "
            "width, 3] in uint8 or float (of 0..255: it normalises them "
            "itself). Received: "
            f"inputs={[(x.shape, x.dtype) for x in inputs]}"
        )
    outputs = model.outputs
    if len(outputs) != 1 or len(outputs[0].shape) != 4:
        raise UserError(
            "Expected a backbone that ends in one feature map [batch, rows, "
            "columns, channels]. Take it from before the pooling: "
            "`keras.Model(model.input, model.get_layer(NAME).output)`. "
            f"Received: outputs={[x.shape for x in outputs]}"
        )
    sizes = zip(shape[1:], image_shape, strict=True)
    if any(has not in (None, wanted) for has, wanted in sizes):
        raise UserError(
            f"Expected a backbone for portraits of {tuple(image_shape)}. "
            f"Received: backbone={model.name} for {shape[1:]}"
        )


def load_backbone(path, image_shape):
    """Returns the trunk that a Keras file holds, with its weights.

    That is a model that `check_backbone` accepts, or the backbone of a
    `PortraitClassifier`.
    """
    path = pathlib.Path(path).expanduser()
    if path.name.endswith(_WEIGHTS):
        raise UserError(
            "A file of weights doesn't tell what they are the weights of. "
            "Expected the name of the network in front, as in "
            f"\"portrait_s(weights='{path}')\". Received: backbone={path}"
        )
    if not path.is_file():
        raise UserError(
            "There is no such file. Expected the name of a backbone, or a file "
            f"that `model.save` wrote. Received: backbone={path}"
        )
    try:
        model = keras.saving.load_model(path, compile=False)
    # Whatever a damaged file, an unknown layer or unsafe code leads to.
    except Exception as error:
        raise UserError(
            f"The backbone can't be loaded: {first_sentence(error)} "
            f"Received: backbone={path}"
        ) from error
    model = getattr(model, "backbone", model)
    check_backbone(model, image_shape)
    if isinstance(model, PortraitBackbone):
        return _in_current_policy(model)
    # Under a name that can't be one of the classifier's own layers.
    return keras.Model(model.inputs[0], model.outputs[0], name="backbone")


def first_sentence(error) -> str:
    """Returns the first paragraph of an error, on one line, with a dot."""
    text = " ".join(str(error).strip().split("\n\n")[0].split())
    text = text or type(error).__name__
    return text if text.endswith(".") else f"{text}."


def _in_current_policy(backbone):
    """Returns a copy that computes as is asked for now, not as it was saved."""
    config = backbone.get_config()
    for name in ("dtype", "layer_settings"):
        config.pop(name)
    copy = PortraitBackbone(**config)
    copy.set_weights(backbone.get_weights())
    for layer in copy.layers:
        layer.trainable = backbone.get_layer(layer.name).trainable
    return copy


def _describe(model):
    return f"a {type(model).__name__}" if callable(model) else repr(model)
