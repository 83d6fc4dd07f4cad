import dataclasses

import numpy as np
import pytest

from tp_keras import tasks
from tp_keras.errors import UserError
from tp_keras.fairness import leakage_probes
from tp_keras.fairness.leakage import measure_leakage
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records.record import Record

_TASK = tasks.HAIR_TYPE
_SETTINGS = FairnessSettings(
    min_count=20,
    num_bootstraps=200,
    num_permutations=200,
    probe_folds=3,
    probe_seeds=1,
)


class _Case:
    """Labels of 400 women and 300 men, every seventh missing."""

    def __init__(self):
        generator = np.random.default_rng(0)
        self.genders = np.repeat([0, 1], [400, 300])
        self.labels = np.concatenate(
            [
                generator.choice(3, size=400, p=[0.4, 0.6, 0.0]),
                generator.choice(3, size=300, p=[0.5, 0.2, 0.3]),
            ]
        )
        self.true = self.labels.copy()
        self.labels[::7] = tasks.MISSING
        self.noise = generator.normal(size=(700, 6))

    def probabilities(self, predictions):
        return np.eye(3)[predictions]

    def measure(self, layers, predictions=None, settings=_SETTINGS, **changes):
        if predictions is None:
            predictions = self.true
        arrays = {
            "labels": self.labels,
            "probabilities": self.probabilities(predictions),
            "genders": self.genders,
        } | changes
        return list(
            measure_leakage(
                _TASK, layers=layers, settings=settings, seed=0, **arrays
            )
        )


@pytest.fixture
def case():
    return _Case()


def _one(found, metric, variant=None):
    (fields,) = [
        fields
        for fields in found
        if fields["metric"] == metric and fields.get("variant") == variant
    ]
    return fields


def _broken(found):
    return [f["variant"] for f in found if f["metric"] == "broken_probe"]


def test_labels_and_predictions(case):
    predictions = case.true.copy()
    # Half of the men with wavy hair are called straight.
    wavy_men = np.flatnonzero((case.true == 1) & (case.genders == 1))
    predictions[wavy_men[::2]] = 0
    found = case.measure({}, predictions)
    has = case.labels >= 0

    def leakage(values):
        women, men = (
            np.bincount(values[has & (case.genders == gender)], minlength=3)
            / (has & (case.genders == gender)).sum()
            for gender in (0, 1)
        )
        return 0.5 + np.abs(women - men).sum() / 4

    of_labels, of_predictions = leakage(case.true), leakage(predictions)
    label = _one(found, "label_leakage")
    assert label["value"] == pytest.approx(of_labels)
    assert label["count"] == has.sum() == 600
    assert label["low"] < of_labels < label["high"]
    assert "null" not in label
    prediction = _one(found, "prediction_leakage")
    assert prediction["value"] == pytest.approx(of_predictions)
    assert prediction["null"] < of_predictions
    assert _one(found, "leakage_amplification")["value"] == pytest.approx(
        of_predictions - of_labels
    )
    assert _one(found, "leakage_band_high")["value"] == label["value"]
    men = has & (case.genders == 1)
    error = (predictions != case.true)[men].mean() / 2
    assert _one(found, "leakage_band_low")["value"] == pytest.approx(
        of_labels - error
    )
    # Bald women there are none: the mean of straight and wavy.
    conditional = _one(found, "conditional_prediction_leakage")
    wavy = men & (case.true == 1)
    share = (predictions == 0)[wavy].mean()
    assert conditional["value"] == pytest.approx((0.5 + 0.5 + share / 2) / 2)
    assert conditional["count"] == (has & (case.true < 2)).sum()
    assert conditional["null"] < conditional["value"]
    assert conditional["low"] < conditional["value"] < conditional["high"]


def test_odds_that_are_equal_leak_no_more_than_labels(case):
    found = case.measure({})
    conditional = _one(found, "conditional_prediction_leakage")
    assert conditional["value"] == 0.5
    assert _one(found, "leakage_amplification")["value"] == 0


def test_probes_of_layers(case):
    knows_all = case.noise + 5 * case.genders[:, np.newaxis]
    knows_class = np.hstack([10 * np.eye(3)[case.true], case.noise])
    found = case.measure(
        {"backbone": knows_all, "hair_type_embedding": knows_class}
    )
    band = _one(found, "leakage_band_high")["value"]
    for kind in ("linear", "mlp"):
        strong = _one(found, "gender_probe", f"{kind} backbone")
        assert strong["value"] > 0.98
        # Without a label a row is learned from and not tested on.
        assert strong["count"] == 600
        name = f"{kind} hair_type_embedding"
        probe = _one(found, "gender_probe", name)
        assert probe["value"] == pytest.approx(band, abs=0.03)
        given = _one(found, "conditional_gender_probe", name)
        # Not by the interval of one draw, which chance may leave.
        assert given["value"] == pytest.approx(0.5, abs=0.08)
        assert given["count"] == (case.labels[case.labels >= 0] < 2).sum()
        for metric in ("negative_control", "conditional_negative_control"):
            control = _one(found, metric, name)
            assert control["low"] < 0.5 < control["high"]
    controls = [f for f in found if "negative" in f["metric"]]
    assert len(controls) == 4
    assert not _broken(found)
    for fields in found:
        Record(task=_TASK.name, **fields)


def test_a_layer_that_cannot_be_read_is_below_the_band(case):
    found = case.measure({"backbone": case.noise, "logits": case.noise})
    assert _broken(found) == [
        "linear backbone, positive control below 0.9",
        "mlp backbone, positive control below 0.9",
        "linear logits, below the band",
        "mlp logits, below the band",
    ]
    low = _one(found, "leakage_band_low")["value"]
    broken = _one(found, "broken_probe", "linear logits, below the band")
    probe = _one(found, "gender_probe", "linear logits")
    assert broken["value"] == pytest.approx(low - probe["high"])
    assert broken["count"] == 600


def test_predictions_that_tell_nothing_have_no_lower_end(case):
    found = case.measure({"logits": case.noise}, np.zeros(700, int))
    assert _one(found, "leakage_band_low")["value"] == pytest.approx(0.5)
    assert not _broken(found)


def test_a_control_that_reads_shuffled_gender_is_broken(case, monkeypatch):
    monkeypatch.setattr(
        leakage_probes, "_shuffle", lambda genders, strata, generator: genders
    )
    layer = case.noise + case.genders[:, np.newaxis]
    assert _broken(case.measure({"logits": layer})) == [
        "linear logits, negative control off 0.5",
        "mlp logits, negative control off 0.5",
        "linear logits, negative control given the class off 0.5",
        "mlp logits, negative control given the class off 0.5",
    ]


def test_genders_are_shuffled_inside_the_strata():
    genders = np.tile([0, 1, 1], 100)
    strata = np.repeat([-1, 0, 2], 100)
    shuffled = leakage_probes._shuffle(
        genders, strata, np.random.default_rng(0)
    )
    for stratum in (-1, 0, 2):
        rows = strata == stratum
        assert shuffled[rows].sum() == genders[rows].sum()
        assert 20 < (shuffled[rows] != genders[rows]).sum() < 70


def test_unknown_genders_do_not_count(case):
    layers = {"logits": case.noise}
    genders = case.genders.copy()
    genders[::10] = tasks.MISSING
    rows = genders != tasks.MISSING
    found = case.measure(layers, genders=genders)
    assert found == case.measure(
        {"logits": case.noise[rows]},
        case.true[rows],
        labels=case.labels[rows],
        genders=genders[rows],
    )


def test_a_single_gender_is_not_supported(case):
    found = case.measure({"logits": case.noise}, genders=np.zeros(700, int))
    assert len(found) == 6 + 2 * 4
    assert {f["value"] for f in found} == {None}
    assert _one(found, "label_leakage")["count"] == 600
    assert _one(found, "gender_probe", "mlp logits")["count"] == 600


def test_no_label_is_not_supported(case):
    found = case.measure(
        {"logits": case.noise}, labels=np.full(700, tasks.MISSING)
    )
    assert {(f["value"], f["count"]) for f in found} == {(None, 0)}


def test_one_class_tells_nothing(case):
    nothing = np.zeros(700, int)
    # A control is the mean of several shuffles: one alone may be unlucky.
    settings = dataclasses.replace(_SETTINGS, probe_seeds=3)
    found = case.measure(
        {"logits": case.noise}, nothing, settings, labels=nothing
    )
    assert _one(found, "label_leakage")["value"] == 0.5
    assert _one(found, "leakage_band_low")["value"] == 0.5
    assert _one(found, "conditional_prediction_leakage")["value"] == 0.5
    assert not _broken(found)


def test_fewer_rows_than_folds_are_not_supported(case):
    rows = np.r_[0:8, 400:408]
    found = case.measure(
        {"logits": case.noise[rows]},
        case.true[rows],
        FairnessSettings(
            min_count=1, probe_folds=9, num_bootstraps=9, num_permutations=9
        ),
        labels=case.true[rows],
        genders=case.genders[rows],
    )
    for metric in ("gender_probe", "conditional_gender_probe"):
        assert _one(found, metric, "linear logits")["value"] is None
    assert _one(found, "label_leakage")["value"] is not None


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"labels": np.zeros(9, int)}, r"integer labels for 700.*\(9,\)"),
        ({"labels": np.zeros(700)}, "integer labels.*float64"),
        ({"labels": np.full(700, 3)}, r"labels within -1\.\.2. Received: 3"),
        ({"genders": np.full(700, 2)}, r"genders within -1\.\.1. Received: 2"),
        ({"probabilities": np.zeros((700, 5))}, r"Received: shape \(700, 5\)"),
        (
            {"probabilities": np.full((700, 3), np.nan)},
            "in probabilities. Received: NaN or infinity in 700 of 700",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_refused(case, changes, message):
    with pytest.raises(UserError, match=message):
        case.measure({"logits": case.noise}, **changes)


def test_layers_that_do_not_fit_are_refused(case):
    with pytest.raises(UserError, match=r"layer logits.*Received: shape \(6,"):
        case.measure({"logits": case.noise.T})
    case.noise[3] = np.nan
    with pytest.raises(UserError, match="in logits. Received: NaN.*in 1 of"):
        case.measure({"logits": case.noise})
