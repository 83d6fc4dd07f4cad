import numpy as np
import pytest

from tests.portrait_factory import AGE
from tests.portrait_factory import HAIR_TYPE
from tests.portrait_factory import ORIGIN
from tests.portrait_factory import SIGNS
from tp_keras.fairness.task_figures import measure_flips
from tp_keras.records.intervals import wilson_interval


def measure(task, predictions, twin_predictions, groups):
    found = measure_flips(
        task,
        np.asarray(predictions),
        np.asarray(twin_predictions),
        np.asarray(groups),
        ORIGIN,
    )
    return {fields["group"]: fields for fields in found}


@pytest.mark.parametrize(
    "task, predictions, twins",
    [
        (HAIR_TYPE, [0, 1, 2, 2], [0, 2, 2, 2]),
        # Five years are the same.
        (AGE, [10.0, 20.0, 30.0, 40.0], [15.0, 26.0, 30.0, 39.0]),
        (SIGNS, [[0, 1]] * 4, [[0, 1], [1, 0], [0, 1], [0, 1]]),
    ],
)
def test_flips_of_every_kind(task, predictions, twins):
    found = measure(task, predictions, twins, [0, 0, 1, -1])
    assert {group: (f["value"], f["count"]) for group, f in found.items()} == {
        "all": (0.25, 4),
        "north": (0.5, 2),
        "south": (0.0, 1),
        "west": (None, 0),
    }
    interval = found["all"]["low"], found["all"]["high"]
    assert interval == wilson_interval(1, 4)
