import dataclasses

import keras
import numpy as np
import pytest

from tests.portrait_factory import make_portraits
from tp_keras.config import DEBIAS_METHODS
from tp_keras.config import AugmentConfig
from tp_keras.config import DebiasConfig
from tp_keras.debiasing import refit
from tp_keras.debiasing.refit import chosen_rows
from tp_keras.debiasing.refit import refit_hair_branch
from tp_keras.debiasing.refit import training_group_counts
from tp_keras.debiasing.trunk_features import TrunkFeatures
from tp_keras.errors import UserError
from tp_keras.models import PortraitBackbone
from tp_keras.models import PortraitClassifier

COUNT = 160


@pytest.fixture(scope="module")
def classifier():
    return make_classifier()


@pytest.fixture(scope="module")
def portraits():
    """A tenth without a gender, and a quarter without one of hair."""
    portraits = make_portraits(COUNT)
    portraits.labels["gender"][::10] = -1
    return portraits


@pytest.fixture(scope="module")
def features(classifier, portraits):
    """One pass over the portraits, each as it is."""
    found = classifier.backbone.predict(portraits.images, verbose=0)
    return TrunkFeatures(found[None].astype("float16"))


def make_classifier(**kwargs):
    keras.utils.set_random_seed(0)
    backbone = PortraitBackbone("separable", 8, ((8, 1, 4),))
    return PortraitClassifier(backbone, embedding_size=8, **kwargs)


def make_settings(debias="none", **settings):
    return DebiasConfig(
        debias=debias,
        **{
            "branch_steps": 4,
            "branch_batch_size": 32,
            "adversary_units": (8,),
            "adversary_steps": 2,
            **settings,
        },
    )


def refitted(classifier, portraits, settings, features, **kwargs):
    return refit_hair_branch(
        classifier,
        portraits,
        settings,
        AugmentConfig(),
        features=features,
        **kwargs,
    )


def differing_layers(first, second):
    return {
        layer.name
        for layer, other in zip(first.layers, second.layers, strict=True)
        for a, b in zip(layer.get_weights(), other.get_weights(), strict=True)
        if not np.array_equal(a, b)
    }


@pytest.mark.parametrize("debias", DEBIAS_METHODS)
def test_the_hair_layers_alone_are_new(classifier, portraits, features, debias):
    before = classifier.get_weights()
    found = refitted(classifier, portraits, make_settings(debias), features)
    assert type(found) is PortraitClassifier
    assert differing_layers(classifier, found) == {
        "hair_convolution",
        "hair_normalization",
        "hair_color_projection",
        "hair_type_projection",
        "hair_color",
        "hair_type",
    }
    for a, b in zip(before, classifier.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    old, new = (
        model.predict_answers(portraits.images[:8], verbose=0)
        for model in (classifier, found)
    )
    np.testing.assert_array_equal(old["gender"], new["gender"])
    assert all(np.isfinite(value).all() for value in new.values())


def test_the_seed_decides(classifier, portraits, features):
    first, again, other = (
        refitted(classifier, portraits, make_settings(), features, seed=seed)
        for seed in (1, 1, 2)
    )
    assert not differing_layers(first, again)
    assert differing_layers(first, other)


def test_hair_is_learned(classifier, portraits, features, monkeypatch):
    # The average of a hundred steps is of little use after as many.
    monkeypatch.setattr(refit, "_AVERAGING", 0.5)
    settings = make_settings(branch_steps=100)
    model = refitted(classifier, portraits, settings, features)
    found = model.predict_answers(portraits.images, verbose=0)
    labels = portraits.labels["hair_type"]
    hits = found["hair_type"].argmax(1) == labels
    assert hits[labels >= 0].mean() > 0.6


def test_fewer_portraits_than_a_batch(classifier):
    few = make_portraits(9)
    settings = make_settings(branch_steps=2)
    # Without features, they are computed.
    found = refit_hair_branch(classifier, few, settings, AugmentConfig())
    assert "hair_color" in differing_layers(classifier, found)


class Trained:
    """As much of a model as its batches need."""

    def __init__(self, classifier):
        self.classifier = classifier
        self.label_names = {**classifier.label_names, "protected": "gender"}


def make_batches(classifier, portraits, features, settings):
    return refit._FeatureBatches(
        features, portraits, Trained(classifier), settings, seed=0
    )


def test_batches_go_through_all_rows_with_their_labels(classifier, portraits):
    # What a row is, and of which pass, can be read from its features.
    numbers = np.arange(COUNT) + 200 * np.arange(3)[:, None]
    features = TrunkFeatures(numbers[..., None, None, None].astype("float16"))
    batches = make_batches(
        classifier, portraits, features, make_settings(branch_steps=10)
    )
    assert len(batches) == 10
    seen, passes = [], set()
    for step in range(10):
        x, labels, weights = batches[step]
        assert x.shape == (32, 1, 1, 1) and x.dtype == np.float32
        rows = np.rint(x.ravel()).astype(int) % 200
        seen.append(rows)
        passes |= set(np.rint(x.ravel()).astype(int) // 200)
        for name, label in Trained(classifier).label_names.items():
            values = portraits.labels[label][rows]
            np.testing.assert_array_equal(weights[name], values >= 0)
            np.testing.assert_array_equal(labels[name], np.maximum(values, 0))
    assert passes == {0, 1, 2}
    first, second = np.concatenate(seen[:5]), np.concatenate(seen[5:])
    assert sorted(first) == sorted(second) == list(range(COUNT))
    assert list(first) != list(second)


def test_subsample_trains_on_level_rows_alone(classifier, portraits, features):
    settings = make_settings("subsample")
    batches = make_batches(classifier, portraits, features, settings)
    chosen = chosen_rows(portraits, classifier.tasks, settings, 0)
    assert set(chosen) == {"hair_color", "hair_type"}
    genders = portraits.labels["gender"]
    for name, rows in chosen.items():
        np.testing.assert_array_equal(batches.weights[name], rows)
        labels = portraits.labels[name]
        assert not rows[(labels < 0) | (genders < 0)].any()
        for label in set(labels[labels >= 0]):
            women, men = (
                (rows & (labels == label) & (genders == gender)).sum()
                for gender in (0, 1)
            )
            of_class = training_group_counts(portraits, classifier.tasks)
            smaller = of_class[name][label].min()
            if smaller >= 10:
                assert women == men == smaller
    # Gender itself is read from every row that has it.
    np.testing.assert_array_equal(batches.weights["protected"], genders >= 0)
    assert not chosen_rows(portraits, classifier.tasks, make_settings(), 0)


def test_a_classifier_without_hair_tasks_is_refused(portraits):
    gender = make_classifier(tasks=["gender"])
    with pytest.raises(UserError, match="Expected hair tasks"):
        refitted(gender, portraits, make_settings(), None)


def test_portraits_without_gender_are_refused(classifier, portraits, features):
    blank = {**portraits.labels, "gender": np.full(COUNT, -1, np.int32)}
    unknown = dataclasses.replace(portraits, labels=blank)
    with pytest.raises(UserError, match="both genders"):
        refitted(classifier, unknown, make_settings("grl"), features)
    # Without a method nobody asks for gender.
    refitted(classifier, unknown, make_settings(), features)


def test_features_of_other_portraits_are_refused(classifier, portraits):
    other = TrunkFeatures(np.zeros((1, COUNT + 1, 2, 2, 8), "float16"))
    with pytest.raises(UserError, match="these 160 portraits.*of 161"):
        refitted(classifier, portraits, make_settings(), other)
