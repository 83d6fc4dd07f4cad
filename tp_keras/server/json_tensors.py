"""Tensors as JSON, by the rules of TensorFlow Serving's REST API.

The rules and the texts of errors are those of its `json_tensor.cc`; see
https://www.tensorflow.org/tfx/serving/api_rest. A tensor is nested lists, and
bytes are `{"b64": "..."}`. One rule is stricter: an integer that its type
can't hold is refused, where the server would take it modulo 256.
"""

import base64
import binascii
import itertools
import json

import numpy as np

from tp_keras.server.rest_error import RestError

# What a type is called in errors, by its number.
_NAMES = {1: "float", 3: "int32", 4: "uint8", 7: "string", 9: "int64"} | {
    10: "bool"
}
_DTYPES = {
    name: np.dtype("O" if name == "string" else name.replace("float", "f4"))
    for name in _NAMES.values()
}
_LEAVES = {
    "float": {int, float},
    "string": {str, dict},
    "bool": {bool},
}
_JSON_TYPES = {
    type(None): "Null",
    dict: "Object",
    list: "Array",
    str: "String",
    int: "Number",
    float: "Number",
}

# Of a value that is shown in an error.
_MOST_SHOWN = 256
# NumPy has no more.
_MOST_DIMENSIONS = 32
B64 = "b64"
_SPACES = str.maketrans("", "", " \t\r\n\f\v")


def parse_object(body: bytes) -> dict:
    """Returns the JSON object of a body; `NaN` and `Infinity` are numbers.

    Raises:
        RestError: If it is no such object.
    """
    if not body:
        raise RestError("JSON Parse error: The document is empty")
    try:
        text = body.decode("utf-8")
        values = json.loads(text)
    except UnicodeDecodeError as error:
        raise RestError(
            f"JSON Parse error: Invalid encoding in string. at offset: "
            f"{error.start}"
        ) from error
    except json.JSONDecodeError as error:
        raise RestError(
            f"JSON Parse error: {error.msg} at offset: {error.pos}"
        ) from error
    # Python's: integers of thousands of digits, and lists within lists.
    except (ValueError, RecursionError) as error:
        raise RestError(f"JSON Parse error: {error} at offset: 0") from error
    if not isinstance(values, dict):
        raise RestError(f"{shown(values)} Is not object")
    return values


def read_inputs(request: dict, infos: dict) -> tuple[dict, bool]:
    """Returns the tensors of a request of Predict, and whether it has rows.

    Args:
        request: With rows as `instances`, or columns as `inputs`.
        infos: Dict of the name of an input to its `TensorInfo`.

    Raises:
        RestError: If it doesn't match.
    """
    has_rows, has_columns = "instances" in request, "inputs" in request
    if has_rows and has_columns:
        raise RestError(
            f"{shown(request)} Not formatted correctly expecting only one of "
            "'inputs' or 'instances' keys to exist "
        )
    if not (has_rows or has_columns):
        raise RestError("Missing 'inputs' or 'instances' key")
    types = {name: _NAMES.get(info.dtype) for name, info in infos.items()}
    if has_columns:
        return _read_columns(request["inputs"], types), False
    rows = request["instances"]
    if not isinstance(rows, list):
        raise RestError(
            f"{shown(request)} Expecting 'instances' to be an list/array"
        )
    if not rows:
        raise RestError(f"{shown(request)} No values in 'instances' array")
    return _read_rows(rows, types), True


def _read_columns(columns, types):
    if isinstance(columns, dict) and not _is_b64(columns):
        for name in types:
            if name not in columns:
                raise RestError(
                    f"Missing named input: {name} in 'inputs' object."
                )
        return {
            name: to_tensor(columns[name], dtype)
            for name, dtype in types.items()
        }
    if len(types) > 1:
        raise RestError(
            "inputs is a plain value/list, but expecting an object as multiple "
            "input tensors required as per tensorinfo_map"
        )
    ((name, dtype),) = types.items()
    return {name: to_tensor(columns, dtype)}


def _read_rows(rows, types):
    if not isinstance(rows[0], dict) and len(types) > 1:
        raise RestError(
            "instances is a plain list, but expecting list of objects as "
            "multiple input tensors required as per tensorinfo_map"
        )
    named = _is_named(rows[0])
    columns: dict = {name: [] for name in types}
    (first, *_) = types
    for i, row in enumerate(rows):
        if named != _is_named(row):
            raise RestError(
                f"Expecting object but got list at item {i} of input list"
                if named
                else f"Expecting value/list but got object at item {i} of "
                "input list"
            )
        if not named:
            columns[first].append(row)
            continue
        for name in row:
            if name not in types:
                raise _failed(
                    i,
                    f" key: {name}",
                    f"JSON object: does not have named input: {name}",
                )
        if len(row) != len(types):
            raise RestError(
                f"Failed to process element: {i} of 'instances' list. JSON "
                f"object: {_debug(row)} keys must be equal to: "
                f"{','.join(sorted(types))}"
            )
        for name in types:
            columns[name].append(row[name])
    tensors = {}
    for name, dtype in types.items():
        try:
            tensors[name] = to_tensor(columns[name], dtype)
        except RestError as error:
            key = f" key: {name}" if named else ""
            raise _row_error(columns[name], dtype, key) or error from None
    return tensors


def _row_error(rows, dtype, key):
    """Returns what is wrong with the first of the rows that don't match."""
    shape = None
    for i, row in enumerate(rows):
        try:
            tensor = to_tensor(row, dtype)
        except RestError as error:
            return _failed(i, key, str(error))
        if shape is None:
            shape, size = tensor.shape, tensor.size
        if tensor.size != size:
            text = f"Expecting tensor size: {size} but got: {tensor.size}"
            return _failed(i, key, text)
        if tensor.shape != shape:
            was, now = (
                f"[{','.join(map(str, s))}]" for s in (shape, tensor.shape)
            )
            return _failed(i, key, f"Expecting shape {was} but got: {now}")
    return None


def _failed(i, key, text):
    return RestError(
        f"Failed to process element: {i}{key} of 'instances' list. Error: "
        f"INVALID_ARGUMENT: {text}"
    )


def to_tensor(value, dtype: str) -> np.ndarray:
    """Returns nested lists as an array; strings as objects of `bytes`.

    Args:
        value: Nested lists as JSON holds them, or a single value.
        dtype: One of `float`, `int32`, `uint8`, `string`, `int64`, `bool`.

    Raises:
        RestError: If the lists are ragged, or a value is of another type.
    """
    # Level by level in C: pictures are tens of thousands of numbers.
    shape, level = [], [value]
    while set(map(type, level)) == {list} and len(shape) < _MOST_DIMENSIONS:
        sizes = set(map(len, level))
        if len(sizes) > 1:
            break
        shape += sizes
        level = list(itertools.chain.from_iterable(level))
    if not set(map(type, level)) <= _LEAVES.get(dtype, {int}):
        _check(value, 0, _shape_of(value), dtype)
    array = np.empty(len(level), _DTYPES[dtype])
    if dtype == "string":
        level = [to_bytes(item) for item in level]
    if array.dtype.kind in "iu" and level:
        info = np.iinfo(array.dtype)
        for item in (min(level), max(level)):
            if not info.min <= item <= info.max:
                raise _type_error(item, dtype)
    with np.errstate(over="ignore"):
        try:
            array[:] = level
        except OverflowError as error:
            raise _type_error(max(level, key=abs), dtype) from error
    return array.reshape(shape)


def _shape_of(value):
    """Returns the shape as far as the first values of all lists tell it."""
    shape = []
    while isinstance(value, list) and len(shape) < _MOST_DIMENSIONS:
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return shape


def _check(value, level, shape, dtype):
    """Raises what the server says of the first value that doesn't match."""
    if not isinstance(value, list):
        if level != len(shape):
            raise RestError(
                f"{shown(value)} found at incorrect level: "
                f"{level + 1} in the JSON DOM. Expected at level: {len(shape)}"
            )
        if dtype == "string" and isinstance(value, dict):
            to_bytes(value)
        elif type(value) not in _LEAVES.get(dtype, {int}):
            raise _type_error(value, dtype)
        return
    if level >= len(shape):
        raise RestError(
            f"Encountered list at unexpected level: {level} expected < "
            f"{len(shape)}"
        )
    if len(value) != shape[level]:
        raise RestError(
            f"Encountered list at unexpected size: {len(value)} at level: "
            f"{level} expected size: {shape[level]}"
        )
    for item in value:
        _check(item, level + 1, shape, dtype)


def _type_error(value, dtype):
    return RestError(
        f"{shown(value)} Type: {json_type(value)} is not of expected type: "
        f"{dtype}"
    )


def to_bytes(value) -> bytes:
    """Returns a string as the bytes of a tensor."""
    if isinstance(value, str):
        # Half of a pair of UTF-16 is no text, but may be sent.
        return value.encode("utf-8", "surrogatepass")
    if not _is_b64(value):
        raise RestError(
            f"{shown(value)} not formatted correctly for base64 data"
        )
    return decode_b64(value[B64])


def decode_b64(text: str) -> bytes:
    """Returns the bytes of a text; `=` at its end may be missing."""
    text = text.translate(_SPACES).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RestError("Unable to base64 decode") from error


def _is_b64(value) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {B64}
        and isinstance(value[B64], str)
    )


def _is_named(row) -> bool:
    return isinstance(row, dict) and not _is_b64(row)


def shown(value) -> str:
    """Returns how an error begins that is about a value."""
    return f"JSON Value: {_debug(value)}"


def json_type(value) -> str:
    """Returns what the type of a value is called in errors."""
    return _JSON_TYPES.get(type(value), str(value))


def _debug(value) -> str:
    # Of a long one only its beginning is worth the time.
    if isinstance(value, list):
        value = value[:_MOST_SHOWN]
    return json.dumps(value)[:_MOST_SHOWN]
