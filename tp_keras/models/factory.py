"""Backbones by name: our presets and those of `keras.applications`."""

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
        name: A preset (`"mobilenet_025"`), or the name of a function of
            `keras.applications` (`"MobileNetV3Small"`), trained from scratch.
        image_shape: Height, width and channels of the input.
        **kwargs: Arguments of the model, such as `alpha=0.35`.

    Returns:
        A `keras.Model` from uint8 images to feature maps.

    Raises:
        UserError: If there is no model of this name.

    Example:
        >>> create_backbone("MobileNetV2", alpha=0.35).output_shape
        (None, 4, 3, 1280)
    """
    if name in BACKBONE_PRESETS:
        return PortraitBackbone.from_preset(
            name, image_shape=image_shape, **kwargs
        )
    function = getattr(keras.applications, name, None)
    if not inspect.isfunction(function):
        raise UserError(
            f"Expected a backbone out of {', '.join(sorted(BACKBONE_PRESETS))} "
            "or the name of a model of keras.applications, such as "
            f"MobileNetV3Small. Received: backbone={name!r}"
        )
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
    return keras.Model(image, network(normalize_pixels(image)), name="backbone")
