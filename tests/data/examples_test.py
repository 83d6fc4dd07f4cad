import numpy as np
import pytest
import tensorflow as tf

from tests.portrait_factory import make_portraits
from tp_keras.data.examples import labelled_image
from tp_keras.errors import UserError
from tp_keras.tasks import TASK_NAMES

WEIGHTS = {"hair_color": {"gray": 5.0, "bald": 0.5}}


@pytest.fixture(scope="module")
def rows():
    """What `tfds.load` gives, as one batch."""
    portraits = make_portraits(12)
    labels = {k: v.astype(np.int64) for k, v in portraits.labels.items()}
    return {
        "image": portraits.images,
        "image_index": portraits.indices,
        **labels,
    }


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["none", "classes"])
def test_rows_and_batches_are_the_same_eagerly_and_in_tf_data(rows, weights):
    expected = labelled_image(rows, weights)
    dataset = tf.data.Dataset.from_tensor_slices(rows)
    mapped = dataset.map(lambda row: labelled_image(row, weights)).batch(12)
    one_by_one = [
        labelled_image({k: v[i] for k, v in rows.items()}, weights)
        for i in range(12)
    ]
    for found in (
        next(iter(mapped)),
        tf.nest.map_structure(lambda *values: np.stack(values), *one_by_one),
    ):
        tf.nest.map_structure(np.testing.assert_array_equal, found, expected)


def test_labels_are_left_as_they_are(rows):
    image, labels = labelled_image(rows)
    assert image is rows["image"]
    assert list(labels) == list(TASK_NAMES)
    for name, values in labels.items():
        np.testing.assert_array_equal(values, rows[name])


def test_a_class_weighs_what_it_is_said_to_and_a_missing_label_nothing():
    labels = {
        "gender": np.array([0, 1, -1]),
        "hair_color": np.array([3, -1, 4]),
        "hair_type": np.array([0, 1, 2]),
    }
    row = {"image": np.zeros((3, 2, 2, 3), np.uint8), **labels}
    *_, weights = labelled_image(row, WEIGHTS)
    found = {name: values.numpy().tolist() for name, values in weights.items()}
    assert found == {
        "gender": [1.0, 1.0, 0.0],
        "hair_color": [5.0, 0.0, 0.5],
        "hair_type": [1.0, 1.0, 1.0],
    }


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"hair": {"gray": 5.0}}, r"Received: tasks=\['hair'\]"),
        ({"hair_color": {3: 5.0}}, "black, brown.*Received: 3"),
    ],
)
def test_weights_of_what_does_not_exist_are_refused(weights, message, rows):
    with pytest.raises(UserError, match=message):
        labelled_image(rows, weights)
