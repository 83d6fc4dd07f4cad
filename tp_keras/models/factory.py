"""Backbones by name: our presets and those of `keras.applications`."""

import ast
import inspect

import keras

from tp_keras.errors import UserError
from tp_keras.models.backbone import PortraitBackbone
from tp_keras.models.backbone import normalize_pixels
from tp_keras.models.presets import BACKBONE_PRESETS
from tp_keras.tasks import IMAGE_SHAPE

# The momentum of .99 or .999 that keras.applications bring along needs more
# steps than a small data set gives: the moving statistics stay near their
# initial values, and in inference every portrait gets the same class.
APPLICATION_MOMENTUM = 0.9


def create_backbone(name, image_shape=IMAGE_SHAPE, **kwargs):
    """Returns an untrained backbone by its name.

    Args:
        name: A preset (`"portrait_s"`), or the name of a function of
            `keras.applications` (`"MobileNetV3Small"`), trained from scratch,
            or `"PortraitBackbone"`. Arguments of the model may follow as in a
            call, `"MobileNetV2(alpha=0.35)"`, so that one string in the
            settings of a run says it all.
        image_shape: Height, width and channels of the input.
        **kwargs: More arguments of the model, `trainable` among them.

    Returns:
        A `keras.Model` from uint8 images to feature maps.

    Raises:
        UserError: If there is no model of this name, or it refuses the
            arguments.

    Example:
        >>> create_backbone("MobileNetV2(alpha=0.35)").output_shape
        (None, 4, 3, 1280)
    """
    function, arguments = _parse(name)
    _check_known(function)
    kwargs = {"image_shape": image_shape, **arguments, **kwargs}
    try:
        if function in BACKBONE_PRESETS:
            return PortraitBackbone.from_preset(function, **kwargs)
        if function == PortraitBackbone.__name__:
            return PortraitBackbone(**kwargs)
        return _application(function, **kwargs)
    except (TypeError, ValueError) as error:
        raise UserError(f"{error} Received: backbone={name!r}") from error


def _parse(name):
    """Returns the function's name and its arguments out of `name`."""
    try:
        call = ast.parse(name, mode="eval").body
        if isinstance(call, ast.Name):
            return call.id, {}
        if not isinstance(call, ast.Call) or call.args:
            raise ValueError(name)
        return call.func.id, {
            keyword.arg: ast.literal_eval(keyword.value)
            for keyword in call.keywords
        }
    except (AttributeError, SyntaxError, ValueError) as error:
        raise UserError(
            "Expected the name of a backbone, with arguments as in "
            f"'MobileNetV2(alpha=0.35)'. Received: backbone={name!r}"
        ) from error


def _check_known(name):
    if name in BACKBONE_PRESETS or name == PortraitBackbone.__name__:
        return
    if not inspect.isfunction(getattr(keras.applications, name, None)):
        raise UserError(
            f"Expected a backbone out of {', '.join(sorted(BACKBONE_PRESETS))} "
            "or the name of a model of keras.applications, such as "
            f"MobileNetV3Small. Received: backbone={name!r}"
        )


def _application(name, image_shape, trainable=True, **kwargs):
    function = getattr(keras.applications, name)
    # Ours is the first layer everywhere; theirs would normalise again.
    if "include_preprocessing" in inspect.signature(function).parameters:
        kwargs = {"include_preprocessing": False, **kwargs}
    network = function(
        weights=None, include_top=False, input_shape=image_shape, **kwargs
    )
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = APPLICATION_MOMENTUM
    image = keras.Input(image_shape, dtype="uint8", name="image")
    backbone = keras.Model(
        image, network(normalize_pixels(image)), name="backbone"
    )
    backbone.trainable = trainable
    return backbone
