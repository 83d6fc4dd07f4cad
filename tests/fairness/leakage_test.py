import dataclasses
import itertools

import numpy as np
import pytest

from tests.portrait_factory import AGE
from tests.portrait_factory import GENDER
from tests.portrait_factory import HAIR_TYPE
from tests.portrait_factory import ORIGIN
from tests.portrait_factory import SIGNS
from tp_keras.fairness.group_counts import GroupAnswers
from tp_keras.fairness.leakage import label_leakage
from tp_keras.fairness.leakage import lower_band
from tp_keras.fairness.leakage import measure_leakage
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records.record import Record

_SETTINGS = FairnessSettings(
    min_count=20,
    num_bootstraps=200,
    num_permutations=20,
    probe_folds=3,
    probe_seeds=1,
)


# === The band ===


def test_the_band_by_hand():
    # Of ten women 8 are of class 0, of ten men 4: L(Y) = (0.8 + 0.6) / 2.
    outcomes = np.array([[[7, 1], [1, 1]], [[3, 1], [1, 5]]])
    assert label_leakage(outcomes) == pytest.approx(0.7)
    # Accuracies 0.8 and 0.8: 0.7 - 0.2 is chance.
    assert lower_band(outcomes) == pytest.approx(0.5)
    outcomes[1] = [[4, 0], [0, 6]]
    assert lower_band(outcomes) == pytest.approx(0.6)
    three = np.append(outcomes, [[[0, 0], [0, 10]]], 0)
    # The best guess: the first group, or the third.
    assert label_leakage(three) == pytest.approx((0.8 + 1) / 3)
    assert lower_band(three) == pytest.approx(1.8 / 3 - 0.2 / 3)
    # Who predicts all labels can't know less of the group than they tell.
    outcomes = np.stack([np.diag(row) for row in ([5, 3, 2], [1, 1, 8])])
    assert label_leakage(outcomes) == lower_band(outcomes)


@pytest.mark.parametrize("num_groups", [2, 3])
def test_leakage_is_that_of_the_best_guess(num_groups):
    generator = np.random.default_rng(0)
    outcomes = generator.integers(1, 30, size=(num_groups, 4, 4))
    rates = outcomes.sum(-1) / outcomes.sum((-2, -1))[:, np.newaxis]
    best = max(
        sum(rates[group, label] for label, group in enumerate(guess))
        for guess in itertools.product(range(num_groups), repeat=4)
    )
    assert label_leakage(outcomes) == pytest.approx(best / num_groups)


@pytest.mark.parametrize("num_groups", [2, 3])
def test_no_answers_tell_less_than_the_lower_end(num_groups):
    generator = np.random.default_rng(0)
    size = 20_000, num_groups
    rates = generator.dirichlet([0.3] * 9, size=size).reshape(*size, 3, 3)
    # Most of them on the diagonal, as those of a network that learned.
    right = generator.dirichlet([0.5] * 3, size=size)
    share = generator.uniform(size=(size[0], 1, 1, 1))
    tables = share * rates
    tables += (1 - share) * right[..., np.newaxis] * np.eye(3)
    # What the answers tell is the label leakage of the transposed table.
    slack = label_leakage(np.swapaxes(tables, -1, -2)) - lower_band(tables)
    assert slack.min() > -1e-12
    # The bound is close: there are tables that nearly reach it.
    above_chance = lower_band(tables) > 1 / num_groups + 0.05
    assert above_chance.sum() > 1000
    assert slack[above_chance].min() < 0.01


# === Probes ===

_GROUPS = np.repeat([0, 1], [400, 300])
_GENERATOR = np.random.default_rng(0)
# Of 400 women and 300 men.
_TRUE = np.concatenate(
    [
        _GENERATOR.choice(3, size=400, p=[0.4, 0.6, 0.0]),
        _GENERATOR.choice(3, size=300, p=[0.5, 0.2, 0.3]),
    ]
)
_LABELS = np.where(np.arange(700) % 7, _TRUE, -1)
_NOISE = _GENERATOR.normal(size=(700, 6))
_NOTHING = np.zeros(700, int)


def _measure(layers, *, head_accuracy=None, **changes):
    """Measures right answers, of which some may be changed."""
    answers = GroupAnswers(HAIR_TYPE, _LABELS, _TRUE, _GROUPS, GENDER)
    answers = dataclasses.replace(answers, **changes)
    return list(measure_leakage(answers, layers, _SETTINGS, 0, head_accuracy))


def _one(found, metric, variant=None):
    (fields,) = [
        fields
        for fields in found
        if fields["metric"] == metric and fields.get("variant") == variant
    ]
    return fields


def _broken(found):
    return [f["variant"] for f in found if f["metric"] == "broken_probe"]


def test_the_band_of_answers():
    predictions = _TRUE.copy()
    # Half of the men with wavy hair are called straight.
    wavy_men = np.flatnonzero((_TRUE == 1) & (_GROUPS == 1))
    predictions[wavy_men[::2]] = 0
    found = _measure({}, predictions=predictions)
    women, men = ((_LABELS >= 0) & (group == _GROUPS) for group in (0, 1))
    shares = [
        np.bincount(_TRUE[own], minlength=3) / own.sum() for own in (women, men)
    ]
    expected = 0.5 + np.abs(np.subtract(*shares)).sum() / 4
    high = _one(found, "leakage_band_high")
    assert high["value"] == pytest.approx(expected)
    assert high["count"] == 600
    assert high["low"] < expected < high["high"]
    error = (predictions != _TRUE)[men].mean() / 2
    low = _one(found, "leakage_band_low")
    assert low["value"] == pytest.approx(expected - error)


def test_probes_of_layers():
    knows_all = _NOISE + 5 * _GROUPS[:, np.newaxis]
    knows_class = np.hstack([10 * np.eye(3)[_TRUE], _NOISE])
    found = _measure(
        {"backbone": knows_all, "hair_type_embedding": knows_class},
        head_accuracy=1.0,
    )
    band = _one(found, "leakage_band_high")["value"]
    for kind in ("linear", "mlp"):
        strong = _one(found, "group_probe", f"{kind} backbone")
        assert strong["value"] > 0.98
        # Without a label a row is learned from and not tested on.
        assert (strong["count"], strong["null"]) == (600, 0.5)
        name = f"{kind} hair_type_embedding"
        probe = _one(found, "group_probe", name)
        assert probe["value"] == pytest.approx(band, abs=0.03)
        given = _one(found, "conditional_group_probe", name)
        # Not by the interval of one draw, which chance may leave.
        assert given["value"] == pytest.approx(0.5, abs=0.08)
        assert given["count"] == (_LABELS[_LABELS >= 0] < 2).sum()
    assert not _broken(found)
    for fields in found:
        Record(task="hair_type", **fields)


def test_three_groups_and_numbers():
    groups = np.arange(700) % 3
    ages = (20 + 25 * groups + _NOISE[:, 0]).astype(np.float32)
    found = _measure(
        {"backbone": _NOISE, "age_embedding": ages[:, np.newaxis]},
        **{"task": AGE, "labels": ages, "predictions": ages},
        **{"groups": groups, "protected": ORIGIN},
    )
    # Each group has ages of its own.
    assert _one(found, "leakage_band_high")["value"] == 1
    assert _one(found, "leakage_band_low")["value"] == 1
    probe = _one(found, "group_probe", "mlp age_embedding")
    assert probe["value"] > 0.98
    assert probe["null"] == pytest.approx(1 / 3)
    # So there is no range with two of them to tell apart.
    given = _one(found, "conditional_group_probe", "mlp age_embedding")
    assert (given["value"], given["null"]) == (None, None)
    # The layer whose probe finds less than the answers tell is the backbone.
    assert not _broken(found)
    assert len(found) == 2 + 2 * 4


def test_flags_have_no_band():
    flags = np.stack([_GROUPS, _TRUE > 0], 1).astype(np.int32)
    answers = {"task": SIGNS, "labels": flags, "predictions": flags}
    found = _measure({"answer": flags.astype(float)}, **answers)
    metrics = [fields["metric"] for fields in found]
    assert metrics == [*["group_probe"] * 2, *["conditional_group_probe"] * 2]
    assert {f["value"] for f in found} == {1.0}


def test_a_layer_that_cannot_be_read_is_below_the_band():
    layers = {"backbone": _NOISE, "answer": _NOISE}
    found = _measure(layers, head_accuracy=0.7)
    low = _one(found, "leakage_band_low")["value"]
    broken = [f for f in found if f["metric"] == "broken_probe"]
    head = "positive control below the protected head"
    expected = [
        (f"linear backbone, {head}", 0.65, "linear backbone"),
        (f"mlp backbone, {head}", 0.65, "mlp backbone"),
        ("linear answer, below the band", low, "linear answer"),
        ("mlp answer, below the band", low, "mlp answer"),
    ]
    for fields, (variant, least, name) in zip(broken, expected, strict=True):
        probe = _one(found, "group_probe", name)
        assert fields["variant"] == variant
        assert fields["value"] == pytest.approx(least - probe["high"])
        assert fields["count"] == 600


@pytest.mark.parametrize("accuracy", [None, 0.55])
def test_a_head_that_finds_little_asks_for_little(accuracy):
    layers, answers = {"backbone": _NOISE}, {"predictions": _NOTHING}
    found = _measure(layers, head_accuracy=accuracy, **answers)
    assert _one(found, "leakage_band_low")["value"] == pytest.approx(0.5)
    assert not _broken(found)


def test_unknown_groups_do_not_count():
    rows = np.arange(700) % 10 > 0
    found = _measure({"answer": _NOISE}, groups=np.where(rows, _GROUPS, -1))
    known = {"labels": _LABELS[rows], "groups": _GROUPS[rows]}
    layers = {"answer": _NOISE[rows]}
    assert found == _measure(layers, predictions=_TRUE[rows], **known)


def test_a_single_group_is_not_supported():
    found = _measure({"answer": _NOISE}, groups=_NOTHING)
    assert len(found) == 2 + 4
    assert {(f["value"], f["null"]) for f in found[2:]} == {(None, None)}
    assert _one(found, "leakage_band_high")["count"] == 600
    assert _one(found, "group_probe", "mlp answer")["count"] == 600


def test_one_class_tells_nothing():
    answers = {"labels": _NOTHING, "predictions": _NOTHING}
    found = _measure({"answer": _NOISE}, **answers)
    assert _one(found, "leakage_band_high")["value"] == 0.5
    assert _one(found, "leakage_band_low")["value"] == 0.5
    assert not _broken(found)
