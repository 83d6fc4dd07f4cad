import keras
import numpy as np
import pytest

from tp_keras.errors import UserError
from tp_keras.models import BACKBONE_PRESETS
from tp_keras.models import PortraitBackbone
from tp_keras.models import create_backbone


@pytest.fixture
def image():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (2, 108, 84, 3), dtype=np.uint8)


@pytest.mark.parametrize("preset", sorted(BACKBONE_PRESETS))
def test_presets_load_as_they_were_saved(preset, image, tmp_path):
    backbone = PortraitBackbone.from_preset(preset)
    expected = backbone(image).numpy()
    backbone.save(tmp_path / "backbone.keras")
    loaded = keras.saving.load_model(tmp_path / "backbone.keras")
    assert type(loaded) is PortraitBackbone
    assert loaded.get_config() == backbone.get_config()
    np.testing.assert_array_equal(loaded(image), expected)


def test_mobilenet_025_is_the_mobilenet_of_keras():
    ours = PortraitBackbone.from_preset("mobilenet_025")
    theirs = keras.applications.MobileNet(
        input_shape=(108, 84, 3), alpha=0.25, include_top=False, weights=None
    )
    assert ours.count_params() == theirs.count_params()

    def kernels(model):
        return [w.shape for w in model.weights if "kernel" in w.path]

    assert kernels(ours) == kernels(theirs)


def test_pixels_are_normalised_inside(image):
    backbone = PortraitBackbone.from_preset("mobilenet_025")
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
    ],
)
def test_constructor_refuses(arguments, message):
    valid = {"block_type": "separable", "stem_channels": 8, "stages": ()}
    with pytest.raises(ValueError, match=message):
        PortraitBackbone(**{**valid, **arguments})


def test_unknown_preset_names_the_known_ones():
    with pytest.raises(ValueError, match="mobilenet_025.*Received: preset='x'"):
        PortraitBackbone.from_preset("x")


def test_any_model_of_keras_applications_takes_the_place(image):
    backbone = create_backbone("MobileNetV2", alpha=0.35)
    assert backbone.input.dtype == "uint8"
    features = backbone(image)
    assert features.shape == (2, 4, 3, 1280)
    network = backbone.get_layer("mobilenetv2_0.35_108")
    momenta = {
        layer.momentum
        for layer in network.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    }
    assert momenta == {0.9}


def test_applications_get_our_normalisation_and_not_their_own():
    network = create_backbone("MobileNetV3Small").layers[-1]
    kinds = [type(layer) for layer in network.layers[:2]]
    assert keras.layers.Rescaling not in kinds


def test_unknown_backbone_is_one_sentence():
    with pytest.raises(UserError, match="Received: backbone='resnet_9000'"):
        create_backbone("resnet_9000")


def test_arguments_may_follow_the_name_as_in_a_call():
    by_name = create_backbone("MobileNetV2(alpha=0.35)")
    by_argument = create_backbone("MobileNetV2", alpha=0.35)
    assert by_name.count_params() == by_argument.count_params()
    wider = create_backbone("portrait_xs(stem_channels=32)")
    assert wider.stem_channels == 32
    assert wider.stages == create_backbone("portrait_xs").stages
    own = create_backbone(
        "PortraitBackbone(block_type='merged', stem_channels=8, "
        "stages=((16, 0, 4),))"
    )
    assert own.output_shape == (None, 14, 11, 16)


@pytest.mark.parametrize(
    "name",
    [
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
        create_backbone(name)


@pytest.mark.parametrize(
    ("block_type", "stage"),
    [("separable", (16, 0, 2)), ("merged", (16, -1, 2)), ("merged", (0, 1, 2))],
)
def test_impossible_stages_are_refused(block_type, stage):
    with pytest.raises(ValueError, match="Received: stages="):
        PortraitBackbone(block_type, 8, [stage])
