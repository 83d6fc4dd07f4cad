import keras
import numpy as np
import pytest

from tp_keras.errors import UserError
from tp_keras.models import BACKBONE_PRESETS
from tp_keras.models import PortraitBackbone
from tp_keras.models import create_backbone

SHAPE = (108, 84, 3)
SIZES = [(80, 80, 3), SHAPE, (200, 200, 3)]


@pytest.fixture
def image():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (2, *SHAPE), dtype=np.uint8)


@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize("preset", sorted(BACKBONE_PRESETS))
def test_presets_take_portraits_of_every_size(preset, shape):
    backbone = create_backbone(preset, shape)
    settings = BACKBONE_PRESETS[preset]
    stride = settings.get("stem_stride", 2)
    for *_, factor in settings["stages"]:
        stride *= factor
    # "Same" padding: each stride leaves the ceiling of a share.
    rows, columns = (-(-side // stride) for side in shape[:2])
    channels = settings["stages"][-1][0]
    assert backbone.output_shape == (None, rows, columns, channels)


@pytest.mark.parametrize("preset", ["portrait_xs", "portrait_s", "portrait_m"])
def test_presets_load_as_they_were_saved(preset, image, tmp_path):
    backbone = create_backbone(preset, SHAPE)
    expected = backbone(image).numpy()
    backbone.save(tmp_path / "backbone.keras")
    loaded = keras.saving.load_model(tmp_path / "backbone.keras")
    assert type(loaded) is PortraitBackbone
    assert loaded.get_config() == backbone.get_config()
    np.testing.assert_array_equal(loaded(image), expected)


def test_mobilenet_025_is_the_mobilenet_of_keras():
    ours = create_backbone("mobilenet_025", SHAPE)
    theirs = keras.applications.MobileNet(
        input_shape=SHAPE, alpha=0.25, include_top=False, weights=None
    )
    assert ours.count_params() == theirs.count_params()

    def kernels(model):
        return [w.shape for w in model.weights if "kernel" in w.path]

    assert kernels(ours) == kernels(theirs)


def test_pixels_are_normalised_inside(image):
    backbone = create_backbone("portrait_xs", SHAPE)
    normalized = keras.Model(
        backbone.input, backbone.get_layer("normalize").output
    )(image)
    np.testing.assert_allclose(
        normalized, (image.astype("float32") - 117.0) / 70.0, atol=1e-5
    )


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"block_type": "dense"}, "Received: block_type='dense'"),
        ({"stages": ()}, r"Received: stages=\(\)"),
        ({"stages": ((16, 1),)}, r"Received: stages=\(\(16, 1\),\)"),
        ({"stages": ((16, 0, 1),)}, r"Received: stages=\(\(16, 0, 1\),\)"),
        ({"block_type": "merged", "stages": ((16, -1, 2),)}, "stages="),
        ({"block_type": "merged", "stages": ((0, 1, 2),)}, "stages="),
    ],
)
def test_constructor_refuses(arguments, message):
    valid = {"block_type": "separable", "stem_channels": 8, "stages": ()}
    with pytest.raises(ValueError, match=message):
        PortraitBackbone(image_shape=SHAPE, **{**valid, **arguments})


def test_any_model_of_keras_applications_takes_the_place(image):
    backbone = create_backbone("MobileNetV3Small", SHAPE, alpha=0.35)
    assert backbone.input.dtype == "uint8"
    assert backbone(image).shape == (2, 4, 3, 192)
    network = backbone.layers[-1]
    momenta = {
        layer.momentum
        for layer in network.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    }
    assert momenta == {0.9}
    # Pixels are normalised as ours are, and not by the network.
    kinds = [type(layer) for layer in network.layers[:2]]
    assert keras.layers.Rescaling not in kinds


def test_a_size_too_small_is_one_sentence():
    with pytest.raises(UserError, match="at least 75x75.*='InceptionV3'$"):
        create_backbone("InceptionV3", (64, 48, 3))


def test_arguments_may_follow_the_name_as_in_a_call():
    by_name = create_backbone("MobileNet(alpha=0.25)", SHAPE)
    by_argument = create_backbone("MobileNet", SHAPE, alpha=0.25)
    assert by_name.count_params() == by_argument.count_params()
    wider = create_backbone("portrait_xs(stem_channels=32)", SHAPE)
    assert wider.stem_channels == 32
    assert wider.stages == create_backbone("portrait_xs", SHAPE).stages
    own = create_backbone(
        "PortraitBackbone(block_type='merged', stem_channels=8, "
        "stages=((16, 0, 4),))",
        SHAPE,
    )
    assert own.output_shape == (None, 14, 11, 16)


@pytest.mark.parametrize(
    "name",
    [
        "resnet_9000",
        "portrait_s(",
        "portrait_s(16)",
        "portrait_s(stem_channels=wide)",
        "portrait_s(colour='red')",
        "PortraitBackbone(block_type='dense')",
        "keras.applications.MobileNet(alpha=0.25)",
        "__import__('os')",
    ],
)
def test_bad_arguments_end_in_one_sentence(name):
    with pytest.raises(UserError, match="Received: backbone="):
        create_backbone(name, SHAPE)
