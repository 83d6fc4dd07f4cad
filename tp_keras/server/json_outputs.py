"""Tensors of an answer as JSON; see `json_tensors` for the rules."""

import base64

import numpy as np

from tp_keras.server.json_tensors import B64
from tp_keras.server.rest_error import RestError

# Strings called so are bytes.
_BYTES_SUFFIX = "_bytes"


def write_outputs(outputs: dict[str, np.ndarray], in_rows: bool) -> dict:
    """Returns tensors as an answer of Predict: by rows, or by columns.

    Raises:
        RestError: If there are rows of some, and other numbers of others.
    """
    single = len(outputs) == 1
    if not in_rows:
        values = {name: _to_json(name, v) for name, v in outputs.items()}
        return {"outputs": next(iter(values.values())) if single else values}
    count = None
    for name, array in outputs.items():
        if not array.ndim:
            raise RestError(f"Tensor name: {name} has no shape information ")
        if count not in (None, len(array)):
            raise RestError(
                f"Tensor name: {name} has inconsistent batch size: "
                f"{len(array)} expecting: {count}"
            )
        count = len(array)
    columns = [_to_json(name, array) for name, array in outputs.items()]
    if single:
        return {"predictions": columns[0]}
    rows = zip(*columns, strict=True)
    return {
        "predictions": [dict(zip(outputs, row, strict=True)) for row in rows]
    }


def _to_json(name, array):
    """Returns an array as JSON holds it."""
    if array.dtype == object:
        as_bytes = name.endswith(_BYTES_SUFFIX)
        texts = np.empty(array.size, object)
        texts[:] = [_from_bytes(item, as_bytes) for item in array.flat]
        array = texts.reshape(array.shape)
    elif array.dtype.kind == "f":
        array = plain_decimals(array)
    return array.tolist()


def _from_bytes(item: bytes, as_bytes: bool):
    if as_bytes:
        return {B64: base64.b64encode(item).decode()}
    return item.decode("utf-8", "replace")


def plain_decimals(array) -> np.ndarray:
    """Returns float32 as the float64 that are written with as few digits."""
    return np.asarray(array).astype("U32").astype(np.float64)
