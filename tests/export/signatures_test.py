import numpy as np
import tensorflow as tf

from tp_keras.export import signatures
from tp_keras.tasks import HAIR_TYPE


def test_labels_are_those_of_the_greatest_logits():
    logits = {"hair_type": tf.constant([[0.0, 3.0, 1.0], [9.0, -1.0, 2.0]])}
    outputs = signatures.classify(logits, (HAIR_TYPE,))
    assert outputs["hair_type_label"].numpy().tolist() == [
        b"wavy",
        b"straight",
    ]
    expected = np.exp([0.0, 3.0, 1.0])
    np.testing.assert_allclose(
        outputs["hair_type"][0], expected / expected.sum(), rtol=1e-5
    )
