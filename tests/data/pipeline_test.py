import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import GENDER
from tests.portrait_factory import HAIR_COLOR
from tests.portrait_factory import make_portraits
from tp_keras.config import AugmentConfig
from tp_keras.data.joint import join
from tp_keras.data.joint import mixed_rows
from tp_keras.data.pipeline import TrainingBatches
from tp_keras.data.pipeline import evaluation_batches
from tp_keras.data.pipeline import made_batches
from tp_keras.errors import UserError

FIRST_BATCH = [28, 33, 14, 32, 23, 7, 5, 34]

TARGETS = {"gender": GENDER, "hair_color": HAIR_COLOR, "adversary": GENDER}


def make_batches(portraits, **kwargs):
    return TrainingBatches(portraits, TARGETS, **{"batch_size": 8, **kwargs})


def take(batches, count, first_epoch=0):
    dataset = batches.dataset(first_epoch).take(count)
    return list(dataset.as_numpy_iterator())


def rows_of(portraits, images):
    """The rows whose pictures these are."""
    known = {x.tobytes(): row for row, x in enumerate(portraits.images)}
    return [known[x.tobytes()] for x in images]


def test_an_epoch_has_every_row_once_with_its_own_labels():
    portraits = make_portraits(40)
    batches = make_batches(portraits)
    assert batches.steps_per_epoch == 5
    seen = []
    for images, labels, weights in take(batches, 5):
        rows = rows_of(portraits, images)
        seen += rows
        gender = portraits.labels["gender"][rows]
        color = portraits.labels["hair_color"][rows]
        np.testing.assert_array_equal(labels["gender"], gender)
        np.testing.assert_array_equal(labels["adversary"], gender)
        np.testing.assert_array_equal(
            labels["hair_color"], np.maximum(color, 0)
        )
        np.testing.assert_array_equal(weights["hair_color"], color >= 0)
    assert sorted(seen) == list(range(40))
    assert seen != sorted(seen)


def shuffled(rows, seed, number):
    """An order as every run so far has it, a pass of 40 in batches of 8."""
    order = tf.random.experimental.stateless_shuffle(rows, [seed, number])
    return order.numpy().reshape(5, 8).tolist()


@pytest.mark.parametrize("mixing", [1.0, 0.2])
def test_the_order_of_one_data_set_is_that_of_runs_before(mixing):
    portraits = make_portraits(40)
    batches = make_batches(portraits, seed=3, mixing=mixing)
    found = [rows_of(portraits, batch[0]) for batch in take(batches, 10)]
    rows = np.arange(40)
    assert found == shuffled(rows, 3, 0) + shuffled(rows, 3, 1)
    # What they are, lest the formula changes with a package.
    assert found[0] == FIRST_BATCH


def join_two():
    other = dataclasses.replace(make_portraits(30, seed=1), dataset="b")
    return join([make_portraits(10), other])


def test_a_pass_has_the_share_of_every_data_set():
    portraits = join_two()
    every = make_batches(portraits, seed=3)
    found = [rows_of(portraits, batch[0]) for batch in take(every, 5)]
    # Every portrait as often: as if they were one data set.
    assert found == shuffled(np.arange(40), 3, 0)

    batches = dataclasses.replace(every, mixing=0.0)
    assert batches.steps_per_epoch == 5
    counts = np.zeros(40, int)
    for number in range(3):
        found = take(batches, 5, number)
        chosen = mixed_rows((10, 30), 0.0, 3, number)
        rows = [rows_of(portraits, images) for images, *_ in found]
        assert rows == shuffled(chosen, 3, number)
        assert sum(row < 10 for batch in rows for row in batch) == 20
        np.add.at(counts, np.concatenate(rows), 1)
        gender = [labels["gender"] for _, labels, _ in found]
        known = portraits.labels["gender"][np.array(rows)]
        np.testing.assert_array_equal(gender, known)
    # Sixty of ten, sixty of thirty: each of a data set as often.
    assert counts.tolist() == [6] * 10 + [2] * 30


def test_epochs_differ_and_the_seed_decides():
    portraits = make_portraits(40)
    first, other = (
        [
            rows_of(portraits, batch[0])
            for batch in take(make_batches(portraits, seed=seed), 10)
        ]
        for seed in (0, 1)
    )
    assert first != other
    assert first[:5] != first[5:]


@pytest.mark.parametrize("mixing", [1.0, 0.5])
def test_a_later_start_sees_what_the_whole_would_have_seen(mixing):
    portraits = join_two() if mixing < 1 else make_portraits(40)
    single = make_batches(
        portraits, seed=3, augment_config=AugmentConfig(), mixing=mixing
    )
    # An epoch of two passes is two epochs of one.
    double = dataclasses.replace(single, passes_per_epoch=2)
    assert double.steps_per_epoch == 2 * single.steps_per_epoch == 10
    whole = take(single, 20)[10:]
    for resumed in (take(single, 10, 2), take(double, 10, 1)):
        for expected, found in zip(whole, resumed, strict=True):
            np.testing.assert_array_equal(found[0], expected[0])
            np.testing.assert_array_equal(
                found[1]["gender"], expected[1]["gender"]
            )


def test_weights_of_rows_multiply_those_of_their_labels():
    portraits = make_portraits(40)
    chosen = np.arange(40) % 4 > 0
    factors = {"hair_color": chosen, "adversary": np.full(40, 0.5)}
    plain = make_batches(portraits, class_balance=1.0)
    weighted = dataclasses.replace(plain, row_weights=factors)
    for (images, _, before), (_, _, after) in zip(
        take(plain, 5), take(weighted, 5), strict=True
    ):
        rows = rows_of(portraits, images)
        np.testing.assert_array_equal(after["gender"], before["gender"])
        np.testing.assert_array_equal(
            after["hair_color"], before["hair_color"] * chosen[rows]
        )
        np.testing.assert_allclose(
            after["adversary"], before["adversary"] * 0.5
        )
        assert after["hair_color"].dtype == np.float32


def test_augmentation_leaves_the_cache_and_a_mapped_file_alone(tmp_path):
    portraits = make_portraits(16)
    before = portraits.images.copy()
    np.save(tmp_path / "x.npy", before)
    mapped = dataclasses.replace(
        portraits, images=np.load(tmp_path / "x.npy", mmap_mode="r")
    )
    found, again = (
        take(make_batches(rows, augment_config=AugmentConfig()), 2)
        for rows in (portraits, mapped)
    )
    for a, b in zip(found, again, strict=True):
        assert a[0].dtype == np.uint8
        np.testing.assert_array_equal(a[0], b[0])
    np.testing.assert_array_equal(portraits.images, before)


def test_more_portraits_in_a_batch_than_there_are():
    with pytest.raises(UserError, match="at most 4.*Received: batch_size=8"):
        _ = make_batches(make_portraits(4)).steps_per_epoch


@pytest.mark.parametrize("is_joint", [False, True])
def test_evaluation_sees_all_in_order(is_joint):
    portraits = make_portraits(21)
    if is_joint:
        parts = portraits.take(range(10)), portraits.take(range(10, 21))
        portraits = join(parts)
    batches = evaluation_batches(portraits, TARGETS, batch_size=8)
    images = [images for images, *_ in batches.as_numpy_iterator()]
    assert [len(part) for part in images] == [8, 8, 5]
    np.testing.assert_array_equal(np.concatenate(images), portraits.images)


def test_labels_of_every_kind_come_with_their_weights():
    portraits = make_portraits(24, schema=EVERY_KIND)
    targets = {task.name: task for task in EVERY_KIND.tasks}
    halves = {"signs": np.full(24, 0.5), "age": np.full(24, 0.5)}
    batches = TrainingBatches(portraits, targets, 24, row_weights=halves)
    for found, factor in (
        (take(batches, 1), 0.5),
        (evaluation_batches(portraits, targets).as_numpy_iterator(), 1.0),
    ):
        ((images, labels, weights),) = found
        rows = rows_of(portraits, images)
        age, signs = (portraits.labels[name][rows] for name in ("age", "signs"))
        assert np.isnan(age).any() and (signs == -1).any()
        np.testing.assert_array_equal(labels["age"], np.nan_to_num(age))
        np.testing.assert_array_equal(labels["signs"], np.maximum(signs, 0))
        np.testing.assert_array_equal(weights["age"], factor * np.isfinite(age))
        np.testing.assert_array_equal(weights["signs"], factor * (signs >= 0))


def test_no_thread_tunes_what_is_read():
    # It sleeps for up to a minute, and the end of a training waits for it.
    portraits = make_portraits(64)
    targets = {task.name: task for task in portraits.schema.tasks}
    for dataset in (
        make_batches(portraits).dataset(),
        evaluation_batches(portraits, targets),
        made_batches(lambda step: np.full(2, step), 3),
    ):
        for later in (dataset, dataset.map(lambda *rows: rows)):
            assert later.options().autotune.enabled is False
