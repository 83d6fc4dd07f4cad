import numpy as np
import pytest

from tp_keras.evaluation.paired import ACCURACY
from tp_keras.evaluation.paired import DIFFERENCE
from tp_keras.evaluation.paired import compare
from tp_keras.records.record import Record
from tp_keras.records.record import find_one
from tp_keras.tasks import Task

HAT = Task("hat", "binary", ("no", "yes"))
GROUPS = ("women", "men")
BASE = "nothing"


def compared(right, labels, groups=None, min_count=1):
    names = GROUPS if groups is not None else ()
    return [
        Record(task="hat", **fields)
        for fields in compare(
            {name: np.array(hits, bool) for name, hits in right.items()},
            np.array(labels),
            groups if groups is None else np.array(groups),
            HAT,
            names,
            min_count,
            base=BASE,
        )
    ]


def gain(records, name, group="all"):
    return find_one(records, metric=DIFFERENCE, variant=name, group=group)


def test_gains_are_of_the_mean_over_classes_in_each_group_by_hand():
    labels = [0, 0, 0, 1, 0, 0, 1, 1, -1]
    groups = [0, 0, 0, 0, 1, 1, 1, 1, 1]
    before = [1, 1, 0, 0, 1, 1, 0, 1, 1]
    after = [1, 1, 1, 1, 1, 0, 0, 0, 0]
    records = compared({BASE: [before], "hue": [after]}, labels, groups)
    base = find_one(records, metric=ACCURACY, variant=BASE, group="all")
    assert base.value == pytest.approx((4 / 5 + 1 / 3) / 2)
    assert base.count == 8
    changed = find_one(records, metric=ACCURACY, variant="hue", group="women")
    assert changed.value == pytest.approx(1.0)
    # Of the class 0: a third more women, half of the men less.
    assert gain(records, "hue", "women").value == pytest.approx((1 / 3 + 1) / 2)
    assert gain(records, "hue", "men").value == pytest.approx(
        (-1 / 2 - 1 / 2) / 2
    )
    assert gain(records, "hue").value == pytest.approx(0.0)
    # A class of one portrait does not count where two are asked for.
    few = compared({BASE: [before], "hue": [after]}, labels, groups, 2)
    assert gain(few, "hue", "women").value == pytest.approx(1 / 3)
    assert gain(few, "hue", "women").count == 3
    none = compared({BASE: [before], "hue": [after]}, labels, groups, 9)
    assert gain(none, "hue").value is None
    # The seeds count alike.
    two = compared(
        {BASE: [before, before], "hue": [after, before]}, labels, groups
    )
    assert gain(two, "hue", "women").value == pytest.approx((1 / 3 + 1) / 4)


def test_intervals_are_those_of_pairs_and_widen_with_their_number():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [600, 300])
    before = rng.uniform(size=(1, 900)) < 0.7
    after = before ^ (rng.uniform(size=(1, 900)) < 0.1)
    (record,) = [gain(compared({BASE: before, "hue": after}, labels), "hue")]
    pairs = after[0].astype(int) - before[0]
    variance = [pairs[labels == k].var() / (labels == k).sum() for k in (0, 1)]
    error = np.sqrt(sum(variance)) / 2
    assert (record.high - record.low) / 2 == pytest.approx(
        1.96 * error, rel=0.06
    )
    # Bonferroni's: two candidates, all and two groups.
    groups = np.arange(900) % 2
    many = {BASE: before, "hue": after, "grey": after}
    wide = gain(compared(many, labels, groups), "hue")
    assert wide.high - wide.low == pytest.approx(
        (record.high - record.low) * 2.638 / 1.96, rel=0.06
    )
    # Seeds that disagree say less.
    both = np.concatenate([after, before])
    base = np.concatenate([before, before])
    every = gain(compared({BASE: base, "hue": both}, labels), "hue")
    assert every.value == pytest.approx(record.value / 2)
