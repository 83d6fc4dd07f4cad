import keras
import numpy as np
import pytest

from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.errors import UserError
from tp_keras.export import fold_batch_normalization
from tp_keras.models import PortraitBackbone
from tp_keras.models import PortraitClassifier
from tp_keras.models import create_backbone
from tp_keras.models.layer_settings import default_policy

layers = keras.layers
SHAPE = SCHEMA.image_shape
IMAGES = make_portraits(4, seed=3).images


def own_model(shape=SHAPE, dtype="float32", top=(), **kwargs):
    image = keras.Input(shape, dtype=dtype)
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Conv2D(8, 5, strides=4, name="own")(x)
    for layer in (layers.BatchNormalization(), layers.ReLU(), *top):
        x = layer(x)
    return keras.Model(image, x, **kwargs)


OWN = {
    "float": own_model,
    "any size": lambda: own_model((None, None, 3)),
    "uint8": lambda: own_model(dtype="uint8"),
    "sequential": lambda: keras.Sequential(
        [keras.Input(SHAPE), layers.Conv2D(8, 5, strides=4)]
    ),
}


@pytest.mark.parametrize("kind", OWN)
def test_a_model_of_ones_own_is_a_backbone(kind, tmp_path):
    backbone = OWN[kind]()
    classifier = PortraitClassifier(
        backbone, SCHEMA, tasks=["gender", "hair_type"]
    )
    assert classifier.input.dtype == "uint8"
    found = classifier.predict_answers(IMAGES, verbose=0)
    # The very features of the model.
    features = keras.ops.mean(backbone(IMAGES.astype("float32")), axis=(1, 2))
    pooled = keras.Model(
        classifier.input, classifier.get_layer("gender_pooling").output
    )
    np.testing.assert_allclose(pooled(IMAGES), features, rtol=1e-4, atol=1e-5)
    path = tmp_path / "model.keras"
    classifier.save(path)
    again = keras.saving.load_model(path, compile=False)
    for name, values in again.predict_answers(IMAGES, verbose=0).items():
        np.testing.assert_array_equal(values, found[name])
    # As it is exported.
    plain = classifier.inference_model()
    folded = fold_batch_normalization(plain)(IMAGES, training=False)
    for name, values in plain(IMAGES, training=False).items():
        np.testing.assert_allclose(folded[name], values, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: own_model(top=[layers.GlobalAveragePooling2D()]),
            r"ends in one feature map.*Received: outputs=.*8",
        ),
        (lambda: own_model((108, 84, 1)), "one input, of images"),
        (
            lambda: own_model((64, 64, 3), name="mine"),
            r"of \(108, 84, 3\).*backbone=mine for \(64, 64, 3",
        ),
        (lambda: own_model(dtype="int32"), "one input, of images"),
        (lambda: keras.Sequential([layers.Conv2D(3, 3)]), "a Sequential"),
        (lambda: "portrait_s", "Received: backbone='portrait_s'"),
    ],
)
def test_what_is_no_backbone_is_one_sentence(make, message):
    with pytest.raises(UserError, match=message):
        PortraitClassifier(make(), SCHEMA)


def test_a_file_is_a_backbone(tmp_path):
    own = own_model(name="gender")
    own.save(tmp_path / "own.keras")
    backbone = create_backbone(tmp_path / "own.keras", SHAPE)
    assert backbone.name == "backbone"  # No clash with the head.
    np.testing.assert_array_equal(backbone(IMAGES), own(IMAGES))
    # Of a classifier, as runs keep them, the trunk.
    classifier = PortraitClassifier(
        create_backbone("portrait_xs", SHAPE), SCHEMA
    )
    classifier.save(tmp_path / "model.keras")
    trunk = create_backbone(tmp_path / "model.keras", SHAPE)
    np.testing.assert_array_equal(trunk(IMAGES), classifier.backbone(IMAGES))


def test_files_that_hold_none_are_one_sentence(tmp_path):
    own_model((64, 64, 3)).save(tmp_path / "small.keras")
    own_model().save_weights(tmp_path / "own.weights.h5")
    (tmp_path / "bad.keras").write_text("half")
    for name, message in (
        ("small.keras", "for portraits of .108, 84, 3"),
        ("own.weights.h5", "name of the network in front"),
        ("bad.keras", "can't be loaded"),
        ("none.keras", "no such file"),
    ):
        with pytest.raises(UserError, match=f"{message}.*Received: backbone="):
            create_backbone(str(tmp_path / name), SHAPE)


def test_weights_are_an_argument_of_every_backbone(tmp_path):
    weights = f"weights='{tmp_path}/trained.weights.h5'"
    trained = create_backbone("portrait_xs", SHAPE)
    trained.save_weights(tmp_path / "trained.weights.h5")
    found = create_backbone(f"portrait_xs({weights})", SHAPE)
    np.testing.assert_array_equal(found(IMAGES), trained(IMAGES))
    with pytest.raises(UserError, match="could not be loaded"):
        create_backbone(f"portrait_s({weights})", SHAPE)
    network = keras.applications.MobileNet(
        input_shape=SHAPE, alpha=0.25, include_top=False, weights=None
    )
    network.save_weights(tmp_path / "trained.weights.h5")
    backbone = create_backbone(f"MobileNet(alpha=0.25, {weights})", SHAPE)
    # They see the pixels that they were trained on.
    prepared = keras.applications.mobilenet.preprocess_input(
        IMAGES.astype("float32")
    )
    np.testing.assert_allclose(
        backbone(IMAGES), network(prepared), rtol=1e-4, atol=1e-5
    )


def test_what_the_backbone_is_anyway_may_be_said():
    same = "include_top=False, pooling=None, name='x', input_shape=(108, 84, 3)"
    backbone = create_backbone(f"MobileNet(alpha=0.25, {same})", SHAPE)
    assert backbone.output_shape == (None, 3, 2, 256)


@pytest.mark.parametrize(
    "name",
    [
        "MobileNet(include_top=True)",
        "MobileNet(pooling='avg')",
        "MobileNet(input_shape=(224, 224, 3))",
        "MobileNet(input_tensor=1)",
        "MobileNet(weights='/nowhere.h5')",
        "portrait_s(weights='/nowhere.h5')",
        "portrait_s(include_top=True)",
    ],
)
def test_what_it_cant_be_is_one_sentence(name):
    with pytest.raises(UserError) as caught:
        create_backbone(name, SHAPE)
    said = str(caught.value)
    assert "multiple values" not in said and "\n" not in said
    assert said.endswith(f"Received: backbone={name!r}")


def test_a_file_computes_as_is_asked_for_and_not_as_it_was_saved(tmp_path):
    with default_policy("mixed_bfloat16"):
        saved = PortraitBackbone("separable", 4, ((8, 1, 2),), (16, 12, 3))
    saved.layers[2].trainable = False
    saved.save(tmp_path / "own.keras")
    for policy in ("float32", "mixed_bfloat16"):
        with default_policy(policy):
            loaded = create_backbone(str(tmp_path / "own.keras"), (16, 12, 3))
        assert {layer.dtype_policy.name for layer in loaded.layers[1:]} == {
            policy
        }
        for own, other in zip(
            loaded.get_weights(), saved.get_weights(), strict=True
        ):
            np.testing.assert_array_equal(own, other)
        assert [layer.trainable for layer in loaded.layers] == [
            layer.trainable for layer in saved.layers
        ]
