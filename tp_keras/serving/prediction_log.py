"""Requests to a bundle as TensorFlow Serving logs them.

A file of them is a TFRecord of the server's own `PredictionLog`, for each of
its methods: what it replays when it loads a version, and what the checks do.
"""

import dataclasses
from collections.abc import Iterable

import numpy as np

from tp_keras.errors import UserError
from tp_keras.serving.contract import CLASSIFY
from tp_keras.serving.contract import EXAMPLE_FEATURE
from tp_keras.serving.contract import PREDICT
from tp_keras.serving.contract import REGRESS
from tp_keras.serving.contract import method_of

# In the folder of a version: what a server replays before it takes requests,
WARM_UP_FILE = "assets.extra/tf_serving_warmup_requests"
# and what the model answered to a few made-up pictures.
EXPECTED_FILE = "assets.extra/expected_answers.gz"

# What a server rounds a batch up to, and is warm for.
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64)

# A server refuses a version with more.
MAX_WARM_UP_RECORDS = 1000


@dataclasses.dataclass(frozen=True)
class LoggedRequest:
    """One request and, where it was logged, its answer.

    Attributes:
        signature: Name of the signature.
        inputs: Dict of name to array `[batch, ...]`, strings as `bytes`
            objects.
        outputs: The same of the answer; empty where it is not there.
    """

    signature: str
    inputs: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

    @property
    def batch(self) -> int:
        """The number of its rows."""
        return len(next(iter(self.inputs.values())))


def picture_example(data: bytes) -> bytes:
    """Returns a picture file as a serialised `tf.Example`."""
    import tensorflow as tf

    values = tf.train.BytesList(value=[data])
    feature = {EXAMPLE_FEATURE: tf.train.Feature(bytes_list=values)}
    features = tf.train.Features(feature=feature)
    return tf.train.Example(features=features).SerializeToString()


def write_requests(path, requests: Iterable[LoggedRequest], model: str) -> None:
    """Writes requests to `model`, compressed if the name ends in `.gz`.

    A tensor of one value throughout takes no more room than that value.
    """
    import tensorflow as tf

    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path), _compression(path)) as writer:
        for request in requests:
            writer.write(_to_log(request, model).SerializeToString())


def read_requests(path) -> list[LoggedRequest]:
    """Reads what `write_requests` wrote.

    Raises:
        UserError: If the file is not there or damaged, or a record is no
            request to a signature.
    """
    import tensorflow as tf
    from google.protobuf.message import DecodeError
    from tensorflow_serving.apis import prediction_log_pb2

    requests = []
    try:
        records = tf.data.TFRecordDataset(str(path), _compression(path))
        for record in records.as_numpy_iterator():
            log = prediction_log_pb2.PredictionLog.FromString(record)
            requests.append(_from_log(log))
    except (tf.errors.OpError, DecodeError, ValueError, TypeError) as error:
        raise UserError(
            f"Record {len(requests) + 1} cannot be read "
            f"({str(error).splitlines()[0]}). Received: {path}"
        ) from error
    return requests


def _compression(path) -> str:
    return "GZIP" if path.suffix == ".gz" else ""


def _to_log(request, model):
    from tensorflow_serving.apis import prediction_log_pb2

    log = prediction_log_pb2.PredictionLog()
    method = method_of(request.signature)
    logged = getattr(log, f"{method}_log")
    logged.request.model_spec.name = model
    logged.request.model_spec.signature_name = request.signature
    if method == PREDICT:
        for side, values in (
            (logged.request.inputs, request.inputs),
            (logged.response.outputs, request.outputs),
        ):
            for name, array in values.items():
                side[name].CopyFrom(_to_proto(array))
        return log
    examples = logged.request.input.example_list.examples
    for data in request.inputs["inputs"]:
        examples.add().ParseFromString(data)
    result = logged.response.result
    if method == REGRESS:
        for value in request.outputs.get("outputs", ()):
            result.regressions.add(value=value)
    elif request.outputs:
        pairs = (request.outputs[name] for name in ("classes", "scores"))
        for names, scores in zip(*pairs, strict=True):
            classes = result.classifications.add().classes
            for name, score in zip(names, scores, strict=True):
                classes.add(label=name.decode(), score=score)
    return log


def _from_log(log) -> LoggedRequest:
    """Returns the request of a log; raises `ValueError` of another kind."""
    import tensorflow as tf

    method = (log.WhichOneof("log_type") or "").removesuffix("_log")
    if method not in (PREDICT, CLASSIFY, REGRESS):
        raise ValueError(f"it logs a {method or 'nothing'}")
    logged = getattr(log, f"{method}_log")
    signature = logged.request.model_spec.signature_name
    if method == PREDICT:
        sides = logged.request.inputs, logged.response.outputs
        arrays = [
            {name: tf.make_ndarray(proto) for name, proto in side.items()}
            for side in sides
        ]
        return LoggedRequest(signature, *arrays)
    examples = logged.request.input.example_list.examples
    data = [example.SerializeToString() for example in examples]
    inputs = {"inputs": np.array(data, object)}
    result = logged.response.result
    if method == REGRESS:
        values = [row.value for row in result.regressions]
        outputs = {"outputs": np.array(values, np.float32)} if values else {}
        return LoggedRequest(signature, inputs, outputs)
    rows = [row.classes for row in result.classifications]
    outputs = {
        "classes": np.array([[c.label.encode() for c in r] for r in rows], "O"),
        "scores": np.array([[c.score for c in r] for r in rows], np.float32),
    }
    return LoggedRequest(signature, inputs, outputs if rows else {})


def _to_proto(array):
    import tensorflow as tf

    array = np.asarray(array)
    if array.dtype != object and (array == array.flat[0]).all():
        return tf.make_tensor_proto(array.flat[0], array.dtype, array.shape)
    return tf.make_tensor_proto(array)
