import numpy as np
import pytest
from keras import ops

from tests.generator.model.networks import randomize
from tests.portrait_factory import SCHEMA
from tp_keras.generator.conditions import get_conditions
from tp_keras.generator.model.critic import CRITIC_OUTER
from tp_keras.generator.model.critic import build_critic
from tp_keras.generator.model.critic import build_map_critic
from tp_keras.generator.model.geometry import double
from tp_keras.generator.model.geometry import halve

CONDITIONS = get_conditions(SCHEMA)


def labels_of(value, count=2):
    filled = ops.full((count,), value, "int32")
    return dict.fromkeys(CONDITIONS, filled)


@pytest.fixture(scope="module")
def critics():
    return build_critic(SCHEMA.image_shape, CONDITIONS, (8, 8))


def smooth_pictures():
    noise = np.random.default_rng(0).uniform(-1, 1, (2, 54, 42, 3))
    return double(noise.astype(np.float32))


def test_it_scores_the_whole_and_every_place(critics):
    half, full = critics
    assert [each.shape for each in half.outputs] == [(None, 1), (None, 63)]
    assert [each.shape for each in full.outputs] == [(None, 1), (None, 63)]


def test_details_count_only_once_they_are_learned(critics):
    half, full = critics
    pictures, labels = smooth_pictures(), labels_of(0)
    expected = half({"picture": halve(pictures), **labels})
    before = full({"picture": pictures, **labels})
    for found, score in zip(before, expected, strict=True):
        np.testing.assert_allclose(found, score, atol=1e-5)
    details = np.where(np.indices((108, 84)).sum(axis=0) % 2, 0.3, -0.3)
    detailed = pictures + details[..., None].astype(np.float32)
    same = full({"picture": detailed, **labels})
    np.testing.assert_allclose(same[0], before[0], atol=1e-4)
    outer = [la for la in full.layers if la.name in CRITIC_OUTER]
    randomize((v for la in outer for v in la.variables), scale=0.3)
    seen = full({"picture": detailed, **labels})
    assert np.abs(seen[0] - before[0]).max() > 1e-3
    assert len(outer) == len(CRITIC_OUTER)


def test_the_whole_is_scored_by_its_labels_and_places_are_not(critics):
    half, _ = critics
    randomize(half.trainable_variables, scale=0.3)
    pictures = halve(smooth_pictures())
    whole, places = half({"picture": pictures, **labels_of(0)})
    for name in CONDITIONS:
        told = {**labels_of(0), name: labels_of(-1)[name]}
        other, same = half({"picture": pictures, **told})
        assert np.abs(other - whole).min() > 1e-3
        np.testing.assert_array_equal(same, places)


def test_what_fits_is_a_product_of_features_and_labels():
    critic = build_map_critic([(3, 2, 4)], CONDITIONS)
    randomize(critic.trainable_variables, scale=0.5)
    maps = np.random.default_rng(1).normal(size=(2, 3, 2, 4)).astype("f")
    whole, places = critic({"map_0": ops.array(maps), **labels_of(-1)})
    assert (whole.shape, places.shape) == ((2, 1), (2, 6))
    # By the weights: of another label the row of the projection alone differs.
    first, *_ = CONDITIONS
    told = {**labels_of(-1), first: labels_of(0)[first]}
    found = np.asarray(critic({"map_0": ops.array(maps), **told})[0] - whole)
    kernel = critic.get_layer("map_0_labels").get_weights()[0]
    change = kernel[1] - kernel[0]

    def leaky(x):
        return np.where(x > 0, x, 0.2 * x)

    def layer(name):
        return critic.get_layer(f"map_0_{name}").get_weights()

    weights, bias = layer("first")
    x = leaky(maps @ weights[0, 0] + bias)
    weights, bias = layer("second")
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    x = leaky(
        bias
        + sum(
            padded[:, i : i + 3, j : j + 2] @ weights[i, j]
            for i in range(3)
            for j in range(3)
        )
    )
    weights, bias = layer("row")
    features = leaky(x.mean(axis=(1, 2)) @ weights + bias)
    expected = features @ change / np.sqrt(features.shape[1])
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-3, atol=1e-4)
