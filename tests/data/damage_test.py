"""Whatever happens to a file of a prepared data set, nothing else is read.

Reading gives the same portraits, or one sentence with a command; a build then
gives the same files.
"""

import pathlib
import random
import shutil

import pytest
import tensorflow_datasets as tfds

from datasets.building import checksums
from datasets.building.prepare import prepare
from tp_keras.data import builders
from tp_keras.data.schema import read_schema
from tp_keras.data.source import load_portraits
from tp_keras.errors import UserError
from training.endings import user_message

COUNT = 12
DATASET = f"tiny_portraits/synthetic_{COUNT}"
VERSION = f"{DATASET}/1.1.0"
# What a reader of the training portraits opens after it has looked at all.
OPENED = ("-train.tfrecord", "decoded/train")


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_bytes(b"")


def flip(path, place=None, bit=3):
    content = bytearray(path.read_bytes() or b"\0")
    content[len(content) // 2 if place is None else place] ^= 1 << bit
    path.write_bytes(content)


def double(path):
    path.write_bytes(2 * path.read_bytes())


def remove(path):
    path.unlink()


def no_text(path):
    path.write_bytes(b"\xff\xfe\x80" * 99)


def another_type(path):
    path.write_text('["another", "type"]')


def folder(path):
    path.unlink()
    path.mkdir()


MORE_DAMAGES = [double, another_type, folder]
DAMAGES = [cut, empty, flip, remove, no_text, *MORE_DAMAGES]


def load(data_dir, storage="disk", dataset=DATASET):
    portraits = load_portraits(data_dir, dataset, "train", storage, False)
    return portraits.fingerprint, portraits.schema


def list_files(data_dir):
    paths = (data_dir / "tiny_portraits").rglob("*")
    return sorted(
        path.relative_to(data_dir).as_posix()
        for path in paths
        if path.is_file()
    )


def read_files(data_dir):
    """Content by name, of all but what tells the time or is made later."""
    return {
        name: (data_dir / name).read_bytes()
        for name in list_files(data_dir)
        if not name.endswith(("build.json", "checksums.json"))
        and "decoded" not in name
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A data set as it was built, and decoded."""
    data_dir = tmp_path_factory.mktemp("whole")
    prepare(DATASET, data_dir)
    load(data_dir)
    return data_dir


@pytest.fixture(scope="module")
def expected(whole):
    return load(whole)


@pytest.fixture
def data_dir(whole, tmp_path, monkeypatch):
    """A copy; found by its files alone, as where no code is imported."""
    shutil.copytree(whole, tmp_path / "data")

    def find_no_code(name):
        raise tfds.core.DatasetNotFoundError(name)

    monkeypatch.setattr(
        tfds.core.registered, "imported_builder_cls", find_no_code
    )
    # As if its records were large.
    monkeypatch.setattr(builders, "_ALWAYS_READ", 10_000)
    monkeypatch.setattr(checksums, "_ALWAYS_READ", 10_000)
    return tmp_path / "data"


def restore(whole, data_dir, name):
    path = data_dir / name
    if path.is_dir():
        path.rmdir()
    shutil.copytree(whole, data_dir, dirs_exist_ok=True)


def check_reading(data_dir, expected, name):
    """Reading gives what it gave, or one sentence with a command."""
    try:
        if any(opened in name for opened in OPENED):
            storage = "disk" if "decoded" in name else "memory"
            assert load(data_dir, storage) == expected
        else:
            schema = read_schema(builders.find_builder(data_dir, DATASET))
            assert schema == expected[1]
    except AssertionError:
        raise
    except Exception as error:  # The point is that there is no other.
        message = user_message(error)
        assert message is not None, f"{type(error)} of {name}: {error}"
        assert "--overwrite True`" in message


def test_every_file_is_looked_at(whole):
    names = [name.rpartition("/")[2] for name in list_files(whole)]
    assert len(names) == 16
    assert {"features.json", "checksums.json", "train.npy"} <= set(names)


@pytest.mark.parametrize("damage", DAMAGES)
def test_reading_gives_the_same_or_a_sentence(
    whole, data_dir, expected, damage
):
    for name in list_files(whole):
        if "decoded" in name and damage in MORE_DAMAGES:
            continue  # Decoded anew, all alike; see `decoded_file_test.py`.
        damage(data_dir / name)
        check_reading(data_dir, expected, name)
        restore(whole, data_dir, name)


@pytest.mark.parametrize("name", ["dataset_info.json", "features.json"])
def test_a_damaged_folder_of_one_version_names_what_it_is(
    data_dir, monkeypatch, name
):
    (data_dir / VERSION / name).unlink()
    command = f"--data_dir {data_dir} --dataset {DATASET} --overwrite True"
    monkeypatch.chdir(data_dir / VERSION)
    for version in (data_dir / VERSION, ".", "../1.1.0"):
        with pytest.raises(UserError, match=f"^{name} of {VERSION}.*{command}"):
            load(version)


def test_a_version_that_lies_by_itself_has_a_command():
    command = builders.rebuild_command(pathlib.Path("/v"), "faces/all/1.0.0")
    assert "--dataset faces/all --overwrite" in command


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_build_makes_it_what_it_was(whole, data_dir, expected, damage):
    """Each damage of two files, and one of each file."""
    files = read_files(whole)
    names = [name for name in list_files(whole) if "decoded" not in name]
    for name in names[DAMAGES.index(damage) :: len(DAMAGES)]:
        damage(data_dir / name)
        prepare(DATASET, data_dir)
        assert read_files(data_dir) == files
    assert load(data_dir, "memory") == expected


@pytest.mark.large
def test_any_flip_of_any_file(whole, data_dir, expected):
    files = read_files(whole)
    rng = random.Random(1)
    for name in list_files(whole):
        for _ in range(40):
            size = (whole / name).stat().st_size
            flip(data_dir / name, rng.randrange(max(1, size)), rng.randrange(8))
            check_reading(data_dir, expected, name)
            if "decoded" not in name:
                prepare(DATASET, data_dir)
                assert read_files(data_dir) == files, name
            restore(whole, data_dir, name)
