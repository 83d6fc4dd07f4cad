"""Small bundles whose answers are known by heart, and a server of them."""

import pathlib

import pytest

from tp_keras.server import ModelStore
from tp_keras.server import create_app


def save_half_plus_three(folder, extra=3.0):
    """The example of TensorFlow Serving's documentation."""
    import tensorflow as tf

    numbers = tf.TensorSpec((None,), tf.float32, "x")
    texts = tf.TensorSpec((None,), tf.string, "inputs")

    @tf.function(input_signature=[numbers])
    def predict(x):
        return {"y": x / 2.0 + extra}

    def parse(inputs):
        feature = tf.io.FixedLenFeature((), tf.float32)
        return tf.io.parse_example(inputs, {"x": feature})["x"]

    @tf.function(input_signature=[texts])
    def regress(inputs):
        return {"outputs": parse(inputs) / 2.0 + extra}

    @tf.function(input_signature=[texts])
    def classify(inputs):
        x = parse(inputs)
        classes = tf.tile([["low", "high"]], [tf.shape(x)[0], 1])
        return {"classes": classes, "scores": tf.stack([1.0 - x, x], 1)}

    tf.saved_model.save(
        tf.Module(),
        str(folder),
        {
            "serving_default": predict,
            "tensorflow/serving/regress": regress,
            "classify_x": classify,
        },
    )


def save_named(folder):
    """Three named inputs, as in that documentation, and every type."""
    import tensorflow as tf

    @tf.function(
        input_signature=[
            tf.TensorSpec((None,), tf.string, "tag"),
            tf.TensorSpec((None, 5), tf.int32, "signal"),
            tf.TensorSpec((None, 2, 2), tf.int32, "sensor"),
        ]
    )
    def named(tag, signal, sensor):
        return {
            "tag": tag,
            "tag_bytes": tag,
            "sum": tf.reduce_sum(signal, 1),
            "turned": tf.transpose(sensor, [0, 2, 1]),
        }

    def same(dtype, name="x"):
        spec = tf.TensorSpec(None, dtype, name)
        return tf.function(
            lambda **inputs: {name: tf.identity(inputs[name])}
        ).get_concrete_function(**{name: spec})

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.float32, "x")])
    def ragged(x):
        return {"some": x, "others": x[1:]}

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.float32, "x")])
    def scalar(x):
        return {"sum": tf.reduce_sum(x), "x": x}

    kinds = ("float32", "int32", "uint8", "int64", "bool", "string")
    tf.saved_model.save(
        tf.Module(),
        str(folder),
        {
            "serving_default": named,
            "ragged": ragged,
            "scalar": scalar,
            "x_bytes": same(tf.string, "x_bytes"),
            **{kind: same(tf.dtypes.as_dtype(kind)) for kind in kinds},
        },
    )


@pytest.fixture(scope="session")
def toys(tmp_path_factory):
    """A folder of two models."""
    folder = tmp_path_factory.mktemp("toys")
    save_half_plus_three(folder / "half_plus_three" / "123")
    save_named(folder / "named" / "1")
    return pathlib.Path(folder)


# A file's own: an application that has ended doesn't begin again.
@pytest.fixture(scope="module")
def app(toys):
    labels = {"half_plus_three": {"stable": 123}}
    return create_app(ModelStore(toys, labels=labels))


@pytest.fixture(scope="module")
def http(app):
    """A client within this process."""
    from starlette.testclient import TestClient

    # Errors of ours are answers, as outside.
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client
