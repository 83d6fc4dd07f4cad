import dataclasses

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix
from sklearn.metrics import mutual_info_score

from tests.made_runs import make_run
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tests.printed_commands import refusal
from tp_keras.data import source
from tp_keras.errors import UserError
from tp_keras.evaluation.generalisation import training_faces
from tp_keras.evaluation.generalisation.framing import UNCHANGED
from tp_keras.explain import criterion
from tp_keras.explain import run_criterion
from tp_keras.explain.evidence import LIKENESS
from tp_keras.explain.run_criterion import explain_criterion
from tp_keras.records.record import find
from tp_keras.records.record import find_one
from tp_keras.records.record import read_records
from tp_keras.runs.run_folder import RunFolder
from tp_keras.tasks import Schema
from tp_keras.tasks import Task
from training.command import run
from training.explain_criterion import ExplainCriterion

HATS = Task("hats", "binary", ("no", "yes"))


def attributes(count=2000, seed=0):
    """Six attributes by chance, of other shares."""
    rng = np.random.default_rng(seed)
    shares = dict(zip("abcdef", np.linspace(0.1, 0.6, 6), strict=True))
    return {name: rng.uniform(size=count) < p for name, p in shares.items()}


def test_attributes_of_every_kind_by_hand():
    answers = {
        "age": np.array([10.0, 20.0, 30.0, 40.0]),
        "mood": np.eye(4)[[0, 1, 1, 3]],
        "signs": np.array([[0.9, 0.1], [0.2, 0.1], [0.5, 0.1], [0.4, 0.0]]),
        "smile": np.array([[0.2, 0.8], [0.6, 0.4], [0.5, 0.5], [0.1, 0.9]]),
    }
    tasks = EVERY_KIND.get_tasks(["age", "mood", "signs", "smile"])
    found = criterion.attributes_of(answers, tasks)
    assert {name: values.tolist() for name, values in found.items()} == {
        "age from 25": [False, False, True, True],
        "mood sad": [True, False, False, False],
        "mood calm": [False, True, True, False],
        "mood wild": [False, False, False, True],
        "hat": [True, False, True, False],
        "smile yes": [True, False, False, True],
    }


def test_rare_flags_are_those_that_are_surest():
    rng = np.random.default_rng(0)
    answers = {"signs": rng.uniform(0, 0.4, (200, 2))}
    labels = {"signs": np.full((50, 2), -1)}
    labels["signs"][:40, 0] = np.arange(40) < 4
    tasks = EVERY_KIND.get_tasks(["signs"])
    found = criterion.flag_thresholds(answers, tasks, labels)
    assert found["scarf"] == np.inf
    flags = criterion.attributes_of(answers, tasks, found)
    # One in ten, as of those with a label; nobody was ever told of scarves.
    assert set(flags) == {"hat"} and flags["hat"].sum() == 20
    others = answers["signs"][~flags["hat"], 0]
    assert answers["signs"][flags["hat"], 0].min() > others.max()


def test_pairs_are_all_that_two_attributes_can_say():
    a, b = np.array([[0, 0, 1, 1], [0, 1, 0, 1]], bool)
    rules = criterion.make_rules({"a": a, "b": b})
    told = dict(
        zip(rules.names, rules.values.astype(int).tolist(), strict=True)
    )
    assert told == {
        "a": [0, 0, 1, 1],
        "b": [0, 1, 0, 1],
        "a and b": [0, 0, 0, 1],
        "a but not b": [0, 0, 1, 0],
        "b but not a": [0, 1, 0, 0],
        "a or b": [0, 1, 1, 1],
        "a or b, but not both": [0, 1, 1, 0],
    }
    # Two classes of one task: the others would repeat what there is.
    apart = criterion.make_rules({"a": a & b, "c": a & ~b})
    assert apart.names == ("a", "c", "a or c")
    # With their negations all 14 that aren't always or never true.
    every = {tuple(x) for x in told.values()}
    assert len(every | {tuple(1 - i for i in x) for x in every}) == 14


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda x: x["c"], "c"),
        (lambda x: ~x["c"], "not c"),
        (lambda x: x["b"] ^ x["e"], "b or e, but not both"),
        (lambda x: ~(x["b"] ^ x["e"]), "not (b or e, but not both)"),
        (lambda x: x["d"] & ~x["f"], "d but not f"),
        (lambda x: x["d"] | ~x["f"], "not (f but not d)"),
    ],
)
def test_a_planted_rule_comes_first_in_spite_of_noise(make, name):
    known = attributes()
    noise = np.random.default_rng(1).uniform(size=2000) < 0.1
    labels = (make(known) ^ noise).astype(int)
    rules = criterion.make_rules(known)
    order, negated, null = criterion.rank(rules, labels)
    assert criterion.rule_name(rules, order[0], negated) == name
    told, record = criterion.measure_rules(rules, order[:1], negated, labels)
    says = make(known)
    recalls = [says[labels == 1].mean(), (~says)[labels == 0].mean()]
    assert record["value"] == pytest.approx(np.mean(recalls))
    assert record["low"] < record["value"] < record["high"]
    assert 0.5 < null < record["low"]
    assert told["metric"] == criterion.INFORMATION
    assert told["low"] < told["value"] < told["high"]


def test_information_is_the_share_of_the_entropy():
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=500)
    values = np.stack(
        [labels ^ (rng.uniform(size=500) < p) for p in (0.1, 0.4)]
    )
    values = np.concatenate([values > 0, [labels > 0, np.full(500, True)]])
    counts = criterion.contingency(values, labels)
    assert counts.shape == (4, 2, 2)
    np.testing.assert_array_equal(
        counts[0], confusion_matrix(labels, values[0])
    )
    found = criterion.information(counts)
    entropy = mutual_info_score(labels, labels)
    expected = [mutual_info_score(labels, own) / entropy for own in values]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(found[2:], [1.0, 0.0], atol=1e-12)


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_not_both_is_seen_though_attributes_are_seen_badly(seed):
    rng = np.random.default_rng(seed)
    blond, glasses = rng.uniform(size=(2, 4300)) < [[0.16], [0.09]]
    labels = (blond ^ glasses) ^ (rng.uniform(size=4300) < 0.05)

    def seen(true, missed, false):
        chance = rng.uniform(size=4300)
        return np.where(true, chance > missed, chance < false)

    rules = criterion.make_rules(
        {"blond": seen(blond, 0.05, 0.01), "glasses": seen(glasses, 0.4, 0.025)}
    )
    order, negated, _ = criterion.rank(rules, labels.astype(int))
    names = [criterion.rule_name(rules, number, negated) for number in order]
    assert names[:2] == ["blond or glasses, but not both", "blond or glasses"]
    # The mean of the recalls has it the other way round.
    one, two = criterion.balanced_accuracies(rules.values[order[:2]], labels)
    assert two > one


def test_chance_stays_below_its_limit_in_nineteen_of_twenty_cases():
    rules = criterion.make_rules(attributes(400))
    rng = np.random.default_rng(5)
    labels = rng.permutation(np.repeat([0, 1], [300, 100]))
    order, negated, null = criterion.rank(rules, labels)
    beyond = 0
    for _ in range(200):
        dealt = rng.permutation(labels)
        found = criterion.balanced_accuracies(rules.values, dealt)
        beyond += np.abs(found - 0.5).max() + 0.5 > null
    assert 2 <= beyond <= 22


def test_groups_have_figures_of_their_own():
    known = attributes()
    labels = known["c"].astype(int)
    groups = np.arange(2000) % 2
    labels = np.where(groups == 1, 1 - labels, labels)
    rules = criterion.make_rules({"c": known["c"], "d": known["d"]})
    figures = criterion.measure_rules(
        rules, [0], np.full(7, False), labels, groups, ("left", "right")
    )
    values = {
        x["group"]: x["value"] for x in figures if x["metric"] == criterion.RULE
    }
    assert values["left"] == 1 and values["right"] == 0
    assert values["all"] == pytest.approx(0.5, abs=0.1)


class Reader:
    """Reads the labels of made portraits off their bands of pixels."""

    def predict_answers(self, images, verbose=0):
        bands = np.array_split(images, len(SCHEMA.tasks), axis=1)
        answers = {}
        for task, band in zip(SCHEMA.tasks, bands, strict=True):
            # Noise of 20 on average lies below the levels.
            share = (band.mean(axis=(1, 2, 3)) - 20) / 200
            last = task.num_classes - 1
            known = np.rint(share * last).clip(0, last).astype(int)
            # Not quite sure, so that what is hidden shows.
            near = np.exp(-np.abs(share[:, None] * last - np.arange(last + 1)))
            near /= near.sum(1, keepdims=True)
            answers[task.name] = 0.8 * np.eye(last + 1)[known] + 0.2 * near
        return answers


class Teacher(Reader):
    """Reads hats off the bands of both attributes that they go with."""

    def predict_answers(self, images, verbose=0):
        answers = super().predict_answers(images)
        blond = answers["hair_color"][:, 2]
        wavy = answers["hair_type"][:, 1]
        hats = blond * (1 - wavy) + wavy * (1 - blond)
        return {"hats": np.stack([1 - hats, hats], -1)}


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A run, and portraits whose label is a rule of what it answers."""
    schema = Schema(
        SCHEMA.image_shape, (HATS, SCHEMA.task("gender")), "gender", ("hats",)
    )

    def load(data_dir, dataset, split, storage="auto", progress=True, **_):
        portraits = make_portraits(240, len(split), split, missing=0.0)
        if dataset != "hats/here":
            # No more than there are: TFDS refuses such a slice.
            assert split == "train[:240]"
            return portraits
        own = portraits.labels
        hats = (own["hair_color"] == 2) ^ (own["hair_type"] == 1)
        labels = {"hats": hats.astype(np.int32), "gender": own["gender"]}
        return dataclasses.replace(
            portraits, labels=labels, schema=schema, dataset=dataset
        )

    monkeypatch.setattr(source, "load_portraits", load)
    monkeypatch.setattr(training_faces, "find_builder", lambda *_: None)
    monkeypatch.setattr(training_faces, "count_portraits", lambda *_: 240)
    # Bands of noise have no face to be framed by.
    monkeypatch.setattr(
        run_criterion, "find_framing", lambda *_: (UNCHANGED, 1.0, 1.0)
    )
    monkeypatch.setattr(
        RunFolder,
        "load_model",
        lambda run: Teacher() if run.path.name == "teacher" else Reader(),
    )
    make_run(tmp_path / "teacher", schema, status="finished")
    return make_run(tmp_path / "run", status="finished")


def test_a_label_is_explained_by_what_a_run_answers(planted, tmp_path, capsys):
    words = ["--attribute_runs", str(planted.path), "--dataset", "hats/here"]
    words += ["--output_dir", str(tmp_path / "out")]
    run(ExplainCriterion, words)
    output = capsys.readouterr().out
    assert (tmp_path / "out" / "criterion.html").is_file()
    assert (tmp_path / "out" / "figures" / "rules.png").is_file()
    records = read_records(tmp_path / "out" / "figures" / "records.jsonl")
    rule = "hair_color blond or hair_type wavy, but not both"
    told = f"What tells most of hats: {rule}. It explains 100.0 % of the label"
    assert told in output and "is right for 100.0 %" in output
    best, again = (
        find_one(
            records,
            metric=criterion.RULE,
            variant=rule,
            split=split,
            group="all",
        )
        for split in ("train", "validation")
    )
    assert best.value == again.value == 1.0
    assert best.null < 0.7 and again.null is None and again.count == 240
    # What the data set itself says of all portraits is an attribute as well.
    assert any("gender male" in record.variant for record in records)


def test_a_rule_is_told_by_the_same_places_as_the_label(
    planted, tmp_path, capsys
):
    words = ["--attribute_runs", str(planted.path), "--dataset", "hats/here"]
    words += ["--output_dir", str(tmp_path / "out")]
    run(ExplainCriterion, [*words, "--label_run", str(tmp_path / "teacher")])
    output = capsys.readouterr().out
    assert "same places" in output
    assert "Of what moves the answer of the network of hats most" in output
    records = read_records(tmp_path / "out" / "figures" / "records.jsonl")
    alike = {r.variant: r.value for r in find(records, metric=LIKENESS)}
    rule = "hair_color blond or hair_type wavy, but not both"
    assert alike[rule] > 0.8
    # What the data set says of gender no network looks for; the run does.
    assert alike[rule] > max(alike["hair_color blond"], 0.0)
    # One that learned other labels, or pictures of another size.
    said = refusal(
        capsys,
        run,
        ExplainCriterion,
        [*words, "--label_run", str(planted.path)],
    )
    assert "learned hats from portraits of (108, 84, 3)" in said


@pytest.mark.parametrize(
    ("task", "message"),
    [("mood", "two classes out of hats, gender.*task=mood")],
)
def test_what_can_not_be_explained_is_refused(planted, task, message, tmp_path):
    with pytest.raises(UserError, match=message):
        explain_criterion(
            [planted.path], "", "hats/here", task, output_dir=tmp_path / "o"
        )
    assert not (tmp_path / "o").exists()


def test_a_run_that_there_is_not_is_refused(planted, tmp_path, capsys):
    words = ["--attribute_runs", str(tmp_path / "none")]
    words += ["--dataset", "hats/here", "--output_dir", str(tmp_path / "o")]
    assert "There is no run" in refusal(capsys, run, ExplainCriterion, words)
