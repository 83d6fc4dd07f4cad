import os
import pathlib

import numpy as np
import pytest

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tp_keras.data import decoded_file
from tp_keras.data.decoded_file import DecodedFile
from tp_keras.data.decoded_file import doubt_files
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


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def lose_power(path):
    size = path.stat().st_size
    with path.open("r+b") as pixels:
        pixels.truncate(200)
        pixels.truncate(size)


# A pixel of row 2, which is none of those that are sampled.
PIXEL = 128 + int(2.5 * np.prod(SHAPE))
SHUFFLED = PORTRAITS.images.reshape(len(PORTRAITS.images), *SHAPE[::-1])


@pytest.mark.parametrize(
    "damage",
    {
        "zeros": lose_power,
        "pixel": lambda path: flip(path, PIXEL),
        "header": lambda path: flip(path, 75),
        "count": lambda path: np.save(path, PORTRAITS.images[:3]),
        "shape": lambda path: np.save(path, SHUFFLED),
        "dtype": lambda path: np.save(path, PORTRAITS.images.view(np.int8)),
        "text": lambda path: path.write_bytes(b"\xff\xfe" * 99),
        "empty": lambda path: path.write_bytes(b""),
        "gone": pathlib.Path.unlink,
        "note": lambda path: flip(path.with_suffix(".npz"), 200),
        "empty note": lambda path: path.with_suffix(".npz").write_bytes(b""),
        "cut note": lambda path: path.with_suffix(".npz").write_bytes(
            path.with_suffix(".npz").read_bytes()[:-40]
        ),
    }.items(),
    ids=lambda item: item[0],
)
def test_a_damaged_file_is_not_read(tmp_path, damage):
    file, _ = write(tmp_path)
    damage[1](file.path)
    assert file.read() is None
    write(tmp_path)
    assert file.read().fingerprint == FINGERPRINT


def test_pixels_that_changed_in_silence_are_seen_when_doubted(tmp_path):
    file, _ = write(tmp_path)
    stat = file.path.stat()
    flip(file.path, PIXEL)
    os.utime(file.path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert file.read().fingerprint == FINGERPRINT  # The limit of a quick look.
    doubt_files(file.path.parent)
    assert file.read() is None
    write(tmp_path)
    doubt_files(file.path.parent)
    assert file.read().fingerprint == FINGERPRINT
    doubt_files(tmp_path / "nothing")


def test_pixels_are_read_whole_once_for_each_time_of_change(
    tmp_path, monkeypatch
):
    file, _ = write(tmp_path)
    read = []

    def count(images, *others):
        read.append(len(images))
        return compute(images, *others)

    compute = decoded_file.compute_fingerprint
    monkeypatch.setattr(decoded_file, "compute_fingerprint", count)
    assert file.read() is not None
    assert read == [64]
    doubt_files(file.path.parent)
    for expected in ([100, 64], [64]):
        read.clear()
        assert file.read() is not None
        assert read == expected
    assert names(tmp_path) == ["train.npy", "train.npz"]


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
