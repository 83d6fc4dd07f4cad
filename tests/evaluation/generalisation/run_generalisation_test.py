import dataclasses
import json
import types

import numpy as np
import pytest

from tests.evaluation.generalisation import made_faces
from tests.evaluation.generalisation.made_faces import SCHEMA
from tests.evaluation.generalisation.made_faces import make_faces
from tests.made_runs import make_classifier
from tests.made_runs import make_run
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import HAIR_TYPE
from tests.portrait_factory import make_portraits
from tp_keras.config import DataConfig
from tp_keras.errors import UserError
from tp_keras.evaluation.generalisation import run_generalisation as module
from tp_keras.evaluation.generalisation.framing import Framing
from tp_keras.evaluation.generalisation.likeness import recolour
from tp_keras.records.record import find
from tp_keras.records.record import find_one
from tp_keras.records.record import read_records
from tp_keras.records.report import page_of
from tp_keras.tasks import Schema
from training.command import run as run_command
from training.generalise import Generalise

LABELS = np.tile([0, 1], 40)
OWN = "faces/own"


def change(portraits, images):
    return portraits.with_images(images)


def sets():
    """Data sets that differ from the training in one thing each."""
    own = make_faces(LABELS, f"{OWN}/1.0.0")
    close = {"framing": Framing(0.62, 0.06, -0.08), "seed": 2}
    dark = make_faces(LABELS, "faces/dark/1.0.0", seed=3)
    shown = LABELS.copy()
    shown[:40] = 1 - shown[:40]
    return {
        OWN: own,
        "faces/close": make_faces(LABELS, "faces/close/1.0.0", **close),
        "faces/dark": change(dark, recolour(dark.images, [[0.5] * 3, [0] * 3])),
        "faces/strange": make_faces(
            LABELS, "faces/strange/1.0.0", shown=shown, seed=4
        ),
        "faces/square": make_faces(
            LABELS, "faces/square/1.0.0", size=(64, 64), **close
        ),
        "faces/plain": change(
            make_faces(LABELS, "faces/plain/1.0.0"),
            np.full((80, 50, 50, 3), 99, np.uint8),
        ),
    }


SETS = sets()


@pytest.fixture
def run_dir(tmp_path, monkeypatch):
    """A run that reads one mark, and data sets in place of prepared ones."""

    def load(data_dir, dataset, split, storage):
        assert data_dir == "data"
        if dataset not in SETS:
            raise UserError(f"There is no prepared data set {dataset}.")
        return SETS[dataset]

    info = types.SimpleNamespace(splits={"train": None, "test": None})
    builder = types.SimpleNamespace(info=info)
    monkeypatch.setattr(module.source, "load_portraits", load)
    monkeypatch.setattr(module.builders, "find_builder", lambda *_: builder)
    monkeypatch.setattr(module, "answers_of", lambda _: made_faces.read_mark)
    data = DataConfig(data_dir="data", dataset=OWN)
    return make_run(tmp_path / "run", SCHEMA, data=data).path


def measure(run_dir, *names, **arguments):
    return module.run_generalisation(run_dir, names, **arguments)


def losses_of(records, name, group="all"):
    found = find(records, dataset=f"{name}/1.0.0", metric="loss", group=group)
    return {record.variant: record.value for record in found}


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("faces/close", "framing"),
        ("faces/square", "framing"),
        ("faces/dark", "colour_and_light"),
        ("faces/strange", "left"),
    ],
)
def test_a_loss_is_put_down_to_what_was_changed(run_dir, name, part):
    records, _ = measure(run_dir, name)
    found = losses_of(records, name)
    assert found["total"] == pytest.approx(0.5, abs=0.02)
    assert found[part] == pytest.approx(found["total"], abs=0.03)
    groups = [losses_of(records, name, group) for group in ("female", "male")]
    assert np.mean([g["total"] for g in groups]) == found["total"]


def test_records_begin_with_the_own_portraits_and_lie_in_the_folder(run_dir):
    records, folder = measure(run_dir, "faces/close", "faces/dark", OWN)
    assert folder == run_dir / "generalisation" / "test"
    assert read_records(folder / "records.jsonl") == records
    datasets = dict.fromkeys(record.dataset for record in records)
    names = [OWN, "faces/close", "faces/dark"]
    assert list(datasets) == [f"{name}/1.0.0" for name in names]
    own = find_one(records[:6], metric="balanced_accuracy", group="all")
    assert (own.value, own.variant, own.count) == (1, "own", 80)
    # Where it looks there is wall, dark like a mark of the first class.
    for group, value in {"female": 1, "male": 0}.items():
        where = {"dataset": "faces/close/1.0.0", "variant": "as_is"}
        where |= {"metric": "balanced_accuracy", "group": group}
        assert find_one(records, **where).value == value
    measured = json.loads((folder / "measured.json").read_text())
    prints = [part["fingerprint"] for part in measured["portraits"]]
    assert prints == [SETS[name].fingerprint for name in names]
    assert (folder / "faces_2.png").is_file()
    page = (run_dir / "generalisation.html").read_text()
    for said in (
        "faces/close: gender is right for 50.0 % (female ",
        "points lost, framing takes 50.0",
        "as large as in the training",
        "Its pictures are framed like those of the training",
        "levels of 255 darker than those of the training",
    ):
        assert said in page
    assert "This page shows people" not in page


def test_no_label_tells_of_framing_and_colours(run_dir, monkeypatch):
    def pictures():
        records, _ = measure(run_dir, "faces/close")
        return find(records, task="pictures")

    expected = pictures()
    close = SETS["faces/close"]
    wrong = {"gender": 1 - close.labels["gender"]}
    changed = type(close)(**{**vars(close), "labels": wrong})
    monkeypatch.setitem(SETS, "faces/close", changed)
    assert len(expected) > 10 and pictures() == expected


def test_the_same_command_gives_the_same_figures(run_dir, tmp_path):
    first, _ = measure(run_dir, "faces/strange")
    where = {"split": "test[:10%]", "output_dir": tmp_path / "out"}
    second, folder = measure(run_dir, "faces/dark", "faces/strange", **where)
    assert folder == tmp_path / "out" / "generalisation" / "test--10--"
    own = find(first, metric="loss")
    other = find(second, metric="loss", dataset="faces/strange/1.0.0")
    pairs = zip(own, other, strict=True)
    assert all((a.low, a.high) == (b.low, b.high) for a, b in pairs)


def test_plain_pictures_are_a_result_and_no_trace(run_dir):
    records, folder = measure(run_dir, "faces/plain")
    assert losses_of(records, "faces/plain")["framing"] == 0
    said = (folder / "table.md").read_text()
    assert "The mean picture is plain" in said


def test_what_cant_be_measured_is_told(run_dir, tmp_path, monkeypatch):
    for names, message in (
        ([OWN], "data sets beside that of the run, faces/own"),
        (["faces/none"], "no prepared data set faces/none"),
        (["faces/types"], "learned, gender. Received: hair_type of made"),
    ):
        types_only = make_portraits(schema=Schema((60, 48, 3), [HAIR_TYPE]))
        monkeypatch.setitem(SETS, "faces/types", types_only)
        with pytest.raises(UserError, match=message):
            measure(run_dir, *names)
    with pytest.raises(UserError, match="There is no run"):
        measure(tmp_path / "nowhere", "faces/dark")
    assert not (run_dir / "generalisation").exists()


def test_the_command_prints_the_figures_and_where_they_lie(run_dir, capsys):
    words = ["--run_dir", str(run_dir), "--datasets", "faces/dark"]
    run_command(Generalise, words)
    said = capsys.readouterr().out
    assert "| gender | balanced accuracy | faces/dark   |" in said
    assert "faces/dark: gender is right for 50.0 %" in said
    assert str(run_dir / "generalisation.html") in said


def test_some_portraits_alone_are_looked_at(run_dir, capsys):
    words = ["--run_dir", str(run_dir), "--datasets", "faces/strange"]
    run_command(Generalise, [*words, "--labels", "gender=male"])
    said = capsys.readouterr().out
    name = "generalisation-test-gender-male.html"
    assert "of the run's own portraits it is 100.0 %" in said and name in said
    page = (run_dir / name).read_text()
    assert "<h1>On other portraits: gender=male</h1>" in page
    folder = run_dir / "generalisation" / "test-gender-male"
    for record in read_records(folder / "records.jsonl"):
        assert record.count in (0, 40)
    with pytest.raises(SystemExit):
        run_command(Generalise, [*words, "--labels", "hat=yes"])
    told = capsys.readouterr().err
    assert told == "error: Expected labels out of gender. Received: hat\n"


def test_every_kind_of_task_is_measured_and_drawn(run_dir, monkeypatch):
    monkeypatch.undo()
    data = DataConfig(data_dir="data", dataset="made/own")
    run = make_run(run_dir.parent / "every", EVERY_KIND, data=data)
    size = dataclasses.replace(EVERY_KIND, image_shape=(50, 60, 3))
    made = {
        "made/own": make_portraits(500, schema=EVERY_KIND),
        "made/few": make_portraits(12, 1, schema=EVERY_KIND),
        "made/wide": make_portraits(500, 2, schema=size),
    }
    for name, part in made.items():
        made[name] = dataclasses.replace(part, dataset=f"{name}/1.0.0")
    info = types.SimpleNamespace(splits={"test": None})
    builder = types.SimpleNamespace(info=info)
    monkeypatch.setattr(
        module.source, "load_portraits", lambda d, name, *_, **__: made[name]
    )
    monkeypatch.setattr(module.builders, "find_builder", lambda *_: builder)
    records, folder = measure(run.path, "made/few", "made/wide")
    for task in EVERY_KIND.tasks:
        for dataset in ("made/few/1.0.0", "made/wide/1.0.0"):
            own = find(records, task=task.name, dataset=dataset, metric="loss")
            groups = dict.fromkeys(record.group for record in own)
            assert [*groups] == ["all", "north", "south", "west"]
        assert (folder / f"figures_{task.name}.png").is_file()
    said = (folder / "table.md").read_text()
    assert "made/few: no class of age has 10 portraits here" in said
    assert "made/wide: age is off by " in said and " years (north " in said
    assert "This page shows people" in page_of(folder).read_text()


def test_the_model_is_asked_as_ever():
    classifier = make_classifier()
    images = make_portraits(5).images
    answers = module.answers_of(classifier)(images)
    expected = classifier.predict_answers(images, verbose=0)
    for task in classifier.tasks:
        np.testing.assert_allclose(answers[task.name], expected[task.name])
