import dataclasses
import json
import shutil

import numpy as np
import pytest

from tp_keras.config import DataConfig
from tp_keras.data.source import load_portraits
from tp_keras.data.splits import resolve_splits
from tp_keras.errors import UserError

DATASET = "tiny_portraits/synthetic_tiny"
OTHER = "utk_face/synthetic_tiny"


@pytest.fixture(scope="module")
def first_archives(tiny_data_dir, tmp_path_factory):
    """The data set as the first archives give it: training portraits alone."""
    folder = tmp_path_factory.mktemp("first")
    shutil.copytree(tiny_data_dir / DATASET, folder / DATASET)
    (path,) = (folder / DATASET).glob("*/dataset_info.json")
    info = json.loads(path.read_text())
    info["splits"] = [s for s in info["splits"] if s["name"] == "train"]
    path.write_text(json.dumps(info))
    path.with_name("checksums.json").unlink()
    return folder


def resolve(data_dir, **splits):
    said = []
    data = DataConfig(data_dir=str(data_dir), dataset=DATASET, **splits)
    found = resolve_splits(data, said.append)
    return found.train_split, found.validation_split, " ".join(said)


def test_splits_that_there_are_stay(tiny_data_dir):
    assert resolve(tiny_data_dir) == ("train", "validation", "")
    half = resolve(tiny_data_dir, train_split="train[:50%]")
    assert half == ("train[:50%]", "validation", "")
    apart = resolve(
        tiny_data_dir, train_split="train[:50%]", validation_split="train[50%:]"
    )
    assert apart == ("train[:50%]", "train[50%:]", "")


def test_without_validation_a_tenth_is_held_out(first_archives):
    train, validation, said = resolve(first_archives)
    assert (train, validation) == ("train[0:288]", "train[90%:]")
    assert "no validation portraits" in said
    # What a part of train can't give is said.
    assert "same people" in said
    half = resolve(first_archives, train_split="train[:50%]")
    assert half[:2] == ("train[:50%]", "train[90%:]")
    # Nothing is in both, and nothing is lost.
    parts = [
        load_portraits(first_archives, DATASET, split, progress=False).indices
        for split in (train, validation, "train")
    ]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts[:2])), parts[2])


def test_each_of_several_data_sets_has_splits_of_its_own(
    two_data_sets, first_archives, tmp_path
):
    # One with a split `validation`, and one without.
    shutil.copytree(two_data_sets / OTHER, tmp_path / OTHER)
    shutil.copytree(first_archives / DATASET, tmp_path / DATASET)
    names = (OTHER, DATASET)
    data = DataConfig(data_dir=str(tmp_path), dataset=names)
    found = resolve_splits(data, lambda text: None)
    assert found.train_split == ("train", "train[0:288]")
    assert found.validation_split == ("validation", "train[90%:]")
    # What is resolved stays as it is, as a resumption finds it.
    assert resolve_splits(found, lambda text: None) == found
    both = load_portraits(*found.location("train"), progress=False)
    assert both.parts[1] == 288 and both.split == "train + train[0:288]"
    own = load_portraits(*found.parts[1].location("train"), progress=False)
    own_fingerprint = both.fingerprint.split("+")[1]
    assert own.fingerprint == own_fingerprint
    half = dataclasses.replace(data, train_split="train[:50%]")
    assert resolve_splits(half, print).train_split == "train[:50%]"


def test_several_data_sets_lie_in_one_folder_and_differ(two_data_sets):
    names = (DATASET, OTHER)
    version = two_data_sets / DATASET / "1.1.0"
    for wrong, message in (
        ((str(version), names), "Received: that of one version"),
        ((str(two_data_sets), (OTHER, f"{OTHER}:1.0.0")), "that differ"),
        ((str(two_data_sets), (OTHER, "no/such")), "dataset no/such"),
    ):
        data = DataConfig(*wrong)
        with pytest.raises(UserError, match=message):
            resolve_splits(data)
        with pytest.raises(UserError, match=message):
            load_portraits(*data.location("train"))


@pytest.mark.parametrize(
    ("train", "validation", "left"),
    [
        ("train", "train[90%:]", "train[0:288]"),
        ("train", "train[10:20]", "train[0:10]+train[20:320]"),
        ("train", "train[:10]+train[-10:]", "train[10:310]"),
        ("train[:100]", "train[50:150]", "train[0:50]"),
        ("train+validation", "validation", "train[0:320]"),
        ("train+test[:5]", "train[:50%]", "train[160:320]+test[0:5]"),
    ],
)
def test_what_is_validated_on_is_left_out(
    train, validation, left, tiny_data_dir
):
    found = resolve(
        tiny_data_dir, train_split=train, validation_split=validation
    )
    assert found[:2] == (left, validation)
    assert f"{left} is trained on" in found[2]


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({"validation_split": "train"}, "Nothing is left to train on"),
        ({"train_split": "train[95%:]"}, "Nothing is left.*train.95%"),
        ({"train_split": "trian"}, "Received: split=trian"),
        ({"validation_split": "train[x:]"}, "Received: split=train.x"),
        ({"validation_split": "train[999:]"}, "Received: split=train.999"),
        ({"validation_split": "test"}, "Expected a split out of train of"),
    ],
)
def test_what_cant_be_is_one_sentence(splits, message, first_archives):
    with pytest.raises(UserError, match=message):
        resolve(first_archives, **splits)
