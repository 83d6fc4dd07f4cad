import statistics

import numpy as np
import pytest

from tp_keras.fairness import probes
from tp_keras.fairness.probes import ProbeResult
from tp_keras.fairness.probes import probe_groups
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records import intervals

_SETTINGS = FairnessSettings(min_count=20, probe_folds=3, probe_seeds=1)


def _groups(count, share=0.4, seed=0):
    return (np.random.default_rng(seed).random(count) < share).astype(int)


def _noise(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape)


def _probe(features, groups, classes=None, *, kind="linear", **options):
    options = {"settings": _SETTINGS, "seed": 0} | options
    return probe_groups(features, groups, classes, kind=kind, **options)


# === What can be read ===


each_kind = pytest.mark.parametrize("kind", probes.KINDS)


@each_kind
@pytest.mark.parametrize("distance", [1.0, 2.5])
def test_gaussians_are_read_as_far_as_they_lie_apart(kind, distance):
    groups = _groups(1500, share=0.2)
    features = _noise(1500, 6)
    features[:, 2] += distance * groups
    result = _probe(features, groups, kind=kind)
    best = statistics.NormalDist().cdf(distance / 2)
    low, high = result.interval
    assert low - 0.01 < best < high + 0.01
    assert result.value == pytest.approx(best, abs=0.035)


@each_kind
def test_three_groups_are_read_as_far_as_they_lie_apart(kind):
    groups = np.random.default_rng(0).choice(3, size=1500, p=[0.5, 0.3, 0.2])
    features = _noise(1500, 4)
    features[:, 0] += 2 * groups
    result = _probe(features, groups, kind=kind)
    # The outer two are told with a chance of Phi(1), the middle 2 Phi(1) - 1.
    best = (4 * statistics.NormalDist().cdf(1.0) - 1) / 3
    assert result.value == pytest.approx(best, abs=0.035)
    assert result.chance == pytest.approx(1 / 3)


def test_a_class_is_probed_for_the_groups_that_it_has():
    groups = np.random.default_rng(0).integers(3, size=900)
    # In the second class the last group hardly occurs.
    classes = np.where(groups == 2, 0, np.arange(900) % 2)
    classes[np.flatnonzero(groups == 2)[:5]] = 1
    result = _probe(_noise(900, 3), groups, classes)
    assert result.counts.shape == (5,)
    assert result.count == 895
    assert result.chance == pytest.approx(2 / 5)
    low, high = result.interval
    assert low < result.chance < high


def test_only_a_network_reads_an_exclusive_or():
    groups = _groups(900, share=0.5)
    features = _noise(900, 8)
    side = np.random.default_rng(2).choice([-2.0, 2.0], size=900)
    features[:, 0] += side
    features[:, 1] += side * (1 - 2 * groups)
    linear = _probe(features, groups, kind="linear")
    assert linear.value == pytest.approx(0.5, abs=0.06)
    # Each coordinate is on its side with a chance of 0.977.
    assert _probe(features, groups, kind="mlp").value > 0.93


@each_kind
def test_what_tells_the_class_tells_no_more(kind):
    generator = np.random.default_rng(0)
    groups = np.repeat([0, 1], 500)
    # TV = 0.5: L(Y) = 0.75.
    classes = np.concatenate(
        [
            generator.choice(3, size=500, p=[0.6, 0.3, 0.1]),
            generator.choice(3, size=500, p=[0.1, 0.3, 0.6]),
        ]
    )
    features = np.hstack([10 * np.eye(3)[classes], np.zeros((1000, 2))])
    features += _noise(1000, 5)
    shares = [np.bincount(classes[groups == g]) / 500 for g in (0, 1)]
    leakage = 0.5 + np.abs(shares[0] - shares[1]).sum() / 4
    result = _probe(features, groups, kind=kind)
    assert result.value == pytest.approx(leakage, abs=0.03)
    given = _probe(features, groups, classes, kind=kind)
    low, high = given.interval
    assert low < 0.5 < high


@each_kind
def test_what_is_left_inside_a_class_is_found(kind):
    generator = np.random.default_rng(0)
    groups = _groups(1200)
    classes = np.where(groups, 0, generator.integers(2, size=1200))
    classes[::4] = 1 - classes[::4]
    features = _noise(1200, 4)
    features[:, 0] += 2 * groups
    result = _probe(features, groups, classes, kind=kind)
    best = statistics.NormalDist().cdf(1.0)
    assert result.value == pytest.approx(best, abs=0.04)
    assert result.counts.shape == (4,)


def test_choice_of_strength_gives_nothing_away():
    values = [
        _probe(_noise(120, 20, seed=seed), _groups(120, 0.5, seed)).value
        for seed in range(30)
    ]
    error = np.std(values) / np.sqrt(len(values))
    assert np.mean(values) == pytest.approx(0.5, abs=3 * error)


def test_strength_is_chosen_weak_where_it_has_to_be(monkeypatch):
    groups = _groups(300, share=0.5)
    features = _noise(300, 2)
    # Only the small difference of two columns tells: it takes large weights.
    features[:, 1] = features[:, 0] + 0.02 * features[:, 1] + 0.08 * groups
    chosen = _probe(features, groups).value
    assert chosen > 0.9
    strongest = max(1 / c for c in probes.STRENGTHS["linear"])
    monkeypatch.setitem(probes.STRENGTHS, "linear", (1 / strongest,))
    assert _probe(features, groups).value < chosen - 0.1


# === Which rows count ===


def test_rows_to_train_on_only_are_learned_from():
    groups = _groups(2000, share=0.5)
    features = _noise(2000, 30)
    features[:, :3] += 0.8 * groups[:, np.newaxis]
    few = np.arange(2000) < 90
    alone = _probe(features[few], groups[few])
    helped = _probe(features, groups, train_only=~few)
    assert helped.counts.tolist() == alone.counts.tolist()
    assert helped.value > alone.value


def test_rows_to_train_on_only_do_not_shift_the_balance():
    labelled = _groups(400, share=0.5)
    # Without labels there are nearly only men.
    groups = np.concatenate([labelled, _groups(4000, share=0.95)])
    features = _noise(4400, 1)
    features[:, 0] += 1.5 * groups
    others = {"train_only": np.arange(4400) >= 400}
    result = _probe(features, groups, **others)
    women, men = result.hits / result.counts
    assert women == pytest.approx(men, abs=0.12)
    # With one group only, they teach nothing and are left out.
    groups[400:] = 1
    result = _probe(features, groups, **others)
    expected = _probe(features[:400], labelled)
    np.testing.assert_array_equal(result.hits, expected.hits)


def test_what_lacks_group_class_or_another_group_does_not_count():
    groups, classes = _groups(300), _groups(300, seed=3)
    features = _noise(300, 2)
    result = _probe(
        np.concatenate([features, np.full((100, 2), 1e6)]),
        np.concatenate([groups, np.repeat([-1, 0, 1, 0], [20, 20, 50, 10])]),
        np.concatenate([classes, np.repeat([0, -1, 4], [20, 20, 60])]),
    )
    expected = _probe(features, groups, classes)
    np.testing.assert_array_equal(result.hits, expected.hits)
    assert result.counts.shape == (4,)
    assert result.count == 300


def test_same_seed_same_result():
    features, groups = _noise(200, 4), _groups(200)
    first = _probe(features, groups, kind="mlp")
    np.testing.assert_array_equal(
        first.hits, _probe(features, groups, kind="mlp").hits
    )
    others = [_probe(features, groups, seed=seed).value for seed in range(4)]
    assert len(set(others)) > 1


# === What is not supported, and what is wrong ===


@pytest.mark.parametrize(
    "groups",
    [np.zeros(100, int), np.full(100, -1), np.arange(100) // 81],
    ids=["one group", "none known", "too few men"],
)
def test_too_few_rows_have_no_value(groups):
    result = _probe(_noise(100, 2), groups)
    assert result.value is None
    assert result.interval == (None, None)
    assert result.count == (groups >= 0).sum()


def test_fewer_rows_than_folds_have_no_value():
    settings = FairnessSettings(min_count=1, probe_folds=10)
    groups = np.repeat([0, 1], [90, 9])
    assert _probe(_noise(99, 2), groups, settings=settings).value is None
    groups = np.repeat([0, 1], [90, 10])
    assert _probe(_noise(100, 2), groups, settings=settings).value is not None


@pytest.mark.parametrize("first, shift", [(8, 0), (25 / 3, 1 / 60)])
def test_interval_is_that_of_shares_about_the_mean_of_probes(first, shift):
    result = ProbeResult(np.array([first, 3.0]), np.array([10, 4]), 14, 0.5)
    assert result.value == pytest.approx((first / 10 + 0.75) / 2)
    low, high = intervals.mean_of_shares_interval([8, 3], [10, 4])
    assert result.interval == pytest.approx((low + shift, high + shift))
