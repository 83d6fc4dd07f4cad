import keras
import numpy as np
import pytest

from tests.export.networks import randomize_normalization
from tp_keras.errors import UserError
from tp_keras.export.folding import ScaleAndOffset
from tp_keras.export.folding import fold_batch_normalization
from tp_keras.models import PortraitBackbone
from tp_keras.models.layers import FusedBatchNormalization

layers = keras.layers


def assert_same_outputs(model, folded, tolerance=1e-4, seed=0):
    generator = np.random.default_rng(seed)
    shape = (3, *model.input.shape[1:])
    x = generator.uniform(0.0, 255.0, shape).astype(model.input.dtype)
    expected = keras.tree.flatten(model(x, training=False))
    found = keras.tree.flatten(folded(x, training=False))
    assert len(expected) == len(found)
    for a, b in zip(expected, found, strict=True):
        scale = max(1.0, float(np.abs(a).max()))
        np.testing.assert_allclose(b, a, rtol=0, atol=tolerance * scale)


def count(model, cls):
    return sum(isinstance(layer, cls) for layer in model.layers)


def chain(*parts, shape=(9, 7, 4)):
    x = inputs = keras.Input(shape)
    for part in parts:
        x = part(x)
    model = keras.Model(inputs, x)
    randomize_normalization(model)
    return model


def test_hand_computed_convolution():
    inputs = keras.Input((1, 1, 1))
    convolution = layers.Conv2D(1, 1)
    norm = layers.BatchNormalization(epsilon=0.0)
    model = keras.Model(inputs, norm(convolution(inputs)))
    convolution.set_weights([np.full((1, 1, 1, 1), 3.0), np.array([1.0])])
    # gamma, beta, mean, variance
    norm.set_weights([np.array([v]) for v in (2.0, 5.0, 7.0, 16.0)])
    kernel, bias = fold_batch_normalization(model).get_weights()
    # 2 / sqrt(16) * (3x + 1 - 7) + 5 = 1.5x + 2
    assert kernel.item() == pytest.approx(1.5)
    assert bias.item() == pytest.approx(2.0)


@pytest.mark.parametrize("use_bias", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda **k: layers.Conv2D(6, 3, padding="same", **k),
        lambda **k: layers.Conv2D(6, 3, groups=2, **k),
        lambda **k: layers.DepthwiseConv2D(3, strides=2, **k),
        lambda **k: layers.DepthwiseConv2D(3, depth_multiplier=3, **k),
        lambda **k: layers.SeparableConv2D(
            5, 3, padding="same", depth_multiplier=2, **k
        ),
        lambda **k: layers.Dense(5, **k),
    ],
    ids=["conv", "grouped", "depthwise", "multiplier", "separable", "dense"],
)
def test_each_kind_of_convolution(make, use_bias):
    model = chain(
        make(use_bias=use_bias), layers.BatchNormalization(), layers.ReLU()
    )
    folded = fold_batch_normalization(model)
    assert count(folded, layers.BatchNormalization) == 0
    assert count(folded, ScaleAndOffset) == 0
    assert len(folded.layers) == 3
    assert_same_outputs(model, folded)


@pytest.mark.parametrize(
    "norm",
    [
        layers.BatchNormalization(scale=False),
        layers.BatchNormalization(center=False, epsilon=0.1),
        FusedBatchNormalization(),
    ],
    ids=["no_scale", "no_center", "fused"],
)
def test_each_kind_of_normalization(norm):
    model = chain(layers.Conv2D(3, 3), norm)
    folded = fold_batch_normalization(model)
    assert len(folded.layers) == 2
    assert_same_outputs(model, folded)


@pytest.mark.parametrize(
    "parts",
    [
        (layers.BatchNormalization(),),
        (layers.Conv2D(3, 3, activation="relu"), layers.BatchNormalization()),
        (layers.Conv2DTranspose(3, 3), layers.BatchNormalization()),
        (layers.Conv2D(3, 3), layers.BatchNormalization(axis=1)),
    ],
    ids=["first", "activation", "transpose", "rows"],
)
def test_what_cannot_be_folded_becomes_scale_and_offset(parts):
    model = chain(*parts)
    folded = fold_batch_normalization(model)
    assert count(folded, layers.BatchNormalization) == 0
    assert count(folded, ScaleAndOffset) == 1
    assert_same_outputs(model, folded)


def test_convolution_with_two_consumers_is_not_folded():
    inputs = keras.Input((9, 7, 4))
    x = layers.Conv2D(4, 3, padding="same")(inputs)
    model = keras.Model(inputs, [layers.BatchNormalization()(x), x])
    randomize_normalization(model)
    folded = fold_batch_normalization(model)
    assert count(folded, ScaleAndOffset) == 1
    assert_same_outputs(model, folded)


def test_shared_layers():
    convolution = layers.Conv2D(4, 3, padding="same")
    norm = layers.BatchNormalization()
    inputs = keras.Input((9, 7, 4))
    x = norm(convolution(inputs))
    model = keras.Model(inputs, layers.Add()([x, norm(convolution(x))]))
    randomize_normalization(model)
    assert_same_outputs(model, fold_batch_normalization(model))
    # A convolution that two normalisations share is not folded.
    two = layers.BatchNormalization(), layers.BatchNormalization()
    model = chain(convolution, two[0], convolution, two[1])
    folded = fold_batch_normalization(model)
    assert count(folded, ScaleAndOffset) == 2
    assert_same_outputs(model, folded)


def test_nested_models_are_flattened_though_names_repeat():
    def block(name):
        inputs = keras.Input((9, 7, 4))
        x = layers.Conv2D(4, 3, padding="same", name="convolution")(inputs)
        x = layers.BatchNormalization(name="normalization")(x)
        x = keras.ops.add(x, inputs)
        return keras.Model(inputs, x, name=name)

    inputs = keras.Input((9, 7, 4))
    tail = keras.Sequential(
        [
            keras.Input((9, 7, 4)),
            layers.Conv2D(4, 3, name="convolution"),
            layers.BatchNormalization(name="normalization"),
        ]
    )
    outer = block("inner")(block("other")(inputs))
    model = keras.Model(inputs, {"a": tail(outer), "b": outer})
    randomize_normalization(model)
    folded = fold_batch_normalization(model)
    assert count(folded, keras.Model) == 0
    assert count(folded, ScaleAndOffset) == 0
    assert count(folded, layers.BatchNormalization) == 0
    assert sorted(folded.output) == ["a", "b"]
    assert_same_outputs(model, folded)


def test_the_model_is_left_as_it_is():
    model = chain(layers.Conv2D(3, 3), layers.BatchNormalization())
    before = model.get_weights()
    fold_batch_normalization(model)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert count(model, layers.BatchNormalization) == 1


def test_calls_in_training_mode_become_inference():
    inputs = keras.Input((9, 7, 4))
    x = layers.Dropout(0.5)(inputs, training=True)
    folded = fold_batch_normalization(keras.Model(inputs, x))
    ones = np.ones((1, 9, 7, 4), "float32")
    np.testing.assert_array_equal(folded(ones), ones)


def test_a_subclassed_model_is_refused():
    class Subclassed(keras.Model):
        pass

    with pytest.raises(UserError, match="Received: model=Subclassed"):
        fold_batch_normalization(Subclassed())


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("MobileNet", {"alpha": 0.25}),
        ("MobileNetV3Small", {}),
        ("EfficientNetV2B0", {}),
    ],
)
def test_applications(name, arguments):
    inputs = keras.Input((64, 48, 3))
    network = getattr(keras.applications, name)(
        weights=None, include_top=False, input_shape=(64, 48, 3), **arguments
    )
    model = keras.Model(inputs, network(inputs))
    randomize_normalization(model)
    folded = fold_batch_normalization(model)
    assert count(folded, layers.BatchNormalization) == 0
    assert count(folded, ScaleAndOffset) == 0
    assert_same_outputs(model, folded)


def test_a_scale_and_offset_comes_back_from_its_config():
    layer = ScaleAndOffset(axis=1, dtype="mixed_bfloat16", name="what_is_left")
    copy = ScaleAndOffset.from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()


def test_a_frozen_model_in_bfloat16_folds_in_its_own_precision():
    keras.utils.set_random_seed(0)
    model = PortraitBackbone(
        "merged",
        8,
        ((16, 1, 4),),
        image_shape=(108, 84, 3),
        dtype="mixed_bfloat16",
        trainable=False,
    )
    randomize_normalization(model)
    folded = fold_batch_normalization(model)
    assert not folded.trainable_variables
    assert folded.output.dtype == "bfloat16"
    # In three layers, on two roads, kernel, sum and normalised sum are rounded
    # to 8 bits.
    assert_same_outputs(model, folded, tolerance=3 * 2 * 3 * 2.0**-9)
