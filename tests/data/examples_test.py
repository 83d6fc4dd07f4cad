import numpy as np
import pytest
import tensorflow as tf

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tp_keras.data.examples import labelled_image
from tp_keras.errors import UserError

WEIGHTS = {"mood": {"calm": 5.0, "wild": 0.5}}


@pytest.fixture(scope="module")
def rows():
    """What `tfds.load` gives, as one batch."""
    portraits = make_portraits(12, schema=EVERY_KIND)
    return {
        "image": portraits.images,
        "image_index": portraits.indices,
        **portraits.labels,
    }


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["none", "classes"])
def test_rows_and_batches_are_the_same_eagerly_and_in_tf_data(rows, weights):
    expected = labelled_image(rows, EVERY_KIND, weights)
    dataset = tf.data.Dataset.from_tensor_slices(rows)
    mapped = dataset.map(
        lambda row: labelled_image(row, EVERY_KIND, weights)
    ).batch(12)
    one_by_one = [
        labelled_image({k: v[i] for k, v in rows.items()}, EVERY_KIND, weights)
        for i in range(12)
    ]
    for found in (
        next(iter(mapped)),
        tf.nest.map_structure(lambda *values: np.stack(values), *one_by_one),
    ):
        tf.nest.map_structure(np.testing.assert_array_equal, found, expected)


def test_labels_are_left_as_they_are(rows):
    image, labels = labelled_image(rows, EVERY_KIND)
    assert image is rows["image"]
    assert list(labels) == list(EVERY_KIND.task_names)
    for name, values in labels.items():
        np.testing.assert_array_equal(values, rows[name])


def test_a_class_weighs_what_it_is_said_to_and_a_missing_label_nothing():
    schema = EVERY_KIND.restricted_to(["mood", "smile", "age"])
    row = {
        "image": np.zeros((3, 2, 2, 3), np.uint8),
        "mood": np.array([1, -1, 3]),
        "smile": np.array([0, 1, -1]),
        "age": np.array([3.0, np.nan, 4.0]),
    }
    *_, weights = labelled_image(row, schema, WEIGHTS)
    found = {name: values.numpy().tolist() for name, values in weights.items()}
    assert found == {"mood": [5.0, 0.0, 0.5], "smile": [1.0, 1.0, 0.0]}


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"hair": {"gray": 5.0}}, r"Received: tasks=\['hair'\]"),
        ({"mood": {3: 5.0}}, "sad, calm, merry, wild. Received: 3"),
        ({"age": {"old": 5.0}}, "age, which are none. Received: old"),
    ],
)
def test_weights_of_what_does_not_exist_are_refused(weights, message, rows):
    with pytest.raises(UserError, match=message):
        labelled_image(rows, EVERY_KIND, weights)
