import dataclasses

import keras
import numpy as np
import pytest

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tp_keras.errors import UserError
from tp_keras.generator import conditions
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

CONDITIONS = {"gender": 2, "hair_color": 5, "hair_type": 3}
COLUMNS = np.array([[-1, 0, 1], [2, -1, 0], [0, 1, -1]])
LABELS = dict(zip(CONDITIONS, COLUMNS, strict=True))


def test_the_schema_tells_the_conditions_some_and_not_too_many():
    assert conditions.get_conditions(SCHEMA) == CONDITIONS
    assert conditions.get_conditions(EVERY_KIND) == {"origin": 3, "smile": 2}
    tasks = [Task(f"t{i}", classes=list("abcdefghi")) for i in range(4)]
    schema = Schema((96, 96, 3), tasks, conditions=("t0", "t1", "t2"))
    # As many as there may be: ten of each, the unknown one included.
    assert len(conditions.get_conditions(schema)) == 3
    for names, message in (
        ((), "Received: none, tasks=t0, t1, t2, t3"),
        (schema.task_names, "Received: 10,000 of conditions=t0, t1, t2, t3"),
    ):
        with pytest.raises(UserError, match=message):
            conditions.get_conditions(
                dataclasses.replace(schema, conditions=names)
            )


def test_a_pattern_is_the_number_of_a_row_of_labels():
    classes = conditions.pattern_classes(CONDITIONS)
    assert len(classes) == conditions.num_patterns(CONDITIONS) == 3 * 6 * 4
    assert len(np.unique(classes, axis=0)) == len(classes)
    labels = dict(zip(CONDITIONS, classes.T - 1, strict=True))
    found = conditions.pattern_index(labels, CONDITIONS)
    np.testing.assert_array_equal(found, np.arange(len(classes)))


def test_one_hot_labels_have_a_column_for_the_unknown():
    found = np.asarray(conditions.one_hot_labels(LABELS, CONDITIONS))
    expected = np.zeros_like(found)
    first = 0
    for name, count in CONDITIONS.items():
        for row, label in enumerate(LABELS[name]):
            expected[row, first + label + 1] = 1
        first += count + 1
    assert first == found.shape[1]
    np.testing.assert_array_equal(found, expected)


def test_every_label_has_an_embedding_of_its_own():
    inputs = conditions.label_inputs(CONDITIONS)
    model = keras.Model(inputs, conditions.embed_labels(inputs, CONDITIONS))
    found = np.asarray(model(LABELS))
    tables = [
        model.get_layer(f"label_{name}_embedding").get_weights()[0]
        for name in CONDITIONS
    ]
    assert [table.shape for table in tables] == [(3, 8), (6, 16), (4, 8)]
    expected = [
        table[LABELS[name] + 1]
        for name, table in zip(CONDITIONS, tables, strict=True)
    ]
    np.testing.assert_array_equal(found, np.concatenate(expected, axis=1))
