import numpy as np
import pytest
from PIL import Image

from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.errors import UserError
from tp_keras.generator.drawing.pack import FileWriter
from tp_keras.generator.evaluation.rivals import read_rivals
from tp_keras.generator.evaluation.rivals import rival_folders


@pytest.fixture
def portraits():
    return make_portraits(9)


@pytest.fixture
def folder(portraits, tmp_path):
    """As the command writes it."""
    names = {
        task.name: [
            "unknown" if label < 0 else task.classes[label]
            for label in portraits.labels[task.name]
        ]
        for task in SCHEMA.tasks
    }
    folder = tmp_path / "theirs"
    folder.mkdir()
    with FileWriter(folder, 1.0) as writer:
        writer.add(portraits.images, names, range(9))
    return folder


def read(folder, count):
    return read_rivals(rival_folders([str(folder)]), SCHEMA, count)["theirs"]


def test_what_the_command_writes_is_read_with_its_labels(folder, portraits):
    rival = read(folder, 9)
    np.testing.assert_array_equal(rival.images, portraits.images)
    assert (portraits.labels["hair_color"] == -1).any()
    for name, labels in portraits.labels.items():
        np.testing.assert_array_equal(rival.labels[name], labels)
    # Of more than are needed, all over the folder.
    rival = read(folder, 3)
    np.testing.assert_array_equal(rival.images, portraits.images[[0, 4, 8]])
    expected = portraits.labels["gender"][[0, 4, 8]]
    np.testing.assert_array_equal(rival.labels["gender"], expected)
    # Without its table nothing is known of labels.
    (folder / "portraits.csv").unlink()
    rival = read(folder, 9)
    np.testing.assert_array_equal(rival.images, portraits.images)
    assert rival.labels is None


def test_names(folder, tmp_path):
    (tmp_path / "other").mkdir()
    words = [f"a={folder}", str(tmp_path / "other")]
    assert rival_folders(words) == {"a": folder, "other": tmp_path / "other"}
    for words, message in (
        ([f"generated={folder}"], "Expected a name of its own"),
        ([str(folder), f"theirs={tmp_path / 'other'}"], "theirs="),
        ([f"={folder}"], "Received: rivals=="),
        ([str(tmp_path / "none")], "Expected a folder of PNG files"),
    ):
        with pytest.raises(UserError, match=message):
            rival_folders(words)


def test_what_does_not_compare_is_named(folder):
    with pytest.raises(UserError, match=rf"Received: 9 in {folder}"):
        read(folder, 10)
    table = folder / "portraits.csv"
    text = table.read_text()
    for damaged in (
        text.replace(",male,", ",tall,"),
        text.replace("file", "x"),
    ):
        table.write_text(damaged)
        with pytest.raises(UserError, match=f"Received: {table} "):
            read(folder, 9)
    table.write_text(text)
    path = folder / "portrait_000004.png"
    Image.new("RGB", (84, 100)).save(path)
    with pytest.raises(UserError, match=f"Received: 100x84 in {path}"):
        read(folder, 9)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(UserError, match=f"can be read. Received: {path}"):
        read(folder, 9)
    path.unlink()
    with pytest.raises(UserError, match=f"can be read. Received: {path}"):
        read(folder, 9)
