"""A build by a pipeline leaves what a build without one leaves."""

import json
import pathlib

import numpy as np
import pytest
from tensorflow_datasets.core.utils import shard_utils

from datasets.building import prepare as prepare_lib
from datasets.building.beam_writer import Stretch
from datasets.building.beam_writer import cut_shards
from datasets.building.errors import DatasetInputError
from datasets.building.face_builder import FaceBuilder
from datasets.tiny_portraits import testing
from training.beam_options import read_beam_options

ONE = ("runner=FnApiRunner",)
TWO = (*ONE, "direct_running_mode=multi_processing", "direct_num_workers=2")
NAME = "Tiny_Portrait_{:06d}.png".format

# Of these each build has its own: they tell the time.
OWN = ("build.json", "checksums.json")


def prepare(pack, folder, words=(), name="tiny_portraits", **flags):
    builder = prepare_lib.prepare(
        name, folder, pack, beam_options=read_beam_options(words), **flags
    )
    return pathlib.Path(builder.data_path)


def contents(folder):
    """The files of a data set, and its record without what tells the time."""
    record = json.loads((folder / "build.json").read_text()) | {"seconds": 0}
    files = {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.name not in OWN
    }
    return files, record


def make_pack(folder, count=300, step=7, bad=()):
    rows = dict.fromkeys(range(0, count * step, step), testing.ROWS[0])
    rows |= testing.ROWS
    images = {NAME(index): testing.make_image(index) for index in rows}
    images |= {NAME(index): content for index, content in bad}
    return testing.write_pack(folder, rows, images=images)


@pytest.mark.parametrize("words", [ONE, TWO])
def test_the_files_and_the_record_are_those_of_a_plain_build(tmp_path, words):
    pack = make_pack(tmp_path / "pack")
    plain = contents(prepare(pack, tmp_path / "plain"))
    piped = contents(prepare(pack, tmp_path / "piped", words))
    assert piped == plain
    assert piped[1]["counts"] == {"train": 303, "validation": 2, "test": 2}


def test_5000_drawn_portraits_have_the_same_bytes_in_several_shards(
    tmp_path, monkeypatch
):
    """With shards so small that there are many, in this process alone."""
    monkeypatch.setattr(shard_utils.ShardConfig, "min_shard_size", 4 << 20)
    plain = contents(prepare(None, tmp_path / "a", count=5000))
    # What was drawn is found again.
    (tmp_path / "b").mkdir()
    (tmp_path / "a/downloads").rename(tmp_path / "b/downloads")
    piped = contents(prepare(None, tmp_path / "b", ONE, count=5000))
    assert piped[0] == plain[0]
    assert sum("-train." in name for name in plain[0]) == 16
    for name in ("found", "counts", "labels", "inputs"):
        assert piped[1][name] == plain[1][name]


def test_faces_that_are_converted_have_the_same_bytes(tmp_path):
    flags = {"name": "utk_face", "count": 400}
    plain = contents(prepare(None, tmp_path, **flags))
    flags["overwrite"] = True
    assert contents(prepare(None, tmp_path, ONE, **flags)) == plain


BAD = [(index, b"nonsense") for index in (0, 7, 14, 700, 182_637)]


def test_bad_pictures_are_left_out_and_listed_as_without_beam(tmp_path):
    pack = make_pack(tmp_path / "pack", bad=BAD)
    flags = {"on_bad": "skip"}
    plain = contents(prepare(pack, tmp_path / "plain", **flags))
    piped = contents(prepare(pack, tmp_path / "piped", TWO, **flags))
    assert piped == plain
    assert piped[0]["skipped.csv"].count(b"is not a PNG image") == 5
    assert piped[1]["skipped"] == 5


@pytest.mark.parametrize("bad", [BAD, BAD[3:4]])
def test_a_bad_picture_is_named_as_without_beam(tmp_path, bad):
    """The first of a split is met before the pipeline, the 100th by it."""
    pack = make_pack(tmp_path / "pack", bad=bad)
    said = []
    for words in ((), ONE):
        with pytest.raises(DatasetInputError) as caught:
            prepare(pack, tmp_path / "tfds", words)
        said.append(str(caught.value))
    assert said[0] == said[1]
    left = (tmp_path / "tfds/tiny_portraits/archives").glob("[!.]*")
    assert not list(left)


def test_a_split_without_a_usable_picture_is_left_out(tmp_path):
    bad = [(index, b"") for index in (182_637, 202_598)]
    pack = make_pack(tmp_path / "pack", count=3, bad=bad)
    flags = {"on_bad": "skip"}
    plain = contents(prepare(pack, tmp_path / "plain", **flags))
    assert contents(prepare(pack, tmp_path / "piped", ONE, **flags)) == plain
    assert plain[1]["found"]["test"] == 0


def test_examples_one_by_one_can_not_be_shared_out(tmp_path, monkeypatch):
    content = prepare_lib.find_builder_class("tiny_portraits").open_content

    def open_content(self, *arguments):
        opened = content(self, *arguments)
        parts = {
            name: part._replace(examples=iter(part.examples))
            for name, part in opened.parts.items()
        }
        return opened._replace(parts=parts)

    builder_class = prepare_lib.find_builder_class("tiny_portraits")
    assert issubclass(builder_class, FaceBuilder)
    monkeypatch.setattr(builder_class, "open_content", open_content)
    pack = make_pack(tmp_path / "pack", count=3)
    with pytest.raises(DatasetInputError, match="yields its examples one by"):
        prepare(pack, tmp_path / "tfds", ONE)


def test_shards_are_cut_by_the_order_of_keys_and_of_equal_numbers():
    def run(path, keys):
        keys = b"".join(key.to_bytes(16, "big") for key in keys)
        sizes = np.full(len(keys) // 16, 10) + np.arange(len(keys) // 16)
        return Stretch(pathlib.Path(path), 0, keys, sizes)

    # The high half of a key counts before the low one.
    high = 1 << 100
    runs = [run("a", [1, 5, high]), run("b", [2, 3, high + 1, high + 2])]
    config = shard_utils.ShardConfig(num_shards=3)
    shards = list(cut_shards(runs, config))
    found = [
        (number, count)
        + tuple(
            (str(part.path), part.offset, part.sizes.tolist()) for part in parts
        )
        for number, count, parts in shards
    ]
    # Sorted: 1a 2b | 3b 5a high_a | high+1_b high+2_b; 7/3 and 14/3 rounded.
    assert found == [
        (0, 3, ("a", 0, [10]), ("b", 0, [10])),
        (1, 3, ("a", 10, [11, 12]), ("b", 10, [11])),
        (2, 3, ("b", 21, [12, 13])),
    ]
    assert shards[2][2][0].keys[:16] == (high + 1).to_bytes(16, "big")
