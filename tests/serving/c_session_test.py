import numpy as np
import pytest
import tensorflow as tf

from tests.export.networks import random_portraits
from tests.portrait_factory import EVERY_KIND
from tp_keras.errors import UserError
from tp_keras.serving import CSession


def test_numbers_and_strings_of_every_shape(tmp_path):
    @tf.function(
        input_signature=[
            tf.TensorSpec((None, 2), tf.float32, "numbers"),
            tf.TensorSpec((None,), tf.string, "texts"),
        ]
    )
    def double(numbers, texts):
        return {
            "numbers": numbers * 2.0,
            "positive": numbers > 0.0,
            "texts": tf.strings.join([texts, texts]),
            "lengths": tf.strings.length(texts),
            "rows": tf.cast(tf.shape(numbers), tf.int64),
        }

    module = tf.Module()
    tf.saved_model.save(module, str(tmp_path), {"double": double})
    numbers = np.array([[1.0, -2.0], [3.5, 0.0], [0.0, 9.0]], "float32")
    # Long strings lie outside the string's own 24 bytes, and zeros count.
    texts = [b"", b"a\x00", b"long" * 1000]
    with CSession(tmp_path, threads=1) as session:
        outputs = session.run("double", {"numbers": numbers, "texts": texts})
    np.testing.assert_array_equal(outputs["numbers"], numbers * 2.0)
    np.testing.assert_array_equal(outputs["positive"], numbers > 0.0)
    assert outputs["texts"].tolist() == [text * 2 for text in texts]
    assert outputs["lengths"].tolist() == [0, 2, 4000]
    assert outputs["rows"].tolist() == [3, 2]


def test_what_does_not_match_is_told_and_the_session_lives_on(bundle):
    images = random_portraits(1, schema=EVERY_KIND)
    with CSession(bundle) as session:
        with pytest.raises(UserError, match="Received: signature='other'"):
            session.run("other", {"image": images})
        with pytest.raises(UserError, match=r"Received: inputs=\['picture'\]"):
            session.run("serving_default", {"picture": images})
        with pytest.raises(UserError, match="Received: dtype=float32"):
            session.run("serving_default", {"image": np.float32(images)})
        with pytest.raises(UserError, match="Expected bytes"):
            session.run("serve_bytes", {"image_bytes": ["text"]})
        with pytest.raises(UserError, match="TensorFlow refused it"):
            session.run("serving_default", {"image": images[:, :30]})
        assert session.run("serving_default", {"image": images})
    # A closed session may be closed again.
    session.close()


def test_no_bundle(tmp_path, plain_bundle):
    with pytest.raises(UserError, match="training.export"):
        CSession(tmp_path)
    with pytest.raises(UserError, match="TensorFlow refused it"):
        CSession(plain_bundle)
