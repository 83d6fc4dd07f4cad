import errno
import io
import os
import pathlib
import shutil
import warnings

import numpy as np
import psutil
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

from datasets.building.bad_items import BadItems
from datasets.building.build_record import BuildRecord
from datasets.tiny_portraits import Builder
from datasets.tiny_portraits.portrait_pack import PortraitPack
from tp_keras.data import source
from tp_keras.data.builders import find_builder
from tp_keras.data.source import load_portraits
from tp_keras.errors import UserError

DATASET = "tiny_portraits/synthetic_tiny"


def load(data_dir, split="validation", storage="memory", dataset=DATASET):
    return load_portraits(data_dir, dataset, split, storage, progress=False)


def test_portraits_are_those_of_the_archives(tiny_data_dir):
    """By another road: the PNG files and the CSV, with Pillow."""
    found = load(tiny_data_dir, "test")
    folder = tiny_data_dir / DATASET / "1.1.0"
    record = BuildRecord.read(folder)
    pack = PortraitPack(pathlib.Path(record.source), BadItems("raise"))
    expected = dict(pack.portraits(pack.indices("test")))
    assert found.indices.tolist() == sorted(expected)
    for row, index in enumerate(found.indices):
        pixels = np.asarray(Image.open(io.BytesIO(expected[index])))
        np.testing.assert_array_equal(found.images[row], pixels)
        labels = pack.attributes[int(index)].labels()
        for task in found.schema.tasks:
            label = found.labels[task.name][row]
            name = task.classes[label] if label >= 0 else -1
            assert name == labels[task.name]


def copy_prepared(source_dir, target_dir):
    """Copies the prepared data set, without what was decoded of it."""
    shutil.copytree(
        source_dir / "tiny_portraits",
        target_dir / "tiny_portraits",
        ignore=shutil.ignore_patterns("decoded"),
    )


def test_a_data_set_built_anew_is_decoded_anew(tiny_data_dir, tmp_path):
    copy_prepared(tiny_data_dir, tmp_path)
    load(tmp_path, storage="disk")
    folder = tmp_path / DATASET / "1.1.0"
    np.save(folder / "decoded" / "validation.npy", np.zeros(3))
    (folder / "dataset_info.json").touch()
    assert load(tmp_path, storage="disk").images.max() > 0


@pytest.mark.parametrize("factor, expected", [(1.9, "disk"), (2.1, "memory")])
def test_auto_takes_memory_up_to_half_of_what_is_free(
    tiny_data_dir, monkeypatch, factor, expected
):
    size = load(tiny_data_dir).images.nbytes

    class Memory:
        available = size * factor

    monkeypatch.setattr(psutil, "virtual_memory", Memory)
    assert load(tiny_data_dir, storage="auto").storage == expected


def test_auto_decodes_a_large_split_once_for_all_runs(
    tiny_data_dir, tmp_path, monkeypatch, capsys
):
    copy_prepared(tiny_data_dir, tmp_path)
    first = load(tmp_path, storage="auto")
    assert first.storage == load(tmp_path).storage == "memory"
    assert not (tmp_path / DATASET / "1.1.0" / "decoded").exists()
    monkeypatch.setattr(source, "_DECODED_QUICKLY", first.images.nbytes - 1)
    disk = load(tmp_path, storage="auto")
    assert disk.storage == "disk" and isinstance(disk.images, np.memmap)
    assert load(tmp_path, storage="disk").fingerprint == first.fingerprint
    monkeypatch.setattr(source, "_decode", None)
    monkeypatch.setattr(source, "_read_labels", None)
    again = load_portraits(tmp_path, DATASET, "validation")
    assert "of decoded pixels in" in capsys.readouterr().out
    assert again.fingerprint == first.fingerprint
    np.testing.assert_array_equal(again.images, first.images)


def test_a_full_disk_leaves_auto_with_the_memory(
    tiny_data_dir, tmp_path, monkeypatch, capsys
):
    def fail(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    copy_prepared(tiny_data_dir, tmp_path)
    monkeypatch.setattr(os, "posix_fallocate", fail)
    monkeypatch.setattr(source, "_DECODED_QUICKLY", 0)
    portraits = load_portraits(tmp_path, DATASET, "validation")
    assert portraits.storage == "memory" and portraits.images.max() > 0
    assert "No space left" in capsys.readouterr().out
    with pytest.raises(OSError, match="No space left"):
        load(tmp_path, storage="disk")
    decoded = tmp_path / DATASET / "1.1.0" / "decoded"
    assert list(decoded.iterdir()) == []


def test_the_folder_of_one_version_or_a_part_of_a_split(tiny_data_dir):
    folder = tiny_data_dir / DATASET / "1.1.0"
    assert load(folder).fingerprint == load(tiny_data_dir).fingerprint
    assert len(load(tiny_data_dir, "train[:7]")) == 7


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ("test[20:10]", "without a single portrait"),
        ("test[80%:20%]", "without a single portrait"),
        ("test[40:]", "without a single portrait"),
        ("test[:41]", r"within its portraits \(.*test 40"),
        ("tset", "out of train, validation, test, .* split=tset"),
    ],
)
def test_a_part_that_there_is_not_is_told(tiny_data_dir, split, message):
    with pytest.raises(UserError, match=message):
        load(tiny_data_dir, split)


def test_a_missing_data_set_names_the_command(tmp_path):
    with pytest.raises(UserError, match="training.build_dataset --data_dir"):
        load(tmp_path)
    with pytest.raises(UserError, match="--dataset nothing/of_that_name`"):
        load(tmp_path, dataset="nothing/of_that_name")
    with pytest.raises(UserError, match="Received: storage=tape"):
        load(tmp_path, storage="tape")


@pytest.fixture(scope="module")
def other_builds(tiny_data_dir, tmp_path_factory):
    """Plain TFDS builds of the same portraits: ArrayRecord, and a cut one."""

    def build(limit=None, **arguments):
        builder = Builder(
            data_dir=tmp_path_factory.mktemp("other"),
            config="synthetic_tiny",
            **arguments,
        )
        builder.download_and_prepare(
            download_dir=tiny_data_dir / "downloads",
            download_config=tfds.download.DownloadConfig(
                max_examples_per_split=limit
            ),
        )
        return builder.data_dir_root

    return build(file_format="array_record"), build(limit=30)


@pytest.mark.parametrize(
    ("split", "storage"), [("train[10:60]", "memory"), ("validation", "disk")]
)
def test_array_records_hold_the_same_portraits(
    tiny_data_dir, other_builds, split, storage
):
    found = load(other_builds[0], split, storage)
    assert find_builder(other_builds[0], DATASET).info.file_format.value == (
        "array_record"
    )
    assert found.fingerprint == load(tiny_data_dir, split).fingerprint


def test_a_cut_build_is_said_once(other_builds):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for split in ("train", "test", "train[:10]"):
            load(other_builds[1], split)
    [warning] = caught
    assert (
        "holds a part of the portraits (train 30 of 320, validation 30 of 40, "
        "test 30 of 40" in str(warning.message)
    )


def test_portraits_of_one_index_are_refused(tiny_data_dir, tmp_path):
    copy_prepared(tiny_data_dir, tmp_path)
    [path] = tmp_path.rglob("*validation.tfrecord*")
    path.with_name("checksums.json").unlink()
    records = [*tf.data.TFRecordDataset(str(path)).as_numpy_iterator()]
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in [records[0], *records[:-1]]:
            writer.write(record)
    with pytest.raises(UserError, match="`image_index` of its own for each"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("tfrecord", "byte"),
        ("tfrecord", "gone"),
        ("tfrecord", "record"),
        ("tfrecord", "double"),
        ("array_record", "cut"),
    ],
)
def test_a_damaged_file_is_said_as_such(
    tiny_data_dir, other_builds, tmp_path, name, damage
):
    folder = tiny_data_dir if name == "tfrecord" else other_builds[0]
    copy_prepared(folder, tmp_path)
    [path] = tmp_path.rglob(f"*validation.{name}*")
    checksums = path.with_name("checksums.json").rename(tmp_path / "checksums")
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "double":
        path.write_bytes(2 * content)
    elif damage == "byte":
        path.write_bytes(content[:50_000] + b"12345" + content[50_005:])
    else:  # The others of the split are cut off without a trace.
        first, *_ = tf.data.TFRecordDataset(str(path)).take(1)
        path.write_bytes(content[: len(first.numpy()) + 16])
    message = "{} of .* cut off or gone. .*build_dataset .*--overwrite"
    # Of a data set without checksums, its records tell.
    with pytest.raises(UserError, match=message.format("split validation")):
        load(tmp_path)
    checksums.rename(path.with_name("checksums.json"))
    with pytest.raises(UserError, match=message.format(path.name)):
        load(tmp_path)


def test_a_format_that_is_not_read_whole_is_refused(tiny_data_dir, tmp_path):
    copy_prepared(tiny_data_dir, tmp_path)
    path = tmp_path / DATASET / "1.1.0" / "dataset_info.json"
    path.write_text(path.read_text().replace('"tfrecord"', '"parquet"'))
    path.with_name("checksums.json").unlink()
    with pytest.raises(UserError, match="Received: parquet"):
        find_builder(tmp_path, DATASET)


def test_another_data_set_is_refused(tmp_path):
    tfds.testing.DummyMnist(data_dir=tmp_path).download_and_prepare()
    with pytest.raises(UserError, match="`image_index` in dummy_mnist"):
        load(tmp_path, "train", dataset="dummy_mnist")
