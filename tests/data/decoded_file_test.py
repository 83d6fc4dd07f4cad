import numpy as np
import pytest

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tp_keras.data import decoded_file
from tp_keras.data.decoded_file import DecodedFile
from tp_keras.data.portraits import compute_fingerprint

PORTRAITS = make_portraits(100, schema=EVERY_KIND)
# Names that a note of NumPy arrays might mean something else by.
PORTRAITS.labels.update(
    source=PORTRAITS.labels.pop("mood"), indices=PORTRAITS.labels.pop("smile")
)
SHAPE = EVERY_KIND.image_shape
FINGERPRINT = compute_fingerprint(
    PORTRAITS.images, PORTRAITS.labels, PORTRAITS.indices
)


def make_file(folder, split="train", built=1):
    return DecodedFile(folder / "decoded", split, SHAPE, {"built": built})


def write(folder, split="train", built=1):
    file = make_file(folder, split, built)

    def decode(images):
        images[:] = PORTRAITS.images

    return file, file.write(PORTRAITS.labels, PORTRAITS.indices, decode)


def names(folder):
    return sorted(path.name for path in (folder / "decoded").iterdir())


def test_what_is_written_is_read(tmp_path):
    file, written = write(tmp_path)
    for rows in (written, file.read()):
        assert isinstance(rows.images, np.memmap)
        np.testing.assert_array_equal(rows.images, PORTRAITS.images)
        np.testing.assert_array_equal(rows.indices, PORTRAITS.indices)
        assert rows.labels.keys() == PORTRAITS.labels.keys()
        for name, values in PORTRAITS.labels.items():
            np.testing.assert_array_equal(rows.labels[name], values)
        assert rows.fingerprint == FINGERPRINT
    assert names(tmp_path) == ["train.npy", "train.npz"]
    file.read_ahead()
    with pytest.raises(ValueError, match="read-only"):
        written.images[0] = 0


def test_another_source_is_not_read(tmp_path):
    file, _ = write(tmp_path)
    assert file.read() is not None
    assert make_file(tmp_path, built=2).read() is None
    # Two parts whose files have the same name.
    write(tmp_path, "train[:9]")
    assert make_file(tmp_path, "train[:9]").read() is not None
    assert make_file(tmp_path, "train[:9[").read() is None


@pytest.mark.parametrize("damage", ["zeros", "shape", "pixels", "note", "gone"])
def test_a_damaged_file_is_not_read(tmp_path, damage):
    file, rows = write(tmp_path)
    size = file.path.stat().st_size
    if damage == "zeros":  # What a loss of power leaves.
        with file.path.open("r+b") as pixels:
            pixels.truncate(200)
            pixels.truncate(size)
    elif damage == "shape":
        np.save(file.path, np.zeros((3, *SHAPE), np.uint8))
    elif damage == "pixels":
        file.path.write_bytes(b"")
    elif damage == "note":
        note = file.path.with_suffix(".npz")
        note.write_bytes(note.read_bytes()[:-40])
    else:
        file.path.unlink()
    assert file.read() is None
    write(tmp_path)
    assert file.read().fingerprint == FINGERPRINT


def test_only_a_sample_is_read_of_what_is_there(tmp_path, monkeypatch):
    file, _ = write(tmp_path)
    read = []

    def count(images, *others):
        read.append(len(images))
        return compute(images, *others)

    compute = decoded_file.compute_fingerprint
    monkeypatch.setattr(decoded_file, "compute_fingerprint", count)
    assert file.read() is not None
    assert read == [64]


def test_a_failure_leaves_the_old_file_or_none(tmp_path):
    file = make_file(tmp_path)
    rows = PORTRAITS.labels, PORTRAITS.indices
    for left in ([], ["train.npy", "train.npz"]):
        with pytest.raises(ZeroDivisionError):
            file.write(*rows, lambda images: 1 / 0)
        assert names(tmp_path) == left
        if not left:
            write(tmp_path)
    assert file.read().fingerprint == FINGERPRINT
