import dataclasses

import numpy as np
import pytest

from tests.export.networks import differing_layers
from tests.export.networks import make_classifier
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tests.runs.trainer_test import make_tiny_world
from tp_keras.config import ExperimentConfig
from tp_keras.config import TrainingConfig
from tp_keras.debias_config import DEBIAS_METHODS
from tp_keras.debias_config import DebiasConfig
from tp_keras.debiasing import after_training
from tp_keras.debiasing.after_training import chosen_rows
from tp_keras.debiasing.after_training import debias_classifier
from tp_keras.debiasing.groups import training_group_counts
from tp_keras.debiasing.posthoc import apply_posthoc
from tp_keras.debiasing.trunk_features import TrunkFeatures
from tp_keras.errors import UserError
from tp_keras.models import PortraitClassifier

COUNT = 160


@pytest.fixture(autouse=True)
def tiny_world(monkeypatch):
    make_tiny_world(monkeypatch)


@pytest.fixture(scope="module")
def classifier():
    return make_classifier(SCHEMA)


@pytest.fixture(scope="module")
def portraits():
    """A tenth without a protected label, and a quarter without others."""
    portraits = make_portraits(COUNT)
    portraits.labels["gender"][::10] = -1
    return portraits


@pytest.fixture(scope="module")
def debias(classifier, portraits):
    """Debiases it with features that are computed once."""
    # One pass over the portraits, each as it is.
    found = classifier.backbone.predict(portraits.images, verbose=0)
    features = TrunkFeatures(found[None].astype("float16"))

    def debias(config, held_out=None):
        return debias_classifier(
            classifier, config, portraits, held_out, features=features
        )

    return debias


def make_config(debias="reweigh", seed=0, **settings):
    settings = {
        "branch_steps": 4,
        "branch_batch_size": 32,
        "adversary_units": (8,),
        "adversary_steps": 2,
        **settings,
    }
    return ExperimentConfig(
        debias=DebiasConfig(debias=debias, **settings),
        training=TrainingConfig(seed=seed),
    )


@pytest.mark.parametrize("method", [*DEBIAS_METHODS][1:])
def test_the_guarded_layers_alone_are_new(
    classifier, portraits, debias, method
):
    before = classifier.get_weights()
    found = debias(make_config(method))
    assert type(found) is PortraitClassifier
    assert differing_layers(classifier, found) == {
        *("guarded_convolution", "guarded_normalization"),
        *("hair_color_projection", "hair_type_projection"),
        *("hair_color", "hair_type"),
    }
    for a, b in zip(before, classifier.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    answers = found.predict_answers(portraits.images[:8], verbose=0)
    assert all(np.isfinite(value).all() for value in answers.values())


@pytest.mark.parametrize("debias", ["conditional_grl", "conditional_mmd"])
def test_a_number_and_a_binary_task_are_guarded_from_three_groups(debias):
    portraits = make_portraits(96, schema=EVERY_KIND)
    classifier = make_classifier(EVERY_KIND)
    # Without features, they are computed.
    found = debias_classifier(
        classifier, make_config(debias, branch_steps=2), portraits, None
    )
    changed = differing_layers(classifier, found)
    assert {"age", "smile"} <= changed and "origin" not in changed
    answers = found.predict_answers(portraits.images[:8], verbose=0)
    assert np.isfinite(answers["age"]).all()


def test_it_is_learned(portraits, debias, monkeypatch):
    # The average of a hundred steps is of little use after as many.
    monkeypatch.setattr(after_training, "_AVERAGING", 0.5)
    model = debias(make_config("reweigh", branch_steps=100))
    found = model.predict_answers(portraits.images, verbose=0)
    labels = portraits.labels["hair_type"]
    hits = found["hair_type"].argmax(1) == labels
    assert hits[labels >= 0].mean() > 0.6


def test_the_seed_decides_and_what_acts_on_the_model_comes_last(
    portraits, debias
):
    held_out = make_portraits(80, seed=1)
    plain, other, both = (
        debias(make_config(seed=seed, posthoc=posthoc), held_out)
        for seed, posthoc in ((7, "none"), (2, "none"), (7, "leace"))
    )
    expected = apply_posthoc(
        plain, "leace", portraits, held_out, seed=7, verbose=0
    )
    assert differing_layers(plain, other)
    assert differing_layers(plain, both)
    assert not differing_layers(expected, both)


class Trained:
    """As much of a model as its batches need."""

    def __init__(self, classifier):
        self.classifier = classifier
        protected = SCHEMA.protected_task
        self.targets = {**classifier.targets, "protected": protected}


def make_batches(classifier, portraits, config, features=None):
    if features is None:
        features = TrunkFeatures(np.zeros((1, COUNT, 2, 2, 8), "float16"))
    return after_training._FeatureBatches(
        features, portraits, Trained(classifier), config.debias, seed=0
    )


def test_batches_go_through_all_rows_with_their_labels(classifier, portraits):
    # What a row is, and of which pass, can be read from its features.
    numbers = np.arange(COUNT) + 200 * np.arange(3)[:, None]
    features = TrunkFeatures(numbers[..., None, None, None].astype("float16"))
    batches = make_batches(
        classifier, portraits, make_config(branch_steps=10), features
    )
    assert len(list(batches.dataset())) == 10
    seen, passes = [], set()
    for x, labels, weights in batches.dataset().as_numpy_iterator():
        assert x.shape == (32, 1, 1, 1) and x.dtype == np.float32
        numbers = np.rint(x.ravel()).astype(int)
        rows = numbers % 200
        seen.append(rows)
        passes |= set(numbers // 200)
        for name, task in Trained(classifier).targets.items():
            values = portraits.labels[task.name][rows]
            np.testing.assert_array_equal(weights[name], values >= 0)
            np.testing.assert_array_equal(labels[name], np.maximum(values, 0))
    assert passes == {0, 1, 2}
    first, second = np.concatenate(seen[:5]), np.concatenate(seen[5:])
    assert sorted(first) == sorted(second) == list(range(COUNT))
    assert list(first) != list(second)


def test_subsample_trains_on_level_rows_alone(classifier, portraits):
    config = make_config("subsample")
    batches = make_batches(classifier, portraits, config)
    chosen = chosen_rows(portraits, SCHEMA.tasks, config.debias, 0)
    assert set(chosen) == {"hair_color", "hair_type"}
    # The rows of a task don't depend on which others there are.
    (alone,) = chosen_rows(
        portraits, SCHEMA.tasks[2:], config.debias, 0
    ).values()
    np.testing.assert_array_equal(alone, chosen["hair_type"])
    groups = portraits.groups
    counts = training_group_counts(portraits, SCHEMA.tasks)
    for name, rows in chosen.items():
        np.testing.assert_array_equal(batches.weights[name], rows)
        labels = portraits.labels[name]
        assert not rows[(labels < 0) | (groups < 0)].any()
        for label, of_class in enumerate(counts[name]):
            if of_class.min() >= 10:
                for group in (0, 1):
                    cell = rows & (labels == label) & (groups == group)
                    assert cell.sum() == of_class.min()
    # The group itself is read from every row that has it.
    np.testing.assert_array_equal(batches.weights["protected"], groups >= 0)
    assert not chosen_rows(portraits, SCHEMA.tasks, make_config().debias, 0)


def test_what_cant_be_is_one_sentence(classifier, portraits):
    def refused(message, model=classifier, train=portraits, features=None):
        with pytest.raises(UserError, match=message):
            debias_classifier(
                model, make_config("grl"), train, None, features=features
            )

    refused("Expected guarded tasks", make_classifier(SCHEMA, ["gender"]))
    blank = {**portraits.labels, "gender": np.full(COUNT, -1, np.int32)}
    unknown = dataclasses.replace(portraits, labels=blank)
    refused("two groups or more.* by group 0, 0", train=unknown)
    plain = dataclasses.replace(SCHEMA, protected=None)
    unknown = dataclasses.replace(portraits, schema=plain)
    refused("nothing to debias.*Received: none", train=unknown)
    other = TrunkFeatures(np.zeros((1, COUNT + 1, 2, 2, 8), "float16"))
    refused("these 160 portraits.*of 161", features=other)
