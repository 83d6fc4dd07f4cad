import numpy as np
import tensorflow as tf

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tp_keras.data.examples import labelled_image


def test_rows_and_batches_are_left_as_they_are():
    portraits = make_portraits(12, schema=EVERY_KIND)
    rows = {"image": portraits.images, "image_index": portraits.indices}
    expected = labelled_image(rows | portraits.labels, EVERY_KIND)
    assert expected[0] is portraits.images
    assert list(expected[1]) == list(EVERY_KIND.task_names)
    dataset = tf.data.Dataset.from_tensor_slices(rows | portraits.labels)
    mapped = dataset.map(lambda row: labelled_image(row, EVERY_KIND)).batch(12)
    for found in (expected, next(iter(mapped))):
        np.testing.assert_array_equal(found[0], portraits.images)
        for name, values in portraits.labels.items():
            np.testing.assert_array_equal(found[1][name], values)
