import dataclasses
import math

import numpy as np
import pytest

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.audit import label_issues_page
from tp_keras.audit.label_issues import error_rates
from tp_keras.audit.label_issues import find_issues
from tp_keras.audit.label_issues import measure_label_issues
from tp_keras.audit.label_issues import plant
from tp_keras.audit.looks import measure_looks
from tp_keras.audit.portrait_set import PortraitSet
from tp_keras.audit.questions import Question
from tp_keras.records.intervals import wilson_interval
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one

COUNT = 400


def question(labels, classes=("black", "brown")):
    return Question("hair_color", SCHEMA.task("hair_color"), labels, classes)


def measured(part, **labels):
    """Records and the rest of portraits with some labels replaced."""
    part = dataclasses.replace(part, labels=part.labels | labels)
    portraits = PortraitSet((part,))
    found = measure_label_issues(
        portraits=portraits, looks=measure_looks(portraits), title=None
    )
    records = [Record(**fields) for fields in found.records]
    return records, found, portraits


@pytest.fixture(scope="module")
def planted():
    """What is found of three kinds of labels, and the rows planted wrong."""
    part = make_portraits(COUNT, schema=EVERY_KIND, missing=0.1)
    generator = np.random.default_rng(5)
    mood, age = part.labels["mood"].copy(), part.labels["age"].copy()
    rows = generator.choice(np.flatnonzero(mood >= 0), 20, replace=False)
    mood[rows] = (mood[rows] + 2) % 4
    known = np.flatnonzero(np.isfinite(age))
    far = known[np.argsort(age[known])[:5]]
    age[far] = 100
    return rows, far, *measured(part, mood=mood, age=age)


def test_planted_wrong_classes_are_listed_and_little_else(planted):
    rows, _, _, found, portraits = planted
    listed = set(found.drawn["label_issues_mood"])
    hits = len(listed & set(rows))
    assert hits >= 16 and hits / len(listed) >= 0.7
    table = found.lists["label_issues_mood"]
    assert table.columns.tolist() == [
        *("split", "index", "label", "suggested", "score")
    ]
    assert set(table["index"]) == set(portraits.indices[list(listed)])
    assert (np.diff(table["score"]) >= 0).all()
    names = EVERY_KIND.task("mood").classes
    first = table.iloc[0]
    given = portraits.labels["mood"][found.drawn["label_issues_mood"][0]]
    assert first["label"] == names[given]
    assert first["suggested"] == names[(given + 2) % 4]


def test_numbers_far_from_what_the_picture_shows_are_listed(planted):
    _, far, _, found, _ = planted
    assert set(far) <= set(found.drawn["label_issues_age"])
    assert found.lists["label_issues_age"]["label"].iloc[0] == "100 years"


def test_the_estimate_is_that_of_what_was_planted(planted):
    rows, _, records, _, portraits = planted
    own = find_one(
        records, metric="label_error_rate", task="mood", class_name=None
    )
    true = len(rows) / (portraits.labels["mood"] >= 0).sum()
    assert own.low <= true <= own.high
    clean = find_one(
        records, metric="label_error_rate", task="smile", class_name=None
    )
    assert clean.low == 0.0


def test_labels_made_wrong_on_trial_are_found(planted):
    _, _, records, found, _ = planted
    for task, least in (("mood", 0.6), ("origin", 0.4), ("signs: hat", 0.3)):
        own = find_one(records, metric="planted_found", task=task)
        assert own.value > least
    assert set(found.lists) == {
        f"label_issues_{name}"
        for name in (
            "age",
            "mood",
            "origin",
            "signs_hat",
            "signs_scarf",
            "smile",
        )
    }


def test_the_page_shows_them_and_says_how_many(planted):
    _, _, records, found, portraits = planted
    section = label_issues_page.section(
        records, found.lists, found.drawn, portraits
    )
    shown = min(len(found.drawn["label_issues_mood"]), 20)
    assert f"mood: {shown} of" in section.text
    assert "signs hat: " not in section.text or "listed" in section.text
    (sentence,) = [s for s in section.sentences if s.startswith("mood: ")]
    assert "an estimated" in sentence and "planted on trial" in sentence
    assert section.summary.frame["label"].tolist()[:2] == ["age", "mood"]
    heavy, light = (
        max(
            one.weight
            for one in label_issues_page.peculiarities(
                find(records, task=task), portraits.schema
            )
        )
        for task in ("mood", "smile")
    )
    assert heavy > 0.2 > light


def test_the_surest_tenth_gives_the_error_rate():
    labels = np.array([0] * 60 + [1] * 40)
    certain = np.linspace(0.6, 0.99, 100)
    mean = np.stack([certain, 1 - certain], axis=1)
    mean[60:] = mean[60:, ::-1]
    # Of the 6 and 4 that are surest, one and none are labelled otherwise.
    labels[59], labels[10] = 1, 1
    whole, black, brown = error_rates(question(labels), mean)
    assert (whole["value"], whole["count"]) == (0.1, 10)
    assert (whole["low"], whole["high"]) == wilson_interval(1, 10)
    assert (black["class_name"], black["value"]) == ("black", 1 / 6)
    assert (brown["class_name"], brown["value"]) == ("brown", 0.0)


def test_what_one_repeat_does_not_list_is_not_listed():
    labels = np.arange(100) % 2
    right = np.eye(2)[labels] * 0.9 + 0.05
    doubted = right.copy()
    doubted[:6] = doubted[:6, ::-1]
    own = question(labels)
    both = find_issues(own, np.stack([doubted, doubted]))
    assert both.ranked.tolist() == [0, 1, 2, 3, 4, 5]
    assert both.suggested[:6].tolist() == (1 - labels[:6]).tolist()
    assert not find_issues(own, np.stack([doubted, right])).found[:6].all()


def test_no_more_are_listed_than_the_interval_says_are_wrong():
    labels = np.arange(200) % 2
    sure = np.where(np.arange(200) < 100, 0.95, 0.8)[:, None]
    mean = np.eye(2)[labels] * (2 * sure - 1) + 1 - sure
    mean[140:] = mean[140:, ::-1]
    own = question(labels)
    whole = next(error_rates(own, mean))
    # 20 are judged by, and none of them is wrong.
    assert (whole["value"], whole["count"]) == (0.0, 20)
    most = math.ceil(whole["high"] * 200)
    issues = find_issues(own, mean[None])
    assert issues.found.sum() == most < 60 and not issues.found[:140].any()


def test_planting_changes_a_share_and_nothing_else():
    labels = np.arange(2000) % 3 - 1
    names = ("black", "brown", "blond")
    own = question(labels, names)
    changed, rows = plant(own, seed=1, part=0.1)
    assert 90 < len(rows) < 180
    assert (changed.labels != labels).nonzero()[0].tolist() == rows.tolist()
    # The third class has no row: nothing is made one of it.
    assert set(changed.labels[rows]) == {0, 1}
    assert plant(own, seed=1, part=0.1)[1].tolist() == rows.tolist()


def test_what_has_no_support_is_said_and_breaks_nothing():
    part = make_portraits(60, missing=0)
    labels = np.full(60, 0, np.int32)
    labels[7] = 3  # A class of one row, and three of none.
    each = np.arange(60, dtype=np.int32) % 5
    records, found, portraits = measured(
        part,
        hair_color=labels,
        gender=np.full(60, -1, np.int32),
        hair_type=np.where(each < 3, each, 0).astype(np.int32),
    )
    for task, count in (("hair_color", 60), ("gender", 0)):
        own = find_one(records, task=task, metric="label_error_rate")
        assert own.value is None and own.count == count
    assert list(found.lists) == ["label_issues_hair_type"]
    section = label_issues_page.section(
        records, found.lists, found.drawn, portraits
    )
    assert any("gender can't be checked" in line for line in section.sentences)
    assert "not supported (n = 60)" in str(section.summary.frame)


def test_a_rare_class_has_no_figure_but_its_count():
    part = make_portraits(200, missing=0)
    labels = (np.arange(200) % 2).astype(np.int32)
    labels[:3] = 4
    records, _, _ = measured(part, hair_color=labels)
    own = find(records, task="hair_color", metric="label_error_rate")
    by_class = {record.class_name: record for record in own}
    assert by_class["bald"].value is None and by_class["bald"].count == 3
    assert by_class["black"].value is not None
