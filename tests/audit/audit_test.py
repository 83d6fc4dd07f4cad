import dataclasses
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from tests import made_runs
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tests.printed_commands import refusal
from tp_keras.audit import audit
from tp_keras.audit.check import Measured
from tp_keras.audit.portrait_set import PortraitSet
from tp_keras.data.portraits import compute_fingerprint
from tp_keras.errors import UserError
from tp_keras.records import report
from tp_keras.records.record import find
from tp_keras.records.record import read_records
from training import command
from training.audit import Audit

DATASET = "tiny_portraits/synthetic_tiny"


@pytest.fixture
def audited(tmp_path, monkeypatch):
    """A function that audits portraits in memory: sentences and the page."""

    def run(portraits, **options):
        monkeypatch.setattr(
            audit, "load_portrait_set", lambda *arguments: portraits
        )
        folder = tmp_path / "audit"
        sentences, page = audit.run_audit("data", "made", folder, **options)
        assert page == folder / "audit.html"
        return sentences, page.read_text()

    return run


def made(count=120, schema=SCHEMA, splits=("train", "test"), **options):
    return PortraitSet(
        tuple(
            make_portraits(
                count // (place + 1),
                seed=place,
                split=split,
                schema=schema,
                **options,
            )
            for place, split in enumerate(splits)
        )
    )


def changed(part, images=None, **labels):
    """Portraits with other pixels or labels."""
    images = part.images if images is None else images
    labels = part.labels | labels
    return dataclasses.replace(
        part,
        images=images,
        labels=labels,
        fingerprint=compute_fingerprint(images, labels, part.indices),
    )


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def whole(tiny_data_dir, tmp_path_factory):
    """The folder of a whole audit of a prepared data set."""
    folder = tmp_path_factory.mktemp("whole") / "audit"
    command.run(
        Audit,
        [
            *("--data_dir", str(tiny_data_dir), "--dataset", DATASET),
            *("--output_dir", str(folder)),
        ],
    )
    return folder


def test_the_command_writes_a_page_that_begins_with_what_is_peculiar(whole):
    page = (whole / "audit.html").read_text()
    assert "http" not in page and "<script" not in page
    titles = [
        *("What is peculiar", "Balance", "Near duplicates", "Outliers"),
        *("Label issues", "Spurious cues", "Pictures of the classes"),
        *("How it is made", "Limits"),
    ]
    places = [page.index(f">{title}</h2>") for title in titles]
    assert places == sorted(places)
    assert "gender goes with" in page.split("<h2")[1]
    records = read_records(whole / report.RECORDS_NAME)
    assert find(records, metric="cramers_v", split=None)
    assert {one.seed for one in records} == {0}
    facts = json.loads((whole / report.MEASURED_NAME).read_text())
    assert facts["splits"].keys() == {"train", "validation", "test"}
    assert sum(facts["splits"].values()) == facts["portraits"]
    assert facts["checks"] == [*audit.CHECKS]
    assert {"near_duplicates.csv", "outliers.csv"} <= set(names(whole))


def test_the_command_tells_sentences_and_the_page(
    tiny_data_dir, tmp_path, capsys
):
    folder = tmp_path / "audit"
    words = ["--data_dir", str(tiny_data_dir), "--dataset", DATASET]
    words += ["--checks", "balance", "--splits", "test", "train[:100]"]
    for _ in range(2):
        command.run(Audit, [*words, "--output_dir", str(folder)])
        said = capsys.readouterr().out
        assert "What is peculiar:\n\n* " in said
        assert f"The page: {folder / 'audit.html'}\n" in said
    assert names(tmp_path) == ["audit"]
    facts = json.loads((folder / report.MEASURED_NAME).read_text())
    assert facts["checks"] == ["balance"]
    assert [*facts["splits"]] == ["test", "train[:100]"]


def test_a_check_is_given_what_it_names_and_earlier_ones_have_drawn(
    monkeypatch,
):
    def first(portraits, seed):
        return Measured([], drawn={"clusters": np.arange(3) + seed})

    def second(clusters=None, seed=0, run_dir=None):
        return Measured([], drawn={"given": (clusters.tolist(), seed, run_dir)})

    checks = {"a": (first, None), "b": (second, None)}
    monkeypatch.setattr(audit, "CHECKS", checks)
    found, seconds = audit.measure_checks(["a", "b"], made(4), 2, run_dir="r")
    assert found["b"].drawn["given"] == ([2, 3, 4], 2, "r")
    assert [*seconds] == ["a", "b"]  # Nobody asked for looks.


def test_the_same_seed_gives_the_same_figures(audited, tmp_path):
    files = []
    for _ in range(2):
        audited(made(), seed=3)
        folder = tmp_path / "audit"
        files.append(
            {
                path.name: path.read_bytes()
                for path in folder.iterdir()
                if path.suffix in (".jsonl", ".csv", ".md")
            }
        )
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--dataset tiny_portraits/synthetik", "training.build_dataset"),
        ("--splits nowhere", "Received: split=nowhere"),
        ("--splits test[:0]", "without a single portrait"),
        ("--splits test test", "Expected splits that differ"),
        ("--checks colours", "Received: checks=colours"),
        ("--run_dir nowhere", "There is no run"),
    ],
)
def test_what_is_not_there_is_told_in_a_sentence(
    words, message, tiny_data_dir, tmp_path, capsys
):
    given = f"--data_dir {tiny_data_dir} --output_dir {tmp_path / 'audit'}"
    if "--dataset" not in words:
        given += f" --dataset {DATASET}"
    said = refusal(capsys, command.run, Audit, f"{given} {words}".split())
    assert message in said and said.startswith("error: ")
    assert names(tmp_path) == []


def test_a_run_of_other_classes_is_refused(audited, tmp_path):
    moods = dataclasses.replace(SCHEMA.tasks[1], classes=("dark", "light"))
    schema = dataclasses.replace(
        SCHEMA, tasks=(SCHEMA.tasks[0], moods), guarded=(), conditions=()
    )
    run = made_runs.make_run(tmp_path / "run", schema=schema)
    with pytest.raises(UserError, match="labels of hair_color that are"):
        audited(made(), run_dir=run.path)
    with pytest.raises(UserError, match="holds no such run as"):
        audited(made(), generator_run=run.path)
    assert names(tmp_path) == ["run"]


def test_no_folder_but_that_of_an_audit_is_replaced(audited, tmp_path):
    folder = tmp_path / "audit"
    folder.mkdir()
    (folder / "thesis.txt").touch()
    with pytest.raises(UserError, match="earlier report, as what is in it is"):
        audited(None)  # Told before anything is read.
    assert names(folder) == ["thesis.txt"]
    (folder / "thesis.txt").unlink()
    audited(made(), checks=["balance"])
    (folder / "left over").touch()
    audited(made(), checks=["balance"])
    assert "left over" not in names(folder)


def test_an_interrupted_audit_leaves_what_was_there(
    audited, tmp_path, monkeypatch
):
    audited(made(), checks=["balance"])
    before = (tmp_path / "audit" / "audit.html").read_bytes()

    def interrupt(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(report, "make_page", interrupt)
        audited(made(80), checks=["balance"])
    assert names(tmp_path) == ["audit"]
    assert (tmp_path / "audit" / "audit.html").read_bytes() == before


# Killed where an audit writes: what is measured before is in memory alone.
_KILLED = """
import os, pathlib, signal, sys
from tp_keras.records import report
from tp_keras.records.page_parts import Report
folder = pathlib.Path(sys.argv[1])
report.make_page = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
report.read_records = lambda path: [report.Record("n", "a", "all", 1.0, 1)]
made = lambda records: Report("Audit", [], False)
report.write_report(folder, folder / "audit.html", [], made, {})
"""


def test_after_a_killed_audit_the_next_starts_over(audited, tmp_path):
    code = [sys.executable, "-W", "ignore", "-c", _KILLED]
    folder = tmp_path / "audit"
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    done = subprocess.run([*code, str(folder)], env=environment)
    assert done.returncode == -signal.SIGKILL
    (left,) = names(tmp_path)
    assert left.startswith(".") and left != "audit"
    audited(made(), checks=["balance"])
    assert names(tmp_path) == ["audit"]


def test_data_of_opposite_properties_are_told_apart(audited):
    rng = np.random.default_rng(0)
    even = make_portraits(400, missing=0.1)
    # The last portraits are the first once more, and their labels others.
    images = np.concatenate([even.images[:360], even.images[:40]])
    gender = (rng.random(400) < 0.1).astype(np.int32)
    color = np.where(gender == 1, 2, rng.integers(2, size=400))
    color[rng.random(400) < np.where(gender == 1, 0.7, 0.1)] = -1
    labels = {"gender": gender, "hair_color": color.astype(np.int32)}
    odd = changed(even, images, **labels)
    checks = ["balance", "duplicates"]
    of_even, of_odd = (
        "\n".join(audited(PortraitSet((part,)), checks=checks)[0])
        for part in (even, odd)
    )
    for part in (
        "gender is uneven: female is ",
        "gender goes with hair_color",
        "have no hair_color, and it depends on gender",
        "alone gender is guessed",
        "80 of 400 portraits (20.0%) are near duplicates, in 40 clusters",
        "labels of hair_color contradict each other",
    ):
        assert part in of_odd and part not in of_even


def one_class_of_one_row():
    part = make_portraits(60, missing=0)
    color = np.zeros(60, np.int32)
    color[7] = 4
    return PortraitSet((changed(part, hair_color=color),))


def without_labels():
    part = make_portraits(40, schema=EVERY_KIND)
    labels = {
        name: np.full_like(values, np.nan if name == "age" else -1)
        for name, values in part.labels.items()
    }
    return PortraitSet((changed(part, **labels),))


def with_one_value(value):
    part = make_portraits(60)
    return PortraitSet((changed(part, np.full_like(part.images, value)),))


def without_groups():
    schema = dataclasses.replace(EVERY_KIND, protected=None, guarded=())
    return made(90, schema)


ODD_SETS = {
    "every kind of task": lambda: made(90, EVERY_KIND),
    "black images": lambda: with_one_value(0),
    "white images": lambda: with_one_value(255),
    "a class of one row": one_class_of_one_row,
    "more classes than rows": lambda: made(4, splits=("test",)),
    "one row": lambda: made(1, splits=("test",), missing=0),
    "no labels": without_labels,
    "no groups": without_groups,
}


@pytest.mark.parametrize("name", ODD_SETS)
def test_odd_data_are_audited_whole_or_told_to_be_not_supported(name, audited):
    sentences, page = audited(ODD_SETS[name]())
    assert sentences and page.count("<h2 ") == 3 + len(audit.CHECKS)
    for sentence in sentences:
        assert "nan" not in sentence and "inf" not in sentence.split()
    text = page.split("<nav>")[-1]
    assert ">nan" not in text
