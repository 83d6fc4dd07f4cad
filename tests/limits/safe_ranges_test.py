"""Losses along an axis, and the ranges that are safe."""

import dataclasses

import numpy as np
import pytest

from tests.portrait_factory import AGE
from tests.portrait_factory import SIGNS
from tests.portrait_factory import SMILE
from tp_keras.errors import UserError
from tp_keras.limits.axes import Axis
from tp_keras.limits.finding import measure_finder
from tp_keras.limits.measure import FINDER
from tp_keras.limits.measure import LOSS
from tp_keras.limits.measure import LOSS_OF_SHARE
from tp_keras.limits.measure import measure_task
from tp_keras.limits.safe_ranges import find_safe_ranges
from tp_keras.limits.safe_ranges import range_table
from tp_keras.limits.safe_ranges import read_safe_ranges
from tp_keras.limits.safe_ranges import warnings_of
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one
from tp_keras.records.table import markdown_table

COUNT = 400
TURN = Axis("turn", "Turn", "degrees", (-20, -10, 0, 10, 20), 0, None)
TINT = Axis("tint", "Tints", "", ("red", "blue"), None, None)


def answers(labels, wrong):
    """Answers to a binary task that are wrong in the first rows."""
    right = np.arange(COUNT) >= wrong
    shown = np.where(right, labels, 1 - labels)
    return np.stack([1 - shown, shown], axis=1).astype(np.float32)


def measure(task, axis, *arguments):
    return [
        Record(task=task.name, group="all", **fields)
        for fields in measure_task(task, axis, *arguments)
    ]


def test_losses_are_paired_and_their_intervals_known():
    labels = np.tile([0, 1], COUNT // 2)
    steps = [answers(labels, n) for n in (100, 24, 20, 26, 60)]
    records = measure(SMILE, TURN, answers(labels, 20), steps, labels)
    losses = find(records, metric=LOSS)
    expected = [0.2, 0.01, 0.0, 0.015, 0.1]
    found = [record.value for record in losses]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert [record.class_name for record in losses][:2] == ["-20", "-10"]
    assert {record.variant for record in losses} == {"turn"}
    # Of 400 rows 80 differ: a share's interval, much narrower than that of
    # two shares of their own.
    deviation = np.sqrt(0.2 * 0.8 / COUNT)
    assert losses[0].low == pytest.approx(0.2 - 1.96 * deviation, abs=0.006)
    assert losses[0].high == pytest.approx(0.2 + 1.96 * deviation, abs=0.006)
    assert (losses[2].low, losses[2].high) == (0, 0)
    right = find_one(records, metric="accuracy", class_name="20")
    assert right.value == pytest.approx(0.85) and right.count == COUNT
    assert find_one(records, metric="balanced_accuracy", class_name="20")
    shares = find(records, metric=LOSS_OF_SHARE)
    assert [record.value for record in shares] == found


def test_numbers_lose_error_and_a_share_within_the_tolerance():
    labels = np.full(COUNT, 40, np.float32)
    labels[:100] = np.nan
    off = [np.full(COUNT, 40 + by, np.float32) for by in (9, 4, 1, 4, 6)]
    records = measure(AGE, TURN, off[2], off, labels)
    losses = [record.value for record in find(records, metric=LOSS)]
    np.testing.assert_allclose(losses, [8, 3, 0, 3, 5], atol=1e-5)
    shares = [record.value for record in find(records, metric=LOSS_OF_SHARE)]
    np.testing.assert_allclose(shares, [1, 0, 0, 0, 1], atol=1e-9)
    assert find_one(records, metric="mae", class_name="20").count == 300


def test_flags_and_what_has_no_label():
    labels = np.tile([[0, 1], [1, -1]], (COUNT // 2, 1))
    right = np.clip(labels, 0, 1).astype(np.float32)
    records = measure(
        SIGNS, TURN, right, [1 - right, right, right, right, right], labels
    )
    assert find(records, metric=LOSS)[0].value == 1
    assert find(records, metric=LOSS)[0].count == 600
    missing = np.full((COUNT, 2), -1)
    assert not measure(SIGNS, TURN, right, [right] * 5, missing)


def losses(axis, task, values):
    return [
        Record(
            LOSS_OF_SHARE, task, "all", value, 200, value - 0.01, value + 0.01,
            variant=axis.name, class_name=str(name),
        )
        for name, value in zip(axis.values, values, strict=True)
    ]  # fmt: skip


def test_a_range_ends_before_the_first_loss_of_two_points():
    records = losses(TURN, "smile", [0.0, 0.03, 0.0, 0.01, 0.02])
    records += losses(TURN, "age", [0.01, 0.0, 0.0, -0.01, 0.019])
    records += losses(TINT, "smile", [0.3, 0.01])
    ranges = list(
        find_safe_ranges(
            records, [TURN, TINT], ["smile", "age", "none"], LOSS_OF_SHARE
        )
    )
    smile, age, tints = ranges
    assert (smile.low, smile.high) == (0, 10)
    assert (smile.worst, smile.worst_high) == pytest.approx((1, 2))
    assert (age.low, age.high) == (None, None)
    assert (tints.safe, tints.unsafe) == (("blue",), ("red",))
    assert smile.text() == "0 to 10 degrees"
    assert age.text() == "all that was tried"
    assert tints.text() == "1 of 2"
    assert [smile.holds(v) for v in (-1, 0, 10, 11)] == [0, 1, 1, 0]
    assert age.holds(1e9) and tints.holds("blue") and not tints.holds("red")


@pytest.fixture
def ranges():
    records = losses(TURN, "smile", [0.5, 0.0, 0.0, 0.01, 0.5])
    records += losses(TURN, "age", [0.5, 0.5, 0.0, 0.0, 0.0])
    records += losses(TINT, "smile", [0.3, 0.01])
    names = ["smile", "age"]
    return list(find_safe_ranges(records, [TURN, TINT], names, LOSS_OF_SHARE))


def test_ranges_are_read_back_from_their_file(ranges, tmp_path):
    folder = tmp_path / "limits" / "test"
    folder.mkdir(parents=True)
    assert read_safe_ranges(tmp_path) == []
    path = folder / "safe_ranges.csv"
    range_table(ranges).to_csv(path, index=False)
    assert read_safe_ranges(tmp_path) == ranges
    path.write_text("axis,task\nturn,smile\n")
    with pytest.raises(UserError, match="training.limits"):
        read_safe_ranges(tmp_path)


def test_a_warning_names_the_axis_the_value_and_what_suffers(ranges):
    assert warnings_of(ranges, turn=5, tint="blue", other=3) == []
    (one,) = warnings_of(ranges, turn=-7.5)
    end = "outside of what is safe for age (from 0 degrees)."
    assert one == f"Turn is -7.5 degrees, {end}"
    both = warnings_of(ranges, turn=-33, tint="red")
    assert len(both) == 2
    assert "smile (-10 to 10 degrees), age (from 0 degrees)" in both[0]
    assert (
        both[1] == "Tints is red, outside of what is safe for smile (1 of 2)."
    )


@dataclasses.dataclass
class Face:
    box: tuple


def find_spot(image):
    """Finds what is bright."""
    y, x = np.nonzero(image[..., 0] > 128)
    if not len(y):
        return []
    size = np.ptp(x) + 1, np.ptp(y) + 1
    return [Face((x.min(), y.min(), *size))]


def test_a_face_counts_where_it_must_be():
    images = np.zeros((20, 40, 30, 3), np.uint8)
    images[:, 12:22, 10:20] = 255
    images[:5] = 0  # Nothing is there to find.
    right = np.float64([[1, 0, 8], [0, 1, 0]])

    def change(images, value):
        changed = np.roll(images, value, axis=2)
        return changed if value < 20 else np.zeros_like(images)

    axis = Axis(
        "shift", "Shift", "pixels", (0, 8, 16, 20), 0, change,
        lambda value: right * [[1, 1, bool(value)]],
    )  # fmt: skip
    fields = list(measure_finder(find_spot, images, [axis], 0))
    records = [Record(task=FINDER, group="all", **own) for own in fields]
    recall = [record.value for record in find(records, metric="recall")]
    # The third is 8 pixels from where the axis says it is: not found.
    assert recall == [0.75, 0.75, 0, 0]
    assert [r.value for r in find(records, metric=LOSS)] == [0, 0, 0.75, 0.75]
    assert not list(measure_finder(find_spot, images[:5], [axis], 0))


def test_a_table_shows_the_ranges(ranges):
    from tp_keras.limits.page import range_table as shown

    text = markdown_table(shown(ranges))
    assert "Turn (degrees)" in text and "-10 to 10" in text and "1 of 2" in text
