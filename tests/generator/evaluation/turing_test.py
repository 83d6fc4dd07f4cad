import csv
import dataclasses

import numpy as np
import pytest
from PIL import Image

from tests.portrait_factory import make_portraits
from tests.printed_commands import find_commands
from tests.printed_commands import parse
from tp_keras.config import DataConfig
from tp_keras.data import source
from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.generator.config import VaeModelConfig
from tp_keras.generator.evaluation import turing
from tp_keras.generator.evaluation.vae_sampler import VaeSampler
from tp_keras.generator.training.folder import VaeRunFolder
from training import command
from training.generate import Generate


@pytest.fixture(scope="module")
def run(vae, tmp_path_factory):
    folder = VaeRunFolder(tmp_path_factory.mktemp("runs") / "tiny")
    data = DataConfig("/somewhere", "made/here")
    model = VaeModelConfig(classifier_run="/somewhere/eyes")
    folder.claim(VaeExperimentConfig(data=data, model=model))
    folder.save_model(vae)
    folder.record(status="finished")
    return folder


@pytest.fixture
def real(monkeypatch):
    """The real portraits, as a list so that a test can change them."""
    portraits = [make_portraits(60, split="test")]

    def load(data_dir, dataset, split, progress):
        assert (data_dir, dataset, split) == ("/somewhere", "made/here", "test")
        return portraits[0]

    monkeypatch.setattr(source, "load_portraits", load)
    return portraits


def draw(run, sheet, *flags):
    words = ["--run_dir", run.path, "--turing", sheet, "--count", 20, *flags]
    command.run(Generate, [str(word) for word in words])
    with turing.key_path(sheet).open(newline="") as file:
        return list(csv.DictReader(file))


def test_half_are_real_and_nothing_tells_which(
    run, vae, real, tmp_path, monkeypatch
):
    shown, draw_sheet = [], turing.draw_sheet

    def note(images, title, captions):
        shown.append((images, captions))
        return draw_sheet(images, title, captions)

    monkeypatch.setattr(turing, "draw_sheet", note)
    sheet = tmp_path / "which.png"
    rows = draw(run, sheet, "--seed", 3, "--temperature", 0.5)
    ((images, captions),) = shown
    assert images.dtype == np.uint8 and len(images) == 20
    assert captions == [row["number"] for row in rows]
    assert captions == [str(number) for number in range(1, 21)]
    with Image.open(sheet) as picture:
        assert (picture.mode, picture.info) == ("RGB", {})
    origins = [row["origin"] for row in rows]
    assert origins.count("real") == origins.count("generated") == 10
    assert origins not in (sorted(origins), sorted(origins)[::-1])

    (test,) = real
    tasks = test.schema.condition_tasks
    labels = [tuple(row[task.name] for task in tasks) for row in rows]
    asked = {"real": [], "generated": []}
    for image, origin, own in zip(images, origins, labels, strict=True):
        found = np.flatnonzero((test.images == image).all(axis=(1, 2, 3)))
        assert len(found) == (origin == "real")
        for row in found:
            expected = (t.label_name(test.labels[t.name][row]) for t in tasks)
            assert tuple(expected) == own
        asked[origin].append(own)
    assert sorted(asked["real"]) == sorted(asked["generated"])
    # The key tells what each generated one was asked for.
    taken = test.take(
        np.flatnonzero(
            [(images == one).all(axis=(1, 2, 3)).any() for one in test.images]
        )
    )
    made = VaeSampler(vae).generate(taken.labels, 3, 0.5)
    for image, *own in zip(made, *taken.labels.values(), strict=True):
        (place,) = np.flatnonzero((images == image).all(axis=(1, 2, 3)))
        names = [t.label_name(v) for t, v in zip(tasks, own, strict=True)]
        assert labels[place] == tuple(names)

    # A seed settles all of it.
    before, key = sheet.read_bytes(), rows
    assert draw(run, sheet, "--seed", 3, "--temperature", 0.5) == key
    assert sheet.read_bytes() == before
    assert draw(run, sheet, "--seed", 4) != key


@pytest.mark.parametrize("people", [True, False])
def test_it_says_how_to_mark_and_counts_the_marks(
    run, real, tmp_path, capsys, people
):
    schema = dataclasses.replace(real[0].schema, shows_people=people)
    real[0] = dataclasses.replace(real[0], schema=schema)
    sheet, marks = tmp_path / "which.png", tmp_path / "marks.txt"
    rows = draw(run, sheet)
    text = capsys.readouterr().out
    (line,) = find_commands(text)
    assert parse(line) == Generate(turing=str(sheet), marks="FILE.txt")
    assert f"20 portraits: {sheet}\n" in text
    assert ("must not leave this machine" in text) == people

    numbers = {
        kind: [row["number"] for row in rows if row["origin"] == kind]
        for kind in ("real", "generated")
    }
    taken = numbers["generated"][:2] + numbers["real"][:5]
    marks.write_text("\n".join(taken) + "\n\n")
    words = ["--turing", str(sheet), "--marks", str(marks)]
    command.run(Generate, words)
    # Wilson, 1927: tables of 2 and of 5 out of 10.
    assert capsys.readouterr().out == (
        "generated: 2 of 10 taken for real, 0.200 [0.057, 0.510]\n"
        "real: 5 of 10 taken for real, 0.500 [0.237, 0.763]\n"
    )


def fails(capsys, *words):
    with pytest.raises(SystemExit) as error:
        command.run(Generate, [str(word) for word in words])
    assert error.value.code == command.EXIT_USER_ERROR
    said = capsys.readouterr().err
    assert said.count("Received: ") == 1
    return said


def test_what_cannot_be_told_apart(run, real, tmp_path, capsys):
    sheet = tmp_path / "new" / "which.png"
    own = ("--run_dir", run.path, "--turing", sheet)
    for words, message in (
        (("--turing", sheet), "Expected --run_dir with --turing"),
        ((*own, "--bundle", tmp_path), "none of bundle"),
        ((*own, "--labels", "gender=male"), "none of labels"),
        ((*own[:3], "which.jpg"), "turing=which.jpg"),
        ((*own, "--count", 7), "count=7"),
        ((*own, "--count", 0), "count=0"),
        ((*own, "--temperature", 0), "temperature=0.0"),
        ((*own, "--count", 122), "Expected 61 real portraits"),
        (("--run_dir", tmp_path / "no", *own[2:]), "There is no run"),
        (("--marks", "x"), "turing=None"),
        ((*own[2:], "--marks", "x"), "Expected the key of a sheet"),
    ):
        assert message in fails(capsys, *words), words
    assert not sheet.parent.exists()


def test_marks_that_are_none(run, real, tmp_path, capsys):
    sheet, marks = tmp_path / "which.png", tmp_path / "marks.txt"
    draw(run, sheet)
    words = ("--turing", sheet, "--marks", marks)
    assert f"Received: {marks}" in fails(capsys, *words)
    for text, line in (("1\n1", "'1' in line 2"), ("3\n21", "'21' in line 2")):
        marks.write_text(text)
        assert f"Received: {line} of {marks}" in fails(capsys, *words)
    for text in ("x", "-1", "1.5", "0", "1 2"):
        marks.write_text(text)
        assert f"Received: {text!r} in line 1" in fails(capsys, *words)
    marks.write_text("1")
    key = turing.key_path(sheet)
    key.write_text(key.read_text().replace("generated", "real"))
    assert f"Received: {key} (no real" in fails(capsys, *words)
