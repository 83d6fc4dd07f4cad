import numpy as np
import pytest
from sklearn.linear_model import Ridge

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.audit import out_of_fold
from tp_keras.audit.looks import Looks
from tp_keras.audit.looks import measure_looks
from tp_keras.audit.out_of_fold import cross_fit
from tp_keras.audit.out_of_fold import draw_folds
from tp_keras.audit.out_of_fold import foretell
from tp_keras.audit.patch_features import patch_features
from tp_keras.audit.portrait_set import PortraitSet
from tp_keras.audit.questions import Question
from tp_keras.audit.questions import ask


def standardised(features):
    return ((features - features.mean(0)) / features.std(0)).astype(np.float32)


def question(labels, classes=("black", "brown", "blond", "gray", "bald")):
    return Question("hair_color", SCHEMA.task("hair_color"), labels, classes)


def test_near_duplicates_share_a_fold_and_folds_are_equally_large():
    clusters = np.repeat(np.arange(100), 3)
    folds = draw_folds(clusters, 4).reshape(100, 3)
    assert (folds == folds[:, :1]).all()
    assert np.bincount(folds[:, 0]).tolist() == [20] * 5
    assert (draw_folds(clusters, 4) != draw_folds(clusters, 5)).any()
    alone = draw_folds(np.full(50, -1), 0)
    assert np.bincount(alone).tolist() == [10] * 5


def test_scores_are_those_of_ridge_regressions_on_the_other_folds():
    generator = np.random.default_rng(0)
    features = standardised(generator.normal(size=(200, 7)))
    labels = generator.integers(3, size=200)
    own = question(labels, ("black", "brown", "blond"))
    folds = draw_folds(np.arange(200), 0)
    (scores,) = cross_fit(features, [own], folds)
    one_hot = labels[:, None] == np.arange(3)
    targets = one_hot - one_hot.mean(0)
    for fold in range(5):
        here = folds == fold
        alpha = out_of_fold._PENALTY * (~here).sum()
        model = Ridge(alpha, fit_intercept=False)
        model.fit(features[~here], targets[~here])
        expected = model.predict(features[here])
        np.testing.assert_allclose(scores[here], expected, atol=1e-5)


def test_a_label_has_no_part_in_its_own_score():
    generator = np.random.default_rng(0)
    features = standardised(generator.normal(size=(100, 5)))
    labels = generator.integers(2, size=100)
    folds = draw_folds(np.arange(100), 0)
    changed = labels.copy()
    changed[folds == 2] = 1 - changed[folds == 2]
    for labels_of_others in (labels, changed):
        assert np.bincount(labels_of_others).min() > 10
    first, second = (
        cross_fit(features, [question(own, ("black", "brown"))], folds)[0]
        for own in (labels, changed)
    )
    # Apart from the mean that is subtracted from all targets.
    gap = first[folds == 2] - second[folds == 2]
    assert np.abs(gap).max() < 0.2 * np.abs(first).max()
    assert np.abs(first - second)[folds != 2].max() > np.abs(gap).max()


def test_a_twin_in_another_fold_would_give_the_label_away():
    generator = np.random.default_rng(0)
    pictures = generator.integers(256, size=(200, 12, 10, 3), dtype=np.uint8)
    thumbnails = np.repeat(pictures, 2, axis=0)
    labels = np.repeat(generator.integers(2, size=200), 2)
    looks, own = Looks({}, thumbnails), question(labels, ("black", "brown"))
    clusters = np.repeat(np.arange(200), 2)

    def hits(clusters):
        (found,) = foretell(looks, [own], clusters, repeats=1)
        return (found[0].argmax(1) == labels).mean()

    assert hits(clusters) < 0.7 < 0.85 < hits(None)


@pytest.fixture(scope="module")
def every_kind():
    portraits = PortraitSet((make_portraits(240, schema=EVERY_KIND),))
    return portraits, measure_looks(portraits)


def test_every_kind_of_task_is_foretold(every_kind):
    portraits, looks = every_kind
    questions = ask(portraits.schema, portraits.labels)
    answers = foretell(looks, questions)
    assert [item.name for item in questions] == [
        *("age", "mood", "origin", "signs: hat", "signs: scarf", "smile")
    ]
    for item, found in zip(questions, answers, strict=True):
        rows = item.known
        if item.is_number:
            assert found.shape == (2, 240)
            mean, numbers = found.mean(0)[rows], item.labels[rows]
            assert np.corrcoef(mean, numbers)[0, 1] > 0.8
            continue
        assert found.shape == (2, 240, len(item.classes))
        np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)
        assert (found.mean(0)[rows].argmax(1) == item.labels[rows]).mean() > 0.9


def test_the_same_seed_foretells_the_same(every_kind):
    portraits, looks = every_kind
    smile = ask(portraits.schema, portraits.labels)[-1:]
    first, again, other = (
        foretell(looks, smile, seed=seed, repeats=1)[0] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_what_cannot_be_foretold_is_nan(every_kind):
    _, looks = every_kind
    few = np.full(240, -1)
    few[:3] = 0, 1, 2
    alike = np.zeros(240, int)
    for labels in (few, alike, np.full(240, -1)):
        (found,) = foretell(looks, [question(labels)], repeats=1)
        assert np.isnan(found).all()


def test_equal_pictures_have_no_features_and_break_nothing():
    thumbnails = np.full((60, 9, 7, 3), 90, np.uint8)
    for equal_light in (True, False):
        assert not patch_features(thumbnails, 0, equal_light).any()
    labels = np.arange(60) % 2
    own = question(labels, ("black", "brown"))
    (found,) = foretell(Looks({}, thumbnails), [own])
    np.testing.assert_allclose(found, 0.5, atol=0.01)


def test_brightness_counts_only_where_light_is_not_made_equal():
    generator = np.random.default_rng(0)
    pattern = generator.integers(100, size=(1, 12, 12, 3))
    thumbnails = (
        pattern + np.array([0, 100])[np.arange(80) % 2, None, None, None]
    )
    thumbnails = (
        thumbnails + generator.integers(5, size=thumbnails.shape)
    ).astype(np.uint8)
    gaps = []
    for equal_light in (True, False):
        features = patch_features(thumbnails, 0, equal_light)
        gaps.append(
            np.abs(features[::2].mean(0) - features[1::2].mean(0)).mean()
        )
    assert gaps[1] > 1.5 > 0.6 > gaps[0]
