import numpy as np
import pytest
import tensorflow as tf

from tests.portrait_factory import AGE
from tests.portrait_factory import MOOD
from tests.portrait_factory import ORIGIN
from tp_keras.export.signatures import with_labels
from tp_keras.tasks import Task

FLAGS = Task("signs", "multi_label", ("hat", "scarf", "glasses"))


@pytest.mark.parametrize(
    ("task", "values", "name", "expected"),
    [
        # The likeliest class.
        (ORIGIN, [[0.1, 0.7, 0.2], [0.5, 0.1, 0.4]], "label", "south north"),
        # Of classes with an order the expected one: 0.4 * 3 = 1.2.
        (
            MOOD,
            [[0.6, 0.0, 0.0, 0.4], [0.0, 0.1, 0.2, 0.7]],
            "label",
            "calm wild",
        ),
        (
            FLAGS,
            [[0.9, 0.2, 0.6], [0.1, 0.51, 0.5], [0.0, 0.0, 0.0]],
            "label",
            "hat|glasses scarf ",
        ),
        (AGE, [31.5, 4.0], "unit", "years years"),
    ],
    ids=["classes", "order", "flags", "number"],
)
def test_labels_by_hand(task, values, name, expected):
    values = tf.constant(values, tf.float32)
    outputs = with_labels({task.name: values, "other": values}, (task,))
    assert sorted(outputs) == [task.name, f"{task.name}_{name}"]
    np.testing.assert_array_equal(outputs[task.name], values)
    texts = [text.decode() for text in outputs[f"{task.name}_{name}"].numpy()]
    assert texts == expected.split(" ")
