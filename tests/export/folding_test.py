import keras
import numpy as np
import pytest
from keras.src.applications.efficientnet_v2 import EfficientNetV2

from tests.export.networks import randomize_normalization
from tp_keras.errors import UserError
from tp_keras.export.folding import ScaleAndOffset
from tp_keras.export.folding import fold_batch_normalization
from tp_keras.models import PortraitBackbone
from tp_keras.models.layers import FusedBatchNormalization

layers = keras.layers
Norm = layers.BatchNormalization
SHAPE = (9, 7, 4)


def count(model, cls):
    return sum(isinstance(layer, cls) for layer in model.layers)


def fold(model, left=0, tolerance=1e-4):
    """Folds a model, and checks all that holds for any.

    `left` is the number of normalisations that no convolution takes up.
    """
    randomize_normalization(model)
    before = model.get_weights()
    folded = fold_batch_normalization(model)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert count(folded, Norm) == 0
    assert count(folded, keras.Model) == 0
    assert count(folded, ScaleAndOffset) == left
    shape = (3, *model.input.shape[1:])
    x = np.random.default_rng(0).uniform(0.0, 255.0, shape)
    x = x.astype(model.input.dtype)
    expected = keras.tree.flatten(model(x, training=False))
    found = keras.tree.flatten(folded(x, training=False))
    for a, b in zip(expected, found, strict=True):
        scale = max(1.0, float(np.abs(a).max()))
        np.testing.assert_allclose(b, a, rtol=0, atol=tolerance * scale)
    return folded


def chain(*parts):
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, keras.Sequential(parts)(inputs))


def test_hand_computed_convolution():
    inputs = keras.Input((1, 1, 1))
    convolution = layers.Conv2D(1, 1)
    norm = Norm(epsilon=0.0)
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
    model = chain(make(use_bias=use_bias), Norm(), layers.ReLU())
    assert len(fold(model).layers) == 3


@pytest.mark.parametrize(
    ("parts", "left"),
    [
        ((layers.Conv2D(3, 3), Norm(scale=False)), 0),
        ((layers.Conv2D(3, 3), Norm(center=False, epsilon=0.1)), 0),
        ((layers.Conv2D(3, 3), FusedBatchNormalization()), 0),
        ((Norm(),), 1),
        ((layers.Conv2D(3, 3, activation="relu"), Norm()), 1),
        ((layers.Conv2DTranspose(3, 3), Norm()), 1),
        ((layers.Conv2D(3, 3), Norm(axis=1)), 1),
    ],
    ids=[
        *("no_scale", "no_center", "fused"),
        *("first", "activation", "transpose", "rows"),
    ],
)
def test_what_can_be_folded_and_what_becomes_scale_and_offset(parts, left):
    assert len(fold(chain(*parts), left).layers) == len(parts) + left


def test_convolution_with_two_consumers_is_not_folded():
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3, padding="same")(inputs)
    fold(keras.Model(inputs, [Norm()(x), x]), left=1)


def test_shared_layers():
    convolution = layers.Conv2D(4, 3, padding="same")
    norm = Norm()
    inputs = keras.Input(SHAPE)
    x = norm(convolution(inputs))
    fold(keras.Model(inputs, layers.Add()([x, norm(convolution(x))])), left=1)
    # A convolution that two normalisations share is not folded.
    x = Norm()(convolution(inputs))
    x = Norm()(convolution(x))
    fold(keras.Model(inputs, x), left=2)


def test_nested_models_are_flattened_though_names_repeat():
    def block(name):
        inputs = keras.Input(SHAPE)
        x = layers.Conv2D(4, 3, padding="same", name="convolution")(inputs)
        x = Norm(name="normalization")(x)
        x = keras.ops.add(x, inputs)
        return keras.Model(inputs, x, name=name)

    inputs = keras.Input(SHAPE)
    tail = chain(
        layers.Conv2D(4, 3, name="convolution"),
        Norm(name="normalization"),
    )
    outer = block("inner")(block("other")(inputs))
    folded = fold(keras.Model(inputs, {"a": tail(outer), "b": outer}))
    assert sorted(folded.output) == ["a", "b"]


def test_calls_in_training_mode_become_inference():
    inputs = keras.Input(SHAPE)
    x = layers.Dropout(0.5)(inputs, training=True)
    folded = fold_batch_normalization(keras.Model(inputs, x))
    ones = np.ones((1, *SHAPE), "float32")
    np.testing.assert_array_equal(folded(ones), ones)


def test_a_subclassed_model_is_refused():
    class Subclassed(keras.Model):
        pass

    with pytest.raises(UserError, match="Received: model=Subclassed"):
        fold_batch_normalization(Subclassed())


@pytest.mark.parametrize(
    "make",
    [
        lambda **k: keras.applications.MobileNet(alpha=0.25, **k),
        lambda **k: keras.applications.MobileNetV3Small(**k),
        # Each of its stages once, and thin.
        lambda **k: EfficientNetV2(
            0.25, 0.1, 224, name="efficientnetv2-b0", **k
        ),
    ],
    ids=["MobileNet", "MobileNetV3Small", "EfficientNetV2"],
)
def test_applications(make):
    shape = (64, 48, 3)
    inputs = keras.Input(shape)
    network = make(weights=None, include_top=False, input_shape=shape)
    begin = keras.Model(network.input, network.layers[:100][-1].output)
    fold(keras.Model(inputs, begin(inputs)))


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
    # In three layers, on two roads, kernel, sum and normalised sum are rounded
    # to 8 bits.
    folded = fold(model, tolerance=3 * 2 * 3 * 2.0**-9)
    assert not folded.trainable_variables
    assert folded.output.dtype == "bfloat16"
