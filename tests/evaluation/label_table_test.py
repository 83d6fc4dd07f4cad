import numpy as np

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tp_keras.evaluation.label_table import format_labels
from tp_keras.evaluation.label_table import label_table


def test_labels_of_every_kind_are_told():
    portraits = make_portraits(4, schema=EVERY_KIND)
    portraits.labels["age"][:] = [31, np.nan, 7, 100]
    portraits.labels["signs"][:] = [[1, 1], [-1, -1], [0, 0], [-1, 1]]
    portraits.labels["smile"][:] = [1, -1, 0, 1]
    table = label_table(portraits)
    assert [*table] == ["image_index", *EVERY_KIND.task_names]
    assert [*table["age"]] == ["31", "missing", "7", "100"]
    assert [*table["signs"]] == ["hat, scarf", "missing", "none", "scarf"]
    counts = format_labels(table, EVERY_KIND).splitlines()[-1]
    assert counts.endswith("smile: yes 2, missing 1, no 1")
    assert "age" not in counts
