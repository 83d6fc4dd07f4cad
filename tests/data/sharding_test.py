import dataclasses

import numpy as np
import pytest

from tests.portrait_factory import GENDER
from tp_keras.config import AugmentConfig
from tp_keras.config import DataConfig
from tp_keras.data import pipeline
from tp_keras.data import sharding
from tp_keras.data.builders import find_builder
from tp_keras.data.pipeline import TrainingBatches
from tp_keras.data.pipeline import evaluation_batches
from tp_keras.data.source import load_split
from tp_keras.errors import UserError
from tp_keras.hosts import Place

TARGETS = {"gender": GENDER}


@pytest.fixture(scope="module", params=["one data set", "two data sets"])
def loaded(request, two_data_sets):
    """Settings, and what 1, 2 and 4 hosts load, each in this process."""
    names = ("tiny_portraits/synthetic_tiny", "utk_face/synthetic_tiny")
    names = names[:1] if request.param == "one data set" else names
    config = DataConfig(data_dir=str(two_data_sets), dataset=names, shards=4)
    config = dataclasses.replace(config, train_split="train[:90]")
    told, found = [], {}
    with pytest.MonkeyPatch.context() as patch:
        for count in (1, 2, 4):
            found[count] = []
            for index in range(count):
                place = Place(index, count)
                patch.setattr(sharding, "place", lambda here=place: here)
                # The first one has all shards.
                patch.setattr(
                    sharding,
                    "exchange",
                    lambda value: told or told.append(value) or told,
                )
                found[count].append(load_split(config, "train", False))
    return config, found


def test_shards_of_all_hosts_are_the_portraits_in_one_piece(loaded):
    data, found = loaded
    whole = load_split(dataclasses.replace(data, shards=1), "train", False)
    seen = []
    for portraits in found[2]:
        np.testing.assert_array_equal(portraits.indices, whole.indices)
        assert portraits.parts == whole.parts
        assert portraits.schema == whole.schema
        for name, labels in whole.labels.items():
            np.testing.assert_array_equal(portraits.labels[name], labels)
        own = portraits.own_rows
        np.testing.assert_array_equal(portraits.images[own], whole.images[own])
        others = np.setdiff1d(np.arange(len(whole)), own)
        with pytest.raises(IndexError, match="another host"):
            portraits.images[others[:1]]
        seen.append(own)
    assert sorted(np.concatenate(seen)) == list(range(len(whole)))
    (alone,) = found[1]
    assert alone.fingerprint == portraits.fingerprint != whole.fingerprint
    np.testing.assert_array_equal(alone.images, whole.images[:])


@pytest.mark.parametrize("mixing", [1.0, 0.0])
def test_batches_of_hosts_are_parts_of_those_of_one(
    loaded, mixing, monkeypatch
):
    _, found = loaded
    options = {
        "batch_size": 16,
        "augment_config": AugmentConfig(erasing=0.5, blur=0.5, hue=20.0),
        "mixing": mixing,
        "class_balance": 0.5,
    }

    def first(portraits, place):
        monkeypatch.setattr(pipeline, "place", lambda: place)
        batches = TrainingBatches(portraits, TARGETS, **options)
        steps = batches.steps_per_epoch
        rows = batches.row_batches().take(steps)
        return (
            list(batches.dataset().take(2).as_numpy_iterator()),
            np.stack([row for _, row in rows.as_numpy_iterator()]),
        )

    (portraits,) = found[1]
    alone, rows = first(portraits, Place(0, 1))
    for count in (2, 4):
        parts = [
            first(own, Place(index, count))[0]
            for index, own in enumerate(found[count])
        ]
        for number, batch in enumerate(alone):
            images, labels, weights = zip(
                *(part[number] for part in parts), strict=True
            )
            np.testing.assert_array_equal(np.concatenate(images), batch[0])
            for column, expected in ((labels, batch[1]), (weights, batch[2])):
                joined = np.concatenate([each["gender"] for each in column])
                np.testing.assert_array_equal(joined, expected["gender"])
    # Every batch has four of each shard, and a pass no portrait twice.
    shards = portraits.shards[rows]
    np.testing.assert_array_equal(shards, [np.repeat(range(4), 4)] * len(rows))
    if mixing:
        assert len(np.unique(rows)) == rows.size


@pytest.mark.parametrize("hosts", [3, 4])
def test_what_fills_the_last_batch_weighs_nothing(loaded, hosts, monkeypatch):
    (portraits,) = loaded[1][1]
    count = len(portraits) - 1
    portraits = portraits.take(np.arange(count))
    found = []
    for index in range(hosts):
        monkeypatch.setattr(pipeline, "place", Place(index, hosts)._replace)
        batches = evaluation_batches(portraits, TARGETS, 64, hosts)
        found.append(list(batches.as_numpy_iterator()))
    images, weights = [], []
    for parts in zip(*found, strict=True):
        images += [part[0] for part in parts]
        weights += [part[2]["gender"] for part in parts]
    images, weights = np.concatenate(images), np.concatenate(weights)
    np.testing.assert_array_equal(images[:count], portraits.images[:])
    known = portraits.labels["gender"] >= 0
    np.testing.assert_array_equal(weights[:count], known)
    assert len(weights) % hosts == 0 and not weights[count:].any()


def test_parts_of_a_split_cover_it_evenly(two_data_sets):
    name = "tiny_portraits/synthetic_tiny"
    builder = find_builder(two_data_sets, name)
    assert sharding.even_splits(builder, "train[:10]+test[1:5]", 4) == [
        "train[0:2]+test[1:2]",
        "train[2:5]+test[2:3]",
        "train[5:8]+test[3:4]",
        "train[8:10]+test[4:5]",
    ]
    with pytest.raises(UserError, match="at least 4 portraits.*Received: 3"):
        sharding.even_splits(builder, "train[:3]", 4)


def test_what_hosts_cannot_share_is_refused(loaded, monkeypatch):
    data, found = loaded
    with pytest.raises(UserError, match="4 shards share.*batch_size=6"):
        TrainingBatches(found[1][0], TARGETS, batch_size=6)
    monkeypatch.setattr(sharding, "place", lambda: Place(0, 3))
    with pytest.raises(UserError, match="--shards 3.*Received: shards=4"):
        load_split(data, "train", False)
