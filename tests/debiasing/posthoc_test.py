import dataclasses
import functools

import keras
import numpy as np
import pytest

from tests.export.networks import differing_layers
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tests.rounding import float32_error
from tp_keras.debiasing import posthoc
from tp_keras.debiasing.last_layer import refit_last_layer
from tp_keras.debiasing.posthoc import apply_posthoc
from tp_keras.errors import UserError
from tp_keras.models import PortraitBackbone
from tp_keras.models import PortraitClassifier
from tp_keras.models.layers import FusedBatchNormalization

METHODS = ("dfr", "leace", "conditional_leace", "conditional_leace+dfr")


def make_classifier(embedding_size=64, schema=SCHEMA, **kwargs):
    keras.utils.set_random_seed(0)
    backbone = PortraitBackbone(
        "separable", 8, ((32, 1, 4),), schema.image_shape
    )
    classifier = PortraitClassifier(
        backbone, schema, embedding_size=embedding_size, **kwargs
    )
    # Not the variance of 1 of a network without training.
    generator = np.random.default_rng(0)
    for layer in classifier.layers:
        if isinstance(layer, FusedBatchNormalization):
            layer.moving_variance.assign(
                generator.uniform(0.5, 2.0, layer.moving_variance.shape)
            )
    return classifier


def paint(count, seed=0, missing=0.25):
    """Portraits with a colour channel for each label: gender is the red."""
    rng = np.random.default_rng(seed)
    labels = {
        task.name: rng.integers(task.num_classes, size=count).astype(np.int32)
        for task in SCHEMA.tasks
    }
    size = (count, *SCHEMA.image_shape)
    images = rng.integers(0, 40, size=size, dtype=np.uint8)
    for channel, task in enumerate(SCHEMA.tasks):
        level = labels[task.name] * (200 // (task.num_classes - 1))
        images[..., channel] += level[:, None, None].astype(np.uint8)
    for task in SCHEMA.guarded_tasks:
        labels[task.name][rng.random(count) < missing] = -1
    return dataclasses.replace(
        make_portraits(count), images=images, labels=labels
    )


@functools.cache
def make_both():
    """Training and held-out portraits, on which gender is easily seen."""
    return paint(100), paint(240, seed=1, missing=0.1)


@pytest.fixture(scope="module")
def classifier():
    return make_classifier()


@pytest.fixture(scope="module", autouse=True)
def erased_where_it_is_measured():
    """The held-out rows alone settle the map, so that nothing is left there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(posthoc, "_HELD_OUT_SHARE", 1.0)
        yield


@pytest.fixture(scope="module")
def treated(classifier, erased_where_it_is_measured):
    """The classifier after each method."""
    return {
        method: apply_posthoc(classifier, method, *make_both(), verbose=0)
        for method in METHODS
    }


@functools.cache
def predict(classifier):
    _, held_out = make_both()
    return classifier.predict_answers(held_out.images, verbose=0)


def embeddings(classifier):
    found = predict(classifier)
    return {
        name: found["embedding"][:, columns].astype(np.float64)
        for name, columns in classifier.embedding_slices.items()
    }


def covariance(features, concept):
    return np.abs((concept - concept.mean()) @ features / len(features)).max()


def within(features, concept, classes):
    return max(
        covariance(features[classes == value], concept[classes == value])
        for value in np.unique(classes[classes >= 0])
    )


def embedding_errors(classifier, name):
    """Bounds what float32 moves each row of the embedding by.

    The projection of an untrained network subtracts large numbers, and the
    normalisation divides by the little that is left.
    """
    _, held_out = make_both()
    pooling = classifier.get_layer("guarded_pooling")
    features = keras.Model(classifier.input, pooling.output)
    pooled = features.predict(held_out.images, verbose=0).astype(np.float64)
    projection = classifier.get_layer(f"{name}_projection")
    kernel, bias = (np.asarray(v, np.float64) for v in projection.weights)
    sizes = np.abs(pooled) @ np.abs(kernel) + np.abs(bias)
    left = (pooled @ kernel + bias).std(axis=1)
    # What is summed on the way: the stem, a depthwise and two pointwise
    # convolutions, the pooling, the projection and the normalisation.
    terms = 3 * 3 * 3 + 3 * 3 + 8 + 32 + 14 * 11 + len(kernel) + len(bias)
    return float32_error(terms, sizes.max(axis=1) / left)


@pytest.mark.parametrize("name", ["hair_color", "hair_type"])
def test_the_served_embedding_does_not_covary_with_gender(
    classifier, treated, name
):
    _, held_out = make_both()
    genders, classes = held_out.labels["gender"], held_out.labels[name]
    before = embeddings(classifier)[name]
    for method, measure in (
        ("leace", lambda rows: covariance(rows, genders)),
        ("conditional_leace", lambda rows: within(rows, genders, classes)),
    ):
        embedding = embeddings(treated[method])[name]
        # A gender is at most 1 from the mean, and half of it on average.
        bound = embedding_errors(treated[method], name).mean() / 2
        assert measure(embedding) < bound < measure(before) / 500
        # Rounded to float32 as it is served: 32 values of up to sqrt(32).
        error = float32_error(32, np.sqrt(32))
        np.testing.assert_allclose(embedding.mean(1), 0, atol=error)
        np.testing.assert_allclose(
            np.linalg.norm(embedding, axis=1), np.sqrt(32), rtol=1e-4
        )


def test_only_the_layers_of_the_method_change(classifier, treated):
    assert not differing_layers(classifier, make_classifier())
    for method, found in treated.items():
        expected = {"hair_color", "hair_type"}
        if "leace" in method:
            expected |= {"hair_color_projection", "hair_type_projection"}
        assert differing_layers(classifier, found) == expected
        assert found.count_params() == classifier.count_params()


def test_the_head_reads_what_is_left(treated):
    model = treated["conditional_leace"]
    images = np.concatenate([part.images for part in make_both()])
    labels, genders = (
        np.concatenate([part.labels[name] for part in make_both()])
        for name in ("hair_type", "gender")
    )
    found = model.predict_answers(images, verbose=0)["embedding"]
    expected = refit_last_layer(
        found[:, model.embedding_slices["hair_type"]],
        labels,
        genders,
        num_classes=3,
        balanced=False,
    )
    kernel = model.get_layer("hair_type").kernel.numpy()
    # To the tolerance of the regression.
    largest = np.abs(expected.kernel).max()
    np.testing.assert_allclose(kernel, expected.kernel, atol=0.05 * largest)


def test_dfr_makes_a_head_and_leaves_the_embedding(classifier, treated):
    _, held_out = make_both()
    for name in ("hair_color", "hair_type"):
        known = held_out.labels[name] >= 0
        accuracies = [
            (predict(model)[name].argmax(1) == held_out.labels[name])[known]
            for model in (classifier, treated["dfr"])
        ]
        # The network was never trained, its heads are random.
        assert accuracies[1].mean() > accuracies[0].mean() + 0.1
        np.testing.assert_array_equal(
            embeddings(treated["dfr"])[name], embeddings(classifier)[name]
        )


def test_few_rows_correct_the_logits_and_many_replace_the_head():
    classifier = make_classifier(embedding_size=16)
    train, many = make_both()
    few = make_portraits(60, seed=2, split="validation")
    old = classifier.get_layer("hair_type").kernel.numpy()
    for held_out, rank in ((few, 3), (many, 5)):
        found = apply_posthoc(classifier, "dfr", train, held_out, verbose=0)
        new = found.get_layer("hair_type").kernel.numpy()
        # The two columns that tell three classes apart, or others too.
        both = np.concatenate([old, new - new.mean(1, keepdims=True)], axis=1)
        assert np.linalg.matrix_rank(both, tol=1e-4) == rank
        assert not np.allclose(old, new)


def test_three_groups_are_erased_beside_a_number():
    train, held_out = (
        make_portraits(count, seed=seed, schema=EVERY_KIND)
        for seed, count in enumerate((60, 240))
    )
    classifier = make_classifier(16, EVERY_KIND)
    found = apply_posthoc(classifier, "leace", train, held_out, verbose=0)
    before, after = (
        model.predict_answers(held_out.images, verbose=0)
        for model in (classifier, found)
    )
    # A number has no classes to fit a head to: it stays as it is.
    np.testing.assert_array_equal(before["age"], after["age"])
    part = classifier.embedding_slices["smile"]
    for group in range(3):
        concept = (held_out.groups == group).astype(float)
        was, remains = (
            covariance(answers["embedding"][:, part], concept)
            for answers in (before, after)
        )
        assert remains < was / 100


def test_what_can_not_be_done_is_said(classifier):
    train, held_out = make_both()
    with pytest.raises(UserError, match="Received: tasks=.'gender'"):
        apply_posthoc(
            make_classifier(tasks=["gender"]), "leace", train, held_out
        )
    unlabelled = make_portraits(100, missing=2.0)
    with pytest.raises(UserError, match="0 of 100 rows have a label"):
        apply_posthoc(classifier, "dfr", train, unlabelled, verbose=0)
    with pytest.raises(UserError, match="No portrait .* in hair_color"):
        apply_posthoc(
            classifier, "conditional_leace", unlabelled, unlabelled, verbose=0
        )
