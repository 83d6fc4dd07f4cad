import dataclasses

import numpy as np
import pytest

from tests.portrait_factory import AGE
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.data import joint
from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

SHAPE = (2, 2, 3)
HUE = Task("hue", "binary", ("warm", "cold"))
SIGNS = Task("signs", "multi_label", ("hat", "scarf"))
RANK = Task("rank", "ordinal", ("low", "high"))

# The second has its classes in another order, and one more.
FIRST = Schema(
    SHAPE,
    (HUE, AGE, SIGNS),
    protected="hue",
    guarded=("age",),
    conditions=("hue",),
    shows_people=False,
)
SECOND = Schema(
    SHAPE,
    (
        dataclasses.replace(AGE, low=10, high=116, tolerance=3),
        Task("hue", "categorical", ("cold", "pale", "warm")),
        RANK,
    ),
    protected="rank",
    guarded=("hue",),
)


def portraits_of(name, schema, labels, start=0):
    count = len(next(iter(labels.values())))
    images = np.arange(start, start + count, dtype=np.uint8)
    return Portraits(
        images=np.tile(images[:, None, None, None], (1, *SHAPE)),
        labels={
            key: np.asarray(row, np.float32 if key == "age" else np.int32)
            for key, row in labels.items()
        },
        indices=np.arange(count, dtype=np.int64) * 7,
        dataset=name,
        split="train",
        storage="memory",
        fingerprint=f"print of {name}",
        schema=schema,
    )


A = portraits_of(
    "a",
    FIRST,
    {"hue": [0, 1, -1], "age": [20, np.nan, 3], "signs": [[0, 1]] * 3},
)
B = portraits_of(
    "b",
    SECOND,
    {"hue": [0, 1, 2, -1], "age": [11, 12, 13, np.nan], "rank": [1, 0, -1, 1]},
    start=3,
)


def merge(*schemas):
    return joint.merge_schemas(list(zip("abc", schemas, strict=False)))


def test_schemas_are_merged_by_the_names_of_tasks_and_classes():
    merged = merge(FIRST, SECOND)
    assert merged.task_names == ("hue", "age", "signs", "rank")
    # By hand: the classes of the first, then what the second adds.
    assert merged.task("hue") == Task(
        "hue", "categorical", ("warm", "cold", "pale")
    )
    number = dataclasses.replace(AGE, low=0, high=116, tolerance=5)
    assert merged.task("age") == number
    assert merged.task("signs") == SIGNS and merged.task("rank") == RANK
    # Roles are those of the first, and people are people.
    assert merged.protected == "hue" and merged.guarded == ("age",)
    assert merged.conditions == ("hue",) and merged.shows_people
    other = merge(SECOND, FIRST)
    assert other.task_names == ("age", "hue", "rank", "signs")
    assert other.task("hue").classes == ("cold", "pale", "warm")
    assert other.task("age").tolerance == 3 and other.task("age").low == 0
    assert other.protected == "rank"
    assert merge(FIRST) == FIRST


def test_two_classes_in_another_order_stay_binary():
    turned = Schema(SHAPE, [Task("hue", "binary", ("cold", "warm"))])
    assert merge(FIRST, turned).task("hue") == HUE


def with_task(task):
    return Schema(SHAPE, [task])


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            Schema((4, 2, 3), [HUE]),
            r"one size.*--image_size.*\(2, 2, 3\) of a, \(4, 2, 3\) of b",
        ),
        (
            with_task(Task("hue", "ordinal", ("warm", "cold"))),
            "hue of one kind.*binary, of warm, cold, and ordinal.* in b",
        ),
        (
            with_task(dataclasses.replace(AGE, unit="months")),
            "regression, of years, and regression, of months in b",
        ),
        (
            with_task(Task("signs", "multi_label", ("hat",))),
            "signs.*of hat, scarf, and multi_label, of hat in b",
        ),
        (with_task(Task("age", "binary", ("young", "old"))), "young, old in b"),
    ],
)
def test_what_does_not_go_together_is_said(other, message):
    with pytest.raises(UserError, match=message):
        merge(FIRST, other)


def test_ordered_classes_must_be_the_same_and_flags_may_be_turned():
    turned = with_task(Task("rank", "ordinal", ("high", "low")))
    with pytest.raises(UserError, match="rank of one kind"):
        merge(SECOND, turned)
    turned = with_task(Task("signs", "multi_label", ("scarf", "hat")))
    assert merge(FIRST, turned).task("signs") == SIGNS


def test_portraits_are_joined_and_what_one_lacks_is_missing():
    both = joint.join([A, B])
    assert both.schema == merge(FIRST, SECOND) and len(both) == 7
    # By hand: cold, pale, warm of the second become 1, 2, 0.
    assert both.labels["hue"].tolist() == [0, 1, -1, 1, 2, 0, -1]
    ages = [20, np.nan, 3, 11, 12, 13, np.nan]
    np.testing.assert_array_equal(both.labels["age"], np.float32(ages))
    signs = [[0, 1]] * 3 + [[-1, -1]] * 4
    assert both.labels["signs"].tolist() == signs
    assert both.labels["rank"].tolist() == [-1, -1, -1, 1, 0, -1, 1]
    dtypes = {name: values.dtype for name, values in both.labels.items()}
    assert dtypes.pop("age") == np.float32
    assert set(dtypes.values()) == {np.dtype(np.int32)}
    own = [0, 7, 14, 21]
    assert both.indices.tolist() == own[:3] + [10**9 + i for i in own]
    assert (both.dataset, both.split) == ("a + b", "train")
    assert both.fingerprint == "print of a+print of b"
    assert both.parts == (3, 4) and A.parts == (3,)
    pixels = np.asarray(both.images)[:, 0, 0, 0]
    np.testing.assert_array_equal(pixels, np.arange(7))
    # Missing numbers are missing in a data set that has none at all.
    ages = joint.join([portraits_of("c", with_task(RANK), {"rank": [0]}), A])
    assert np.isnan(ages.labels["age"][0])
    assert joint.join([A]) is A


def test_rows_that_are_taken_know_where_they_come_from():
    both = joint.join([A, B])
    assert both.take(np.array([0, 1, 5])).parts == (2, 1)
    assert both.take(np.array([4, 6])).parts == (2,)
    assert both.take(np.arange(7) > 1).parts == (1, 4)


def test_splits_and_storage_of_the_parts_are_told():
    mapped = dataclasses.replace(B, storage="disk", split="train[:3]")
    both = joint.join([A, mapped])
    assert (both.split, both.storage) == ("train + train[:3]", "disk")


@pytest.mark.parametrize("index", [-1, 10**9])
def test_indices_without_a_place_are_refused(index):
    strange = dataclasses.replace(A, indices=np.array([0, 1, index]))
    with pytest.raises(UserError, match="below a billion.*of a"):
        joint.join([strange, B])


def test_all_tasks_of_a_schema_are_there_where_one_looks_at_a_part():
    part = joint.with_all_tasks(A, merge(FIRST, SECOND))
    assert part.schema.task_names == ("hue", "age", "signs", "rank")
    assert part.labels["rank"].tolist() == [-1] * 3
    assert part.labels["hue"].tolist() == [0, 1, -1]
    assert not part.schema.shows_people and part.fingerprint == A.fingerprint


@pytest.fixture
def arrays(tmp_path):
    """Images in memory, in a mapped file, and in memory once more."""
    rng = np.random.default_rng(0)
    made = [
        rng.integers(256, size=(n, 2, 4, 3), dtype=np.uint8) for n in (3, 5, 2)
    ]
    np.save(tmp_path / "b.npy", made[1])
    made[1] = np.load(tmp_path / "b.npy", mmap_mode="r")
    return made


@pytest.mark.parametrize(
    "rows",
    [
        *(0, 4, -1, np.int32(9)),
        *(slice(None), slice(2, 9), slice(3, 8), slice(0, 0), slice(1, 9, 3)),
        *(slice(-3, None), slice(None, None, -1)),
        *([], [9, 0, 3, 3], np.array([-1, 2]), np.arange(10) % 3 == 1),
    ],
    ids=str,
)
def test_images_are_read_as_one_array(arrays, rows):
    images = joint.JointImages(arrays)
    whole = np.concatenate(arrays)
    expected = whole[np.asarray(rows, int) if isinstance(rows, list) else rows]
    found = images[rows]
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)


def test_images_are_not_copied(arrays):
    images = joint.JointImages(arrays)
    assert images.shape == (10, 2, 4, 3) and len(images) == 10
    assert images.nbytes == 10 * 24 and images.dtype == np.uint8
    assert np.shares_memory(images[:3], arrays[0])
    assert isinstance(images[4:7], np.memmap)
    np.testing.assert_array_equal(np.asarray(images), np.concatenate(arrays))
    assert np.asarray(images, np.float32).dtype == np.float32
    assert len([*images]) == 10
    for rows in (10, -11, [0, 10]):
        with pytest.raises(IndexError):
            images[rows]


def test_a_model_predicts_joint_images_as_it_does_an_array(arrays):
    import keras

    image = keras.Input((2, 4, 3), dtype="uint8")
    output = keras.ops.sum(keras.ops.cast(image, "float32"), axis=(1, 2, 3))
    model = keras.Model(image, {"sum": output})
    images = joint.JointImages(arrays)
    for given in (images, np.concatenate(arrays)):
        found = joint.predict_each(model, given, 4, verbose=0)
        sums = np.concatenate(arrays).sum((1, 2, 3))
        np.testing.assert_array_equal(found["sum"], sums)


@pytest.mark.parametrize(
    ("counts", "mixing", "expected"),
    [
        ((300, 100), 1.0, (300, 100)),
        ((300, 100), 0.0, (200, 200)),
        # 400 * 17.32 / 27.32 = 253.6.
        ((300, 100), 0.5, (254, 146)),
        # Halves: the sum stays, and the first has what is left.
        ((3, 2), 0.0, (3, 2)),
        ((2, 3), 0.0, (3, 2)),
        ((8, 1, 1), 0.0, (4, 3, 3)),
        ((5,), 0.3, (5,)),
    ],
)
def test_shares_of_a_pass_by_hand(counts, mixing, expected):
    assert joint.pass_counts(counts, mixing) == expected


def test_shares_of_a_pass_have_the_sum_and_are_within_one_of_exact():
    rng = np.random.default_rng(0)
    for _ in range(200):
        counts = tuple(rng.integers(1, 10**6, rng.integers(1, 6)).tolist())
        assert joint.pass_counts(counts, 1.0) == counts
        mixing = rng.random()
        taken = np.array(joint.pass_counts(counts, mixing))
        exact = np.array(counts) ** mixing
        exact *= sum(counts) / exact.sum()
        assert taken.sum() == sum(counts)
        assert np.abs(taken - exact).max() < 1


def test_a_pass_goes_on_in_the_stream_of_each_data_set():
    counts, seed = (6, 3), 4
    passes = [joint.mixed_rows(counts, 0.0, seed, n) for n in range(6)]
    assert all(len(rows) == 9 and rows.dtype == np.int32 for rows in passes)
    # Six passes of 5 and 4 are 5 turns of the one and 8 of the other.
    first = np.concatenate([rows[:5] for rows in passes]).reshape(5, 6)
    second = np.concatenate([rows[5:] for rows in passes]).reshape(8, 3)
    np.testing.assert_array_equal(np.sort(first), [list(range(6))] * 5)
    np.testing.assert_array_equal(np.sort(second), [[6, 7, 8]] * 8)
    assert len({tuple(turn) for turn in first}) > 1
    # It is a function of seed and number.
    again = joint.mixed_rows(counts, 0.0, seed, 3)
    np.testing.assert_array_equal(again, passes[3])
    other = joint.mixed_rows(counts, 0.0, seed + 1, 3)
    assert other.tolist() != again.tolist()


def test_what_a_pass_takes_is_said():
    said = joint.describe_mixing(joint.join([A, B]), 0.0)
    assert said == (
        "A pass takes 4 of the 3 of a (57%) and 3 of the 4 of b (43%)."
    )


def test_portraits_of_every_kind_are_joined_with_those_of_another_schema():
    # What the factory makes has every kind of task, and missing labels.
    made = make_portraits(6, schema=EVERY_KIND)
    tasks = [t for t in SCHEMA.tasks if t.name == "hair_type"]
    other = make_portraits(4, schema=Schema(EVERY_KIND.image_shape, tasks))
    both = joint.join([made, dataclasses.replace(other, dataset="b")])
    for name, values in made.labels.items():
        np.testing.assert_array_equal(both.labels[name][:6], values)
    known = other.labels["hair_type"]
    np.testing.assert_array_equal(both.labels["hair_type"][6:], known)
    assert (both.labels["hair_type"][:6] == -1).all()
    assert np.isnan(both.labels["age"][6:]).all()
    assert (both.groups[6:] == -1).all()
