import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from tests.portrait_factory import EVERY_KIND
from tp_keras.errors import UserError
from tp_keras.serving.contract import find_contract
from tp_keras.serving.prediction_log import BATCH_SIZES
from tp_keras.serving.prediction_log import EXPECTED_FILE
from tp_keras.serving.prediction_log import WARM_UP_FILE
from tp_keras.serving.prediction_log import LoggedRequest
from tp_keras.serving.prediction_log import picture_example
from tp_keras.serving.prediction_log import read_requests
from tp_keras.serving.prediction_log import write_requests

EXAMPLES = np.array([picture_example(b"one"), picture_example(b"")], object)
REQUESTS = [
    LoggedRequest(
        "serve_bytes",
        {"image_bytes": np.array([b"\xff\x00", b""], object)},
        {"valid": np.array([True, False]), "age": np.float32([0.1, 1e-30])},
    ),
    LoggedRequest("decode", {"latent": np.full((2, 3), 7.0, np.float32)}),
    LoggedRequest(
        "classify_smile",
        {"inputs": EXAMPLES},
        {
            "classes": np.array([[b"no", b"yes"], [b"", b""]], object),
            "scores": np.float32([[0.1, 0.9], [0.0, 0.0]]),
        },
    ),
    LoggedRequest("classify_smile", {"inputs": EXAMPLES}),
    LoggedRequest(
        "regress_age", {"inputs": EXAMPLES}, {"outputs": np.float32([3.3, 0.0])}
    ),
    LoggedRequest("regress_age", {"inputs": EXAMPLES}),
]


@pytest.mark.parametrize("name", ["log", "log.gz"])
def test_what_is_written_is_read(tmp_path, name):
    write_requests(tmp_path / name, REQUESTS, "mine")
    found = read_requests(tmp_path / name)
    assert len(found) == len(REQUESTS)
    for request, expected in zip(found, REQUESTS, strict=True):
        assert request.signature == expected.signature
        assert request.batch == 2
        for side in ("inputs", "outputs"):
            arrays = getattr(request, side)
            assert arrays.keys() == getattr(expected, side).keys()
            for key, values in getattr(expected, side).items():
                assert arrays[key].dtype == values.dtype
                np.testing.assert_array_equal(arrays[key], values)


def test_a_picture_as_an_example():
    example = tf.train.Example.FromString(picture_example(b"\x89PNG"))
    feature = example.features.feature["image_bytes"]
    assert feature.bytes_list.value == [b"\x89PNG"]


def logs_of(bundle, file=WARM_UP_FILE):
    """The records of a file, read by nothing of ours."""
    compression = "GZIP" if file == EXPECTED_FILE else ""
    dataset = tf.data.TFRecordDataset(str(bundle / file), compression)
    return [
        prediction_log_pb2.PredictionLog.FromString(record)
        for record in dataset.as_numpy_iterator()
    ]


def rows_of(request):
    """How many rows a request of the server's own has."""
    if hasattr(request, "inputs"):
        protos = request.inputs.values()
        (count,) = {proto.tensor_shape.dim[0].size for proto in protos}
        return count
    return len(request.input.example_list.examples)


@pytest.mark.parametrize("kind", ["bundle", "vae_bundle"])
def test_every_signature_is_warmed_up_in_every_batch_size(kind, request):
    bundle = request.getfixturevalue(kind)
    found = []
    for log in logs_of(bundle):
        method = log.WhichOneof("log_type")
        logged = getattr(log, method)
        name = logged.request.model_spec.signature_name
        assert logged.request.model_spec.name == bundle.parent.name
        prefix = name.split("_")[0]
        known = prefix in ("classify", "regress")
        assert method == f"{prefix if known else 'predict'}_log"
        assert not logged.HasField("response")
        found.append((name, rows_of(logged.request)))
    signatures = tf.saved_model.load(str(bundle)).signatures
    assert sorted(found) == sorted(
        (name, batch)
        for name in signatures
        for batch in (1, 2, 4, 8, 16, 32, 64)
    )
    assert BATCH_SIZES == (1, 2, 4, 8, 16, 32, 64)
    # Pixels of one value are told once.
    assert (bundle / WARM_UP_FILE).stat().st_size < 200_000


def test_expected_answers_are_those_a_server_would_log(bundle):
    metadata = {"schema": EVERY_KIND.to_dict(), "tasks": EVERY_KIND.task_names}
    logs = {
        log.predict_log.request.model_spec.signature_name: log.predict_log
        for log in logs_of(bundle, EXPECTED_FILE)
    }
    contract = find_contract((), metadata)
    for name in ("serving_default", "serve_bytes", "embed"):
        outputs = logs[name].response.outputs
        dtypes = {key: proto.dtype for key, proto in outputs.items()}
        assert dtypes == contract[name][1]
    images = tf.make_ndarray(logs["embed"].request.inputs["image"])
    assert images.shape == (3, 64, 48, 3)
    # Squares of six pixels: no portrait of anybody.
    squares = images[:, ::6, ::6].repeat(6, axis=1).repeat(6, axis=2)
    np.testing.assert_array_equal(squares[:, :64, :48], images)


def test_a_log_of_another_kind(tmp_path):
    log = prediction_log_pb2.PredictionLog()
    log.session_run_log.SetInParent()
    with tf.io.TFRecordWriter(str(tmp_path / "log")) as writer:
        writer.write(log.SerializeToString())
    with pytest.raises(UserError, match=r"Record 1 .*logs a session_run"):
        read_requests(tmp_path / "log")
