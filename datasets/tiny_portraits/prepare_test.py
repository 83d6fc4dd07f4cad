import concurrent.futures
import csv
import errno
import os
import pathlib
import subprocess
import sys

import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from tests.builders import read_built

from ..building import archives
from ..building import checksums
from ..building import file_examples
from ..building import prepare as prepare_lib
from ..building import record_files
from ..building import workers
from ..building.build_record import BuildRecord
from ..building.errors import DatasetInputError
from ..building.summary import format_summary
from . import facts
from . import testing
from . import tiny_portraits_dataset_builder

NAME = "Tiny_Portrait_{:06d}.png".format
COLORS = ("black", "brown", "blond", "gray", "bald", "n/a")
VERSION_DIR = pathlib.Path("tiny_portraits", "archives", "1.1.0")


def prepare(pack=None, data_dir=None, **flags):
    return prepare_lib.prepare("tiny_portraits", data_dir, pack, **flags)


@pytest.fixture
def pack(tmp_path):
    return testing.write_pack(tmp_path / "pack")


@pytest.fixture
def data_dir(tmp_path):
    return tmp_path / "tfds"


def load(data_dir, name="archives"):
    return read_built(data_dir / "tiny_portraits" / name / "1.1.0")


def leftovers(data_dir):
    return list((data_dir / "tiny_portraits" / "archives").glob("incomplete*"))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    return prepare(testing.write_pack(folder / "pack"), folder / "tfds")


def test_the_prepared_data_set_holds_pixels_labels_and_splits(built):
    builder, data_dir = built, built.data_dir_root
    classes = tuple(builder.info.features["hair_color"].names)
    assert classes == COLORS[:5]
    # It loads by name once the package is imported.
    dataset = tfds.load("tiny_portraits/archives", data_dir=data_dir)
    assert dataset["train"].cardinality() == 5
    assert tfds.builder("tiny_portraits").builder_config.name == "synthetic"
    decoders = {"image": tfds.decode.SkipDecoding()}
    for example in builder.as_dataset(split="test", decoders=decoders):
        index = int(example["image_index"])
        assert example["image"].numpy() == testing.make_image(index)
    splits = load(data_dir)
    assert {split: len(rows) for split, rows in splits.items()} == (
        testing.SPLIT_COUNTS
    )
    for split, examples in splits.items():
        for index, example in examples.items():
            assert facts.split_of(index) == split
            pixels = tf.io.decode_png(testing.make_image(index))
            assert (example["image"] == pixels.numpy()).all()
            for (name, classes), label in zip(
                facts.CLASSES.items(), testing.ROWS[index], strict=True
            ):
                expected = -1 if label == "n/a" else classes.index(label)
                assert example[name] == expected


def test_one_process_and_two_write_the_same_bytes(
    tmp_path, data_dir, monkeypatch
):
    rows = dict.fromkeys(range(0, 1200, 6), testing.ROWS[0])
    rows |= testing.ROWS
    images = {NAME(index): testing.make_image(index) for index in rows}
    # Bad files are found in the workers and listed here.
    images[NAME(6)] = images[NAME(594)] = b"nonsense"
    pack = testing.write_pack(tmp_path / "pack", rows, images=images)
    started = []
    make_pool = concurrent.futures.ProcessPoolExecutor

    def count(size, *arguments, **kwargs):
        started.append(size)
        return make_pool(size, *arguments, **kwargs)

    monkeypatch.setattr(concurrent.futures, "ProcessPoolExecutor", count)
    monkeypatch.setattr(archives, "_FILES_PER_WORKER", 50)
    monkeypatch.setattr(archives, "_CHUNK", 8)
    files = []
    for cores in (1, 2):
        monkeypatch.setattr(workers, "count_cores", lambda cores=cores: cores)
        builder = prepare(pack, data_dir / str(cores), on_bad="skip")
        folder = pathlib.Path(builder.data_path)
        files.append(
            {
                path.name: path.read_bytes()
                for path in folder.iterdir()
                # These tell the time.
                if path.name not in ("build.json", "checksums.json")
            }
        )
        assert set(started) == ({2} if cores == 2 else set())
    assert len([name for name in files[0] if "tfrecord" in name]) >= 3
    assert files[0]["skipped.csv"].count(b"is not a PNG image") == 2
    assert files[0] == files[1]


def test_records_have_their_features_in_one_order(built):
    """In any other, two processes would write other bytes."""
    names = sorted(built.info.features)

    def order(record):
        # A key of the wire format: its tag and length, then the name.
        return sorted(
            names,
            key=lambda name: record.index(
                bytes([10, len(name)]) + name.encode()
            ),
        )

    message = tf.train.Example()
    for name in reversed(names):
        message.features.feature[name].int64_list.value.append(0)
    expected = order(message.SerializeToString(deterministic=True))
    [path] = pathlib.Path(built.data_path).glob("*train.tfrecord*")
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        assert order(record) == expected


def test_the_record_counts_splits_labels_and_inputs(built):
    record = BuildRecord.read(pathlib.Path(built.data_path))
    assert record.counts == testing.SPLIT_COUNTS
    assert record.labels == {
        "gender": {"female": 4, "male": 5, "n/a": 0},
        "hair_color": dict(zip(COLORS, (2, 2, 1, 1, 1, 2), strict=True)),
        "hair_type": {"straight": 3, "wavy": 2, "bald": 1, "n/a": 3},
    }
    assert record.skipped == 0
    assert record.source == str(built.data_dir_root.parent / "pack")
    assert list(record.inputs) == [
        "--missing",
        "Tiny_Portraits_Attributes.csv",
        "Tiny_Portraits_Archive_000.zip",
        "Tiny_Portraits_Archive_001.zip",
    ]


def test_a_split_without_rows_is_left_out(tmp_path, data_dir):
    rows = {i: row for i, row in testing.ROWS.items() if i < 182_637}
    prepare(testing.write_pack(tmp_path / "pack", rows), data_dir)
    assert sorted(load(data_dir)) == ["train", "validation"]


def test_what_was_understood_and_how_is_in_record_and_summary(pack, data_dir):
    content = (pack / facts.CSV_NAME).read_text()
    content = content.replace("n/a", "").replace(",", ";")
    (pack / facts.CSV_NAME).write_text(content)
    with pytest.raises(DatasetInputError, match="with --missing '', or"):
        prepare(pack, data_dir)
    builder = prepare(pack, data_dir, missing=("",))
    folder = pathlib.Path(builder.data_path)
    record = BuildRecord.read(folder)
    note = "Tiny_Portraits_Attributes.csv: separated by semicolons"
    assert record.notes == [note]
    assert f"read        {note}\n" in format_summary(record, folder)
    assert record.labels["hair_type"]["n/a"] == 3
    # Another meaning of the same file is another data set.
    with pytest.raises(DatasetInputError, match="--missing changed"):
        prepare(pack, data_dir)

    for wrong in (("", "bald"), "NaN"):  # A class is never missing.
        with pytest.raises(DatasetInputError, match="Expected --missing with"):
            prepare(pack, data_dir, missing=wrong)


def test_skipped_items_are_listed_and_the_rest_is_built(tmp_path, data_dir):
    images = {NAME(i): testing.make_image(i) for i in testing.ROWS}
    images[NAME(7)] = b"nonsense"
    del images[NAME(162_770)]
    images[NAME(5)] = testing.make_image(5)
    images[f"../{NAME(6)}"] = testing.make_image(6)
    pack = testing.write_pack(tmp_path / "pack", images=images, archives=1)
    with (pack / facts.CSV_NAME).open("a") as file:
        file.write("9,male,black,curly\n")
    with pytest.raises(DatasetInputError, match="has an absolute path"):
        prepare(pack, data_dir)
    assert not leftovers(data_dir)
    builder = prepare(pack, data_dir, on_bad="skip")
    folder = pathlib.Path(builder.data_path)
    with (folder / "skipped.csv").open() as file:
        listed = list(csv.DictReader(file))
    archive = "Tiny_Portraits_Archive_000.zip: "
    assert [item["item"] for item in listed] == [
        f"{archive}../{NAME(6)}",
        "Tiny_Portraits_Attributes.csv, line 11",
        f"{NAME(162_770)} (Tiny_Portraits_Attributes.csv, line 7)",
        f"{archive}{NAME(5)}",
        f"{archive}{NAME(7)}",
    ]
    assert all(item["reason"] for item in listed)
    assert BuildRecord.read(folder).skipped == 5
    splits = load(data_dir)
    assert sorted(splits["train"]) == [0, 59, 1000, 162_769]
    assert sorted(splits["validation"]) == [182_636]
    # What was skipped on request does not pass for the whole.
    assert prepare(pack, data_dir, on_bad="skip").data_dir == builder.data_dir
    with pytest.raises(DatasetInputError, match="lacks 5 bad items"):
        prepare(pack, data_dir)


def test_nothing_usable_is_an_error(tmp_path, data_dir):
    images = dict.fromkeys(map(NAME, testing.ROWS), b"nonsense")
    pack = testing.write_pack(tmp_path / "pack", images=images)
    with pytest.raises(DatasetInputError, match="holds no usable portrait"):
        prepare(pack, data_dir, on_bad="skip")
    assert not (data_dir / VERSION_DIR).exists()
    assert not leftovers(data_dir)


def test_what_is_up_to_date_is_reused(pack, data_dir):
    path = pathlib.Path(prepare(pack, data_dir).data_path) / "build.json"
    before = path.stat().st_mtime_ns
    prepare(pack, data_dir)
    assert path.stat().st_mtime_ns == before
    # What is overwritten tells what it was built from.
    prepare_lib.prepare("tiny_portraits/archives", data_dir, overwrite=True)
    assert path.stat().st_mtime_ns > before


@pytest.mark.parametrize("name", ["*test.tfrecord*", "dataset_info.json"])
def test_a_data_set_that_lost_a_file_is_built_again(pack, data_dir, name):
    [path] = pathlib.Path(prepare(pack, data_dir).data_path).glob(name)
    path.unlink()
    prepare(pack, data_dir)
    assert {s: len(rows) for s, rows in load(data_dir).items()} == (
        testing.SPLIT_COUNTS
    )


@pytest.mark.parametrize("name", ["dataset_info.json", "features.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]"])
def test_damage_without_checksums_is_mended(
    pack, data_dir, capsys, name, content
):
    """As of a data set that was built before there were any."""
    folder = pathlib.Path(prepare(pack, data_dir).data_path)
    (folder / "checksums.json").unlink()
    (folder / name).write_bytes(content)
    prepare(pack, data_dir)
    assert f"in {folder} is damaged" in capsys.readouterr().out
    assert len(load(data_dir)["train"]) == 5
    assert (folder / "checksums.json").exists()


def test_verify_sees_what_has_changed_neither_size_nor_time(
    pack, data_dir, monkeypatch, capsys
):
    monkeypatch.setattr(checksums, "_ALWAYS_READ", 0)
    folder = pathlib.Path(prepare(pack, data_dir).data_path)
    [path] = folder.glob("*train.tfrecord*")
    whole, stat = path.read_bytes(), path.stat()
    path.write_bytes(whole[:-20] + b"x" + whole[-19:])
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    prepare(pack, data_dir)
    assert path.read_bytes() != whole
    assert "is damaged" not in capsys.readouterr().out
    prepare(pack, data_dir, verify=True)
    assert path.read_bytes() == whole
    assert f"{path.name} in {folder} is damaged" in capsys.readouterr().out


def test_a_file_in_place_of_the_folder_is_replaced(pack, data_dir):
    (data_dir / VERSION_DIR.parent).mkdir(parents=True)
    for name in (VERSION_DIR, VERSION_DIR.with_name("incomplete.x")):
        (data_dir / name).touch()
    prepare(pack, data_dir)
    assert len(load(data_dir)["train"]) == 5
    assert not leftovers(data_dir)


def test_what_is_up_to_date_needs_no_place_to_write(pack, data_dir):
    prepare(pack, data_dir)
    lock = data_dir / VERSION_DIR.with_name(".lock")
    lock.unlink()
    lock.symlink_to("/proc/nothing/lock")  # Refused to the superuser, too.
    assert prepare(pack, data_dir).info.splits["train"].num_examples == 5
    for flags in ({"overwrite": True}, {}):
        with pytest.raises(DatasetInputError, match="can't be written to"):
            prepare(pack, data_dir, **flags)
        (data_dir / VERSION_DIR / "features.json").unlink(missing_ok=True)


def test_a_damaged_drawn_pack_is_drawn_anew(data_dir):
    flags = {"count": 12, "overwrite": True}
    builder = prepare(data_dir=data_dir, **flags)
    shards = sorted(pathlib.Path(builder.data_path).glob("*-of-*"))
    whole = [path.read_bytes() for path in shards]
    [table] = data_dir.glob("downloads/*/*/Tiny_Portraits_Attributes.csv")
    text = table.read_text()
    for damaged in (text.replace("female", "male"), text[:40], ""):
        table.write_text(damaged)
        prepare(data_dir=data_dir, **flags)
        assert table.read_text() == text
        assert [path.read_bytes() for path in shards] == whole


@pytest.mark.parametrize("number", [0, 2])
def test_changed_inputs_are_named_with_the_flag(tmp_path, data_dir, number):
    pack = testing.write_pack(tmp_path / "pack", archives=number)
    prepare(pack, data_dir)
    folder = pack / facts.ARCHIVE_FOLDERS[0]
    first = min(folder.iterdir())
    os.utime(first, ns=(1, 1))
    changed = first.name if number else folder.name
    with pytest.raises(DatasetInputError, match=f"{changed} changed.*--over"):
        prepare(pack, data_dir)
    prepare(pack, data_dir, overwrite=True)
    # Only the content of the attribute file counts.
    os.utime(pack / facts.CSV_NAME, ns=(1, 1))
    prepare(pack, data_dir)
    rows = testing.ROWS | {0: ("male", "bald", "bald")}
    (pack / facts.CSV_NAME).write_text(testing.format_csv(rows))
    with pytest.raises(DatasetInputError, match="Attributes.csv changed"):
        prepare(pack, data_dir)
    prepare(pack, data_dir, overwrite=True)
    assert load(data_dir)["train"][0]["gender"] == 1


def build_with_tfds(pack, data_dir, limit=None, **arguments):
    """Builds as a user of TFDS does, without our command."""
    builder = tiny_portraits_dataset_builder.Builder(
        data_dir=data_dir, config="archives", **arguments
    )
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(
            manual_dir=pack, max_examples_per_split=limit
        )
    )


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_what_tfds_has_built_is_reused(pack, data_dir, file_format):
    build_with_tfds(pack, data_dir, file_format=file_format)
    info = prepare(pack, data_dir).info
    assert info.file_format.value == file_format
    assert info.splits["train"].num_examples == 5


def test_a_cut_data_set_does_not_pass_as_whole(pack, data_dir):
    build_with_tfds(pack, data_dir, limit=2)
    record = BuildRecord.read(data_dir / VERSION_DIR)
    assert record.found == testing.SPLIT_COUNTS
    assert record.counts == {"train": 2, "validation": 2, "test": 2}
    assert "train 2 of 5, validation 2" in format_summary(record, data_dir)
    message = r"part of the portraits \(train 2 of 5\).*--overwrite=True"
    with pytest.raises(DatasetInputError, match=message):
        prepare(pack, data_dir)
    builder = prepare(pack, data_dir, overwrite=True)
    assert builder.info.splits["train"].num_examples == 5
    # As many as there are cuts nothing.
    build_with_tfds(pack, data_dir / "5", limit=5)
    prepare(pack, data_dir / "5")


def test_skipped_images_are_no_cut(tmp_path, data_dir):
    images = {NAME(i): testing.make_image(i) for i in testing.ROWS}
    images[NAME(0)] = images[NAME(182_637)] = images[NAME(202_598)] = b""
    pack = testing.write_pack(tmp_path / "pack", images=images)
    prepare(pack, data_dir, on_bad="skip")
    record = BuildRecord.read(data_dir / VERSION_DIR)
    assert record.found == {"train": 4, "validation": 2, "test": 0}
    prepare(pack, data_dir, on_bad="skip")


def test_a_data_set_without_a_record_is_not_trusted(pack, data_dir):
    prepare(pack, data_dir)
    (data_dir / VERSION_DIR / "build.json").unlink()
    with pytest.raises(DatasetInputError, match="has no build.json.*--over"):
        prepare(pack, data_dir)


@pytest.mark.parametrize("file_format", ["parquet", "riegeli"])
def test_a_format_that_loses_portraits_is_refused(pack, data_dir, file_format):
    with pytest.raises(DatasetInputError, match=f"file_format={file_format}"):
        build_with_tfds(pack, data_dir, file_format=file_format)
    assert not leftovers(data_dir)
    # Of an earlier version it may be there.
    prepare(pack, data_dir)
    path = data_dir / VERSION_DIR / "dataset_info.json"
    path.write_text(path.read_text().replace('"tfrecord"', f'"{file_format}"'))
    for path in (data_dir / VERSION_DIR).glob("*.tfrecord*"):
        path.rename(str(path).replace("tfrecord", file_format))
    (data_dir / VERSION_DIR / "checksums.json").unlink()
    with pytest.raises(DatasetInputError, match=f"{file_format}.*--overwrite"):
        prepare(pack, data_dir)
    prepare(pack, data_dir, overwrite=True)
    assert len(load(data_dir)["train"]) == 5


def test_a_rebuild_that_fails_leaves_the_old_data_set(pack, data_dir):
    prepare(pack, data_dir)
    before = str(load(data_dir))
    image = min((pack / facts.ARCHIVE_FOLDERS[0]).iterdir())
    image.write_bytes(b"damaged")
    with pytest.raises(DatasetInputError, match="not a whole ZIP archive"):
        prepare(pack, data_dir, overwrite=True)
    assert str(load(data_dir)) == before
    assert not leftovers(data_dir)


# Stops for good once the first split has been written.
KILLED_BUILD = f"""
import sys, time
from {prepare_lib.__name__} import prepare
from {file_examples.__name__} import FileExamples

examples = FileExamples.__iter__

def stop(self):
    for number, (index, example) in enumerate(examples(self)):
        if index >= 182_637 and number == 1:
            print("stopped", flush=True)
            time.sleep(600)
        yield index, example

FileExamples.__iter__ = stop
prepare("tiny_portraits", sys.argv[2], sys.argv[1])
"""


def test_a_killed_build_does_not_load_and_the_next_one_succeeds(pack, data_dir):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED_BUILD, str(pack), str(data_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        try:
            # What TFDS prints itself goes before.
            assert any(line == "stopped\n" for line in process.stdout)
            # A second build does not touch the first one while it lives.
            with pytest.raises(DatasetInputError, match="Another process is"):
                prepare(pack, data_dir)
            [unfinished] = leftovers(data_dir)
            assert any(unfinished.iterdir())
        finally:
            process.kill()
    assert leftovers(data_dir)
    builder = tfds.builder("tiny_portraits/archives", data_dir=data_dir)
    with pytest.raises(AssertionError, match="could not find data"):
        builder.as_dataset(split="train")
    prepare(pack, data_dir)
    assert not leftovers(data_dir)
    assert {s: len(rows) for s, rows in load(data_dir).items()} == (
        testing.SPLIT_COUNTS
    )


def test_a_full_disk_is_said_as_such(pack, data_dir, monkeypatch):
    def fail(*args, **kwargs):
        error = tf.errors.ResourceExhaustedError(
            None, None, "x.tfrecord; No space left on device"
        )
        raise RuntimeError("Failed to finalize writing") from error

    monkeypatch.setattr(prepare_lib, "_build", fail)
    with pytest.raises(OSError) as error:
        prepare(pack, data_dir)
    assert error.value.errno == errno.ENOSPC


def test_too_little_space_is_said_before_the_work(pack, data_dir, monkeypatch):
    monkeypatch.setattr(record_files, "_DISK_SPACE_FACTOR", 1e15)
    with pytest.raises(DatasetInputError, match="Free some space or pass"):
        prepare(pack, data_dir)


def test_a_place_that_takes_no_data_set_is_refused(pack, tmp_path):
    (tmp_path / "file").touch()
    for data_dir in (tmp_path / "file", "/proc/nothing"):
        with pytest.raises(DatasetInputError, match="Pass another --data_dir"):
            prepare(pack, data_dir)


def test_tfds_without_manual_dir_says_what_to_put_there(data_dir):
    builder = tfds.builder("tiny_portraits/archives", data_dir=data_dir)
    with pytest.raises(DatasetInputError, match="Tiny_Portraits_Zipfiles"):
        builder.download_and_prepare()


def test_the_shuffle_of_a_large_split_goes_over_the_disk(
    pack, data_dir, monkeypatch
):
    monkeypatch.setattr(record_files, "_SHUFFLE_BUFFER_BYTES", 100)
    prepare(pack, data_dir)
    assert len(load(data_dir)["train"]) == 5


@pytest.mark.parametrize("count", [1, 3])
def test_a_few_drawn_portraits_are_a_data_set(data_dir, count):
    builder = prepare(data_dir=data_dir, count=count)
    splits = load(data_dir, builder.builder_config.name)
    assert sum(map(len, splits.values())) == count
