import dataclasses
import re
import types

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import r2_score

from tests.made_runs import make_run
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tests.printed_commands import refusal
from tp_keras.config import ExperimentConfig
from tp_keras.data import source
from tp_keras.errors import UserError
from tp_keras.ranking import auxiliary
from tp_keras.ranking import retold
from tp_keras.ranking import targets
from tp_keras.records.record import Record
from tp_keras.records.record import find_one
from tp_keras.runs.run_folder import RunFolder
from training.command import run
from training.compare_targets import CompareTargets
from training.configs import EXPERIMENTS

PORTRAITS = make_portraits(60, schema=EVERY_KIND)


def with_labels(**labels):
    return dataclasses.replace(PORTRAITS, labels=PORTRAITS.labels | labels)


def test_a_number_becomes_the_class_that_it_lies_in():
    ages = np.full(60, np.nan, np.float32)
    ages[:5] = [10, 20, 20.5, 40, 99]
    found = retold.number_as_classes(
        with_labels(age=ages), "age", np.array([20.0, 40.0])
    )
    task = found.schema.task("age")
    assert task.classes == ("up to 20", "up to 40", "above 40")
    assert found.labels["age"].tolist() == [0, 0, 1, 1, 2] + [-1] * 55
    assert found.labels["age"].dtype == np.int32
    # All else is as it was, its place and its role as well.
    assert found.schema.task_names == EVERY_KIND.task_names
    assert found.schema.guarded == EVERY_KIND.guarded
    assert found.images is PORTRAITS.images
    with pytest.raises(UserError, match="task of numbers.*mood, ordinal"):
        retold.number_as_classes(PORTRAITS, "mood", np.array([1.0]))


def test_classes_become_flags_one_of_which_is_set():
    moods = np.full(60, -1, np.int32)
    moods[:3] = [0, 3, 1]
    found = retold.classes_as_flags(with_labels(mood=moods), ["mood", "smile"])
    assert found.labels["mood"][:4].tolist() == [
        [1, 0, 0, 0],
        [0, 0, 0, 1],
        [0, 1, 0, 0],
        [-1, -1, -1, -1],
    ]
    task = found.schema.task("mood")
    assert task.kind == "multi_label" and task.classes[3] == "wild"
    # A generator can't be told flags.
    assert found.schema.conditions == ("origin",)
    assert found.schema.protected == "origin"
    assert (
        retold.classes_as_flags(PORTRAITS, ["origin"]).schema.protected is None
    )
    with pytest.raises(UserError, match="with classes.*age, regression"):
        retold.classes_as_flags(PORTRAITS, ["age"])


def figures(ways, labels, base="one"):
    return [
        Record(task="age", **fields)
        for fields in targets.of_number(ways, labels, base)
    ]


def test_figures_of_a_number_are_those_of_the_libraries():
    rng = np.random.default_rng(0)
    labels = rng.normal(size=300)
    labels[::10] = np.nan
    known = ~np.isnan(labels)
    one = labels + rng.normal(size=(2, 300))
    two = labels + 0.5 * rng.normal(size=(2, 300))
    records = figures({"one": one, "two": two}, labels)
    value = {}
    for name, answers in (("one", one), ("two", two)):
        found = find_one(records, metric=targets.R2, variant=name)
        value[name] = np.mean(
            [r2_score(labels[known], row[known]) for row in answers]
        )
        assert found.value == pytest.approx(value[name])
        assert found.count == 270
        order = find_one(records, metric=targets.SPEARMAN, variant=name)
        assert order.value == pytest.approx(
            np.mean(
                [stats.spearmanr(r[known], labels[known])[0] for r in answers]
            )
        )
    gain = find_one(records, metric=targets.R2_DIFFERENCE)
    assert gain.value == pytest.approx(value["two"] - value["one"])
    assert 0 < gain.low < gain.value < gain.high
    # Of pairs it is known better than of two by themselves.
    spans = [r.high - r.low for r in records if r.metric == targets.R2]
    assert gain.high - gain.low < sum(spans)
    same = figures({"one": one, "two": one}, labels)
    gain = find_one(same, metric=targets.R2_DIFFERENCE)
    assert (gain.value, gain.low, gain.high) == (0, 0, 0)


def test_intervals_are_about_as_wide_as_the_figures_vary():
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(300):
        labels = rng.normal(size=200)
        records = figures(
            {"one": labels[None] + rng.normal(size=(1, 200))}, labels
        )
        drawn.append(find_one(records, metric=targets.R2))
        if len(drawn) > 1:
            continue
    spread = np.std([record.value for record in drawn])
    assert (drawn[0].high - drawn[0].low) / 3.92 == pytest.approx(
        spread, rel=0.3
    )


class Memory:
    """A network that says 1 of what it was trained on, and 0 of all else."""

    def __init__(self, portraits):
        self.known = {image.tobytes() for image in portraits.images}

    def load_model(self):
        return self

    def predict_answers(self, images, verbose):
        said = [float(image.tobytes() in self.known) for image in images]
        return {
            "age": np.array(said, np.float32),
            "mood": np.eye(4)[[0]].repeat(len(images), 0),
            "embedding": np.ones((len(images), 2)),
        }


def test_answers_out_of_fold_are_of_networks_that_lack_the_portrait():
    networks = types.SimpleNamespace(
        portraits={"train": PORTRAITS},
        run=lambda name, seed, portraits: Memory(portraits["train"]),
    )
    found = auxiliary._out_of_fold(networks, 0)
    np.testing.assert_array_equal(found["age"], 0)
    assert found["mood"].shape == (60, 4)
    whole = Memory(PORTRAITS).predict_answers(PORTRAITS.images, 0)
    np.testing.assert_array_equal(whole["age"], 1)
    # Of the embedding nothing is learned.
    assert auxiliary._all_of(found).shape == (60, 5)


def test_true_attributes_are_columns_with_gaps():
    columns = auxiliary._true(PORTRAITS, "age")
    # Four moods, three origins, two signs, and a smile or none.
    assert columns.shape == (60, 4 + 3 + 2 + 2)
    moods = PORTRAITS.labels["mood"]
    assert np.isnan(columns[moods < 0, :4]).all()
    np.testing.assert_array_equal(
        columns[moods >= 0, :4], np.eye(4)[moods[moods >= 0]]
    )
    signs = PORTRAITS.labels["signs"]
    np.testing.assert_array_equal(np.isnan(columns[:, 7:9]), signs < 0)


MANY = make_portraits(120, schema=EVERY_KIND, missing=0)
MANY = dataclasses.replace(
    MANY,
    labels=MANY.labels
    | {
        "age": np.repeat([10, 50, 90], 40).astype(np.float32),
        "mood": np.tile(np.arange(4, dtype=np.int32), 30),
    },
)


def answering(**ways):
    """Networks that have said something of the test portraits already."""
    return types.SimpleNamespace(
        portraits={"test": MANY},
        number="age",
        edges=np.array([30.0, 60.0]),
        exclusive=("mood",),
        answers=lambda name: ways[name.replace(" ", "_")],
    )


def test_one_network_against_one_each():
    nothing = {"age": np.full((1, 120), 50.0)}
    nothing |= {
        task.name: np.eye(task.num_classes)[np.zeros((1, 120), int)]
        for task in EVERY_KIND.tasks
        if task.has_classes
    }
    knowing = nothing | {
        "age": MANY.labels["age"][None],
        "mood": np.eye(4)[MANY.labels["mood"]][None],
    }
    networks = answering(
        together=knowing, number_alone=nothing, rest_alone=nothing
    )
    records = [Record(**own) for own in targets.ask_together(networks)]
    gain = find_one(records, metric=targets.R2_DIFFERENCE, task="age")
    assert gain.variant == targets.TOGETHER and gain.low > 0.9
    score = find_one(records, metric=targets.R2, variant=targets.TOGETHER)
    assert score.value == pytest.approx(1.0)
    # Four classes, one of which is always told.
    gains = {
        own.task: own.value
        for own in records
        if own.metric == "balanced_accuracy_difference"
    }
    assert gains["origin"] == gains["smile"] == 0
    assert gains["mood"] == pytest.approx(0.75)


def test_a_number_is_cut_where_its_classes_are():
    said = np.full((1, 120), 60.0)
    said[0, :40] = 30.0
    flags = np.zeros((1, 120, 3))
    flags[0, :, 1] = 1.0
    networks = answering(together={"age": said}, as_classes={"age": flags})
    records = [Record(**own) for own in targets.ask_classes(networks)]
    for way, value in ((targets.CUT, 2 / 3), (targets.CLASSES, 1 / 3)):
        found = find_one(records, metric="balanced_accuracy", variant=way)
        assert found.value == pytest.approx(value)


class Untrained:
    """In place of `Trainer`, which has tests of its own: nothing is learned."""

    def __init__(self, config, progress, portraits):
        self.run = RunFolder(config.run_dir)
        self.config = config
        self.schema = portraits["train"].schema

    def fit(self):
        tasks = self.config.model.tasks
        return make_run(self.run.path, self.schema, tasks, status="finished")


def test_all_questions_are_asked(tmp_path, monkeypatch, capsys):
    def load(data_dir, dataset, split, storage, progress):
        seed = ("train", "validation", "test").index(split)
        return make_portraits(96, seed=seed, split=split, schema=EVERY_KIND)

    monkeypatch.setattr(source, "load_portraits", load)
    monkeypatch.setattr(targets, "Trainer", Untrained)
    monkeypatch.setitem(EXPERIMENTS, "demo", ("", ExperimentConfig()))
    words = ["--task", "age", "--experiment", "demo", "--epochs", "1"]
    words += ["--seeds", "0", "--output_dir", str(tmp_path / "o")]
    run(CompareTargets, words)
    said = capsys.readouterr()
    trained = re.findall(r"^Trains: (.*), seed 0$", said.out + said.err, re.M)
    # Each network once, whichever questions it answers.
    assert trained[:4] == ["together", "number alone", "rest alone", "as flags"]
    assert trained[4:] == ["as classes", *(f"fold {k}" for k in range(4))]
    for way in (auxiliary.IN_FOLD, auxiliary.OUT_OF_FOLD, "believed R2"):
        assert way in said.out
    assert re.search(
        "age: picture and true attributes is .* than picture alone", said.out
    )
    # A class that is one of two is a flag already.
    exclusive = said.out.split("Classes that exclude")[1].split("\n\n")[1]
    assert set(re.findall(r"^\| (\w+) ", exclusive, re.M)) == {
        "task",
        "mood",
        "origin",
    }
    assert re.search(r"^mood: softmax is .* than as flags\.$", said.out, re.M)
    assert (tmp_path / "o" / "targets.html").is_file()
    assert f"Page: {tmp_path / 'o'}/targets.html" in said.out
    # A second time nothing is trained.
    monkeypatch.setattr(Untrained, "fit", lambda trainer: trainer.run)
    run(CompareTargets, words)
    again = capsys.readouterr().out
    assert "Trains" not in again and said.out.endswith(again)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--questions", "why"], "out of together, .*questions=why"),
        (["--experiment", "none"], "experiment=none"),
        (["--classes", "1"], "classes=1"),
    ],
)
def test_what_can_not_be_asked_is_refused(words, expected, capsys):
    said = refusal(capsys, run, CompareTargets, ["--task", "age", *words])
    assert re.search(expected, said, re.DOTALL), said


@pytest.mark.parametrize(
    ("number", "seeds"), [("mood", (0,)), ("age", ())], ids=["class", "seeds"]
)
def test_a_task_of_classes_or_no_seed_is_refused(number, seeds, tmp_path):
    with pytest.raises(UserError, match="task of numbers, and one or more"):
        targets.Networks(
            ExperimentConfig(), {"train": PORTRAITS}, number, seeds, tmp_path
        )
