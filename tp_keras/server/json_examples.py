"""Requests and answers of Classify and Regress as JSON.

The rules and the texts of errors are those of TensorFlow Serving's
`json_tensor.cc`, `classifier.cc` and `regressor.cc`.
"""

import numpy as np

from tp_keras.server.json_outputs import plain_decimals
from tp_keras.server.json_tensors import B64
from tp_keras.server.json_tensors import json_type
from tp_keras.server.json_tensors import shown
from tp_keras.server.json_tensors import to_bytes
from tp_keras.server.rest_error import RestError

CLASSIFY = "classify"

_INPUTS, _CLASSES, _SCORES, _OUTPUTS = "inputs", "classes", "scores", "outputs"
_STRING = 7


def read_examples(request: dict) -> np.ndarray:
    """Returns the examples of a request as serialised `tf.Example`s.

    Raises:
        RestError: If they are no examples.
    """
    context = _features(request["context"]) if "context" in request else {}
    if "examples" not in request:
        raise RestError(
            f"{shown(request)} When method is classify, key 'examples' is "
            "expected and was not found"
        )
    examples = request["examples"]
    if not isinstance(examples, list):
        raise RestError(
            f"{shown(request)} Expecting 'examples' value to be an list/array"
        )
    if not examples:
        raise RestError(f"{shown(request)} 'examples' value is an empty array")
    from tensorflow.core.example import example_pb2

    rows = np.empty(len(examples), object)
    for i, values in enumerate(examples):
        example = example_pb2.Example()
        for name, (kind, items) in (context | _features(values)).items():
            feature = example.features.feature[name]
            if kind:
                getattr(feature, kind).value.extend(items)
        rows[i] = example.SerializeToString()
    return rows


def _features(values) -> dict:
    """Returns dict of name to the kind of a feature, or None, and its items."""
    if not isinstance(values, dict):
        raise RestError(
            f"Example must be JSON object but got JSON {json_type(values)}"
        )
    return {name: _feature(name, value) for name, value in values.items()}


def _feature(name, value):
    kind, items = None, []
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, float):
            now = "float_list"
        elif isinstance(item, int):
            # Flags as well.
            now, item = "int64_list", int(item)
            if not -(2**63) <= item < 2**63:
                raise RestError(
                    f"Feature: {name} has uint64_t element. Only int64_t is "
                    "supported."
                )
        elif isinstance(item, str) or (
            isinstance(item, dict) and item.keys() == {B64}
        ):
            now, item = "bytes_list", to_bytes(item)
        else:
            raise RestError(
                f"Feature: {name} has element with unexpected JSON type: "
                f"{json_type(item)}"
            )
        if kind not in (None, now):
            raise RestError(
                f"Unexpected element type in feature: {name} expecting type: "
                f"{kind.removesuffix('_list')}"
            )
        kind = now
        items.append(item)
    return kind, items


def check_signature(signature, method: str) -> None:
    """Raises unless a `SignatureDef` can be called by Classify or Regress."""
    inputs, outputs = signature.inputs, signature.outputs
    if len(inputs) != 1:
        raise RestError("Expected one input Tensor.")
    if method == CLASSIFY:
        if len(outputs) not in (1, 2):
            raise RestError(
                f"Expected one or two output Tensors, found {len(outputs)}"
            )
        kind, known = "classification", {_CLASSES, _SCORES}
    else:
        if len(outputs) != 1:
            raise RestError("Expected one output Tensor.")
        kind, known = "regression", {_OUTPUTS}
    if _INPUTS not in inputs or inputs[_INPUTS].dtype != _STRING:
        raise RestError(
            f"No {kind} inputs found in SignatureDef: {sorted(inputs)}"
        )
    if not known & set(outputs):
        raise RestError(
            f"Expected {kind} signature outputs to contain "
            f"{' or '.join(sorted(known))}. Signature was: {sorted(outputs)}"
        )


def write_results(outputs: dict, method: str, count: int) -> dict:
    """Returns the tensors of a signature as an answer of `count` examples.

    Raises:
        RestError: If their shapes are others.
    """
    rank = 2 if method == CLASSIFY else 1
    if method != CLASSIFY and outputs[_OUTPUTS].shape == (count, 1):
        outputs = {_OUTPUTS: outputs[_OUTPUTS][:, 0]}
    for name, array in outputs.items():
        if array.ndim != rank or len(array) != count:
            raise RestError(
                f"Expected {name} output batch size of {count} and {rank} "
                f"dimensions. Got: {list(array.shape)}"
            )
    if method != CLASSIFY:
        return {"results": plain_decimals(outputs[_OUTPUTS]).tolist()}
    scores, classes = outputs.get(_SCORES), outputs.get(_CLASSES)
    if classes is None:
        names = np.full(scores.shape, "").tolist()
    else:
        names = [[n.decode("utf-8", "replace") for n in row] for row in classes]
    if scores is None:
        scores = np.zeros(classes.shape, np.float32)
    rows = zip(names, plain_decimals(scores).tolist(), strict=True)
    return {
        "results": [
            [list(pair) for pair in zip(*row, strict=True)] for row in rows
        ]
    }
