"""Backbones by name: presets, `keras.applications`, and files."""

import ast
import inspect
import pathlib
import warnings

import keras

from tp_keras.errors import UserError
from tp_keras.models.backbone import PortraitBackbone
from tp_keras.models.backbone import normalize_pixels
from tp_keras.models.own_backbone import FILE_TYPES
from tp_keras.models.own_backbone import first_sentence
from tp_keras.models.own_backbone import load_backbone
from tp_keras.models.presets import BACKBONE_PRESETS

# The momentum of .99 or .999 that keras.applications bring along needs more
# steps than a small data set gives: the moving statistics stay near their
# initial values, and in inference every portrait gets the same class.
APPLICATION_MOMENTUM = 0.9


def create_backbone(name, image_shape, **kwargs):
    """Returns a backbone by its name, untrained unless it has weights.

    Args:
        name: A preset (`"portrait_s"`), a function of `keras.applications`
            (`"MobileNetV3Small"`), or `"PortraitBackbone"`. Arguments may
            follow as in a call, `"MobileNetV2(alpha=0.35)"`, so that one string
            in the settings of a run says it all. `weights` is a file that
            `save_weights` wrote, or `"imagenet"` for `keras.applications`,
            which downloads them.

            Or a file that `model.save` wrote (`"own.keras"`), of a functional
            model with its weights, from images, uint8 or float in 0..255, which
            it normalises itself, to one feature map. Of a file of a
            `PortraitClassifier`, as `model.keras` of a run, its backbone.
        image_shape: Height, width and channels of the input.
        **kwargs: More arguments of the model, `trainable` among them.

    Raises:
        UserError: If there is no model of this name, or it refuses the
            arguments or the size.

    Example:
        >>> network = "MobileNetV2(alpha=0.35)"
        >>> create_backbone(network, (96, 96, 3)).output_shape
        (None, 3, 3, 1280)
    """
    if str(name).endswith(FILE_TYPES):
        return load_backbone(name, image_shape)
    function, arguments = _parse(name)
    image_shape = arguments.pop("image_shape", image_shape)
    if function in (*BACKBONE_PRESETS, PortraitBackbone.__name__):
        make = _portrait_backbone
    elif inspect.isfunction(getattr(keras.applications, function, None)):
        make = _application
    else:
        raise UserError(
            f"Expected a backbone out of {', '.join(sorted(BACKBONE_PRESETS))} "
            "or the name of a model of keras.applications, such as "
            f"MobileNetV3Small, or a file of one. Received: backbone={name!r}"
        )
    try:
        # One sentence is enough, where a file of weights doesn't fit.
        with warnings.catch_warnings(action="ignore"):
            return make(function, image_shape, **arguments, **kwargs)
    # What is wrong with an argument, or with a file of weights, shows in
    # whatever Keras does with it.
    except Exception as error:
        raise UserError(
            f"{first_sentence(error)} Received: backbone={name!r}"
        ) from error


def _parse(name):
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
            "'MobileNetV2(alpha=0.35)', or a file that ends in .keras. "
            f"Received: backbone={name!r}"
        ) from error


def _portrait_backbone(preset, image_shape, /, weights=None, **kwargs):
    kwargs = {**BACKBONE_PRESETS.get(preset, {}), **kwargs}
    backbone = PortraitBackbone(image_shape=image_shape, **kwargs)
    if weights is not None:
        if not pathlib.Path(weights).exists():
            raise ValueError("Expected weights to be a file that is there.")
        backbone.load_weights(weights)
    return backbone


def _application(
    function, image_shape, /, weights=None, trainable=True, **kwargs
):
    for argument, value in {
        "include_top": False,
        "input_shape": tuple(image_shape),
        "input_tensor": None,
        "pooling": None,
    }.items():
        given = kwargs.pop(argument, value)
        if given != value and given != list(image_shape):
            raise ValueError(
                f"Expected {argument}={value}, or none: the heads of the tasks "
                "follow a feature map of the portraits."
            )
    function = getattr(keras.applications, function)
    # Weights expect the pixels as they were when they were trained.
    if "include_preprocessing" in inspect.signature(function).parameters:
        kwargs.setdefault("include_preprocessing", weights is not None)
    network = function(
        weights=weights, include_top=False, input_shape=image_shape, **kwargs
    )
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = APPLICATION_MOMENTUM
    image = keras.Input(image_shape, dtype="uint8", name="image")
    x = _prepare(image, network, inspect.getmodule(function), weights)
    backbone = keras.Model(image, network(x), name="backbone")
    backbone.trainable = trainable
    return backbone


def _prepare(image, network, module, weights):
    kinds = keras.layers.Rescaling, keras.layers.Normalization
    x = keras.layers.Rescaling(1.0, name="pixels")(image)
    if any(isinstance(layer, kinds) for layer in network.layers):
        return x
    if weights is not None:
        return module.preprocess_input(x)
    return normalize_pixels(image)
