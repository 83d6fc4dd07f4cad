"""The examples of TensorFlow Serving's documentation, and its errors."""

import json

import pytest

HALF = "/v1/models/half_plus_three"
NAMED = "/v1/models/named"

ROWS = [
    {"tag": "foo", "signal": [1, 2, 3, 4, 5], "sensor": [[1, 2], [3, 4]]},
    {"tag": "bar", "signal": [3, 4, 1, 2, 5], "sensor": [[4, 5], [6, 8]]},
]
COLUMNS = {name: [row[name] for row in ROWS] for name in ROWS[0]}
FOO, BAR = {"b64": "Zm9v"}, {"b64": "YmFy"}


def answer(http, path, request):
    response = http.post(path, content=json.dumps(request))
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize(
    "place", ["", "/versions/123", "/labels/stable"], ids=str
)
def test_the_example_of_the_documentation(http, place):
    assert http.get(HALF + place).json() == {
        "model_version_status": [
            {
                "version": "123",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }
    rows = {"instances": [1.0, 2.0, 5.0]}
    path = f"{HALF}{place}:predict"
    assert answer(http, path, rows) == {"predictions": [3.5, 4.0, 5.5]}
    regress = {
        "signature_name": "tensorflow/serving/regress",
        "examples": [{"x": 1.0}, {"x": 2.0}],
    }
    path = f"{HALF}{place}:regress"
    assert answer(http, path, regress) == {"results": [3.5, 4.0]}


def test_rows_and_columns_of_named_inputs(http):
    assert answer(http, f"{NAMED}:predict", {"instances": ROWS}) == {
        "predictions": [
            {"tag": "foo", "tag_bytes": FOO, "sum": 15}
            | {"turned": [[1, 3], [2, 4]]},
            {"tag": "bar", "tag_bytes": BAR, "sum": 15}
            | {"turned": [[4, 6], [5, 8]]},
        ]
    }
    assert answer(http, f"{NAMED}:predict", {"inputs": COLUMNS}) == {
        "outputs": {
            "tag": ["foo", "bar"],
            "tag_bytes": [FOO, BAR],
            "sum": [15, 15],
            "turned": [[[1, 3], [2, 4]], [[4, 6], [5, 8]]],
        }
    }


@pytest.mark.parametrize(
    ("signature", "value", "expected"),
    [
        ("float32", [0.2, 1e-5, 16777217, 9e6], [0.2, 1e-5, 16777216.0, 9e6]),
        ("float32", 2, 2.0),
        ("float32", [[1], [2]], [[1.0], [2.0]]),
        ("float32", [], []),
        ("int32", [-(2**31), 2**31 - 1], [-(2**31), 2**31 - 1]),
        ("uint8", [[0, 255]], [[0, 255]]),
        ("int64", [-(2**63), 2**63 - 1], [-(2**63), 2**63 - 1]),
        ("bool", [True, False], [True, False]),
        ("string", ["", "ä€"], ["", "ä€"]),
        ("string", {"b64": "Zm9v"}, "foo"),
        ("string", ["a", {"b64": "Zm9v"}], ["a", "foo"]),
        ("x_bytes", [{"b64": "AAH/"}], [{"b64": "AAH/"}]),
        # Spaces within, and no sign at the end.
        ("x_bytes", {"b64": " A A H\n/AA "}, {"b64": "AAH/AA=="}),
        ("x_bytes", "text", {"b64": "dGV4dA=="}),
    ],
)
def test_what_comes_back_of_each_type(http, signature, value, expected):
    request = {"signature_name": signature, "inputs": value}
    response = answer(http, f"{NAMED}:predict", request)
    assert response == {"outputs": expected}


def test_numbers_that_json_does_not_know(http):
    body = '{"signature_name": "float32", "inputs": [NaN, Infinity, -Infinity]}'
    response = http.post(f"{NAMED}:predict", content=body)
    assert response.text == '{"outputs": [NaN, Infinity, -Infinity]}'


def test_classify(http):
    request = {"signature_name": "classify_x"} | {
        "examples": [{"x": 0.25}, {"x": [1.0]}]
    }
    assert answer(http, f"{HALF}:classify", request) == {
        "results": [
            [["low", 0.75], ["high", 0.25]],
            [["low", 0.0], ["high", 1.0]],
        ]
    }
    # What all examples share.
    request |= {"context": {"x": 0.5}, "examples": [{"other": 1}]}
    results = [[["low", 0.5], ["high", 0.5]]]
    assert answer(http, f"{HALF}:classify", request) == {"results": results}


def test_metadata(http):
    told = http.get(f"{HALF}/metadata").json()
    assert told["model_spec"] == {"name": "half_plus_three"} | {
        "signature_name": "",
        "version": "123",
    }
    signatures = told["metadata"]["signature_def"]["signature_def"]
    x = signatures["serving_default"]["inputs"]["x"]
    assert x["dtype"] == "DT_FLOAT"
    assert x["tensor_shape"] == {
        "dim": [{"size": "-1", "name": ""}],
        "unknown_rank": False,
    }


SAME = {"signature_name": "float32"}


@pytest.mark.parametrize(
    ("path", "request_", "status", "text"),
    [
        (
            "/v1/models/half:predict",
            {"instances": [1.0, 5.0]},
            404,
            "Servable not found for request: Latest(half)",
        ),
        (
            f"{HALF}/versions/7:predict",
            {"instances": [1.0]},
            404,
            "Servable not found for request: Specific(half_plus_three, 7)",
        ),
        (
            f"{HALF}/labels/canary:predict",
            {"instances": [1.0]},
            400,
            "Unrecognized servable version label: canary",
        ),
        (
            f"{HALF}/versions/99999999999999999999:predict",
            {"instances": [1.0]},
            400,
            "Failed to convert version: 99999999999999999999 to numeric.",
        ),
        (
            f"{HALF}/versions/x:predict",
            {"instances": [1.0]},
            400,
            f"Malformed request: POST {HALF}/versions/x:predict",
        ),
        (HALF, {}, 400, f"Malformed request: POST {HALF}"),
        (
            f"{HALF}:predict",
            {"signature_name": "foo", "instances": [1.0]},
            400,
            'Serving signature name: "foo" not found in signature def',
        ),
        (
            f"{HALF}:predict",
            {"signature_name": 5, "instances": [1.0]},
            400,
            "'signature_name' key must be a string value.",
        ),
        (f"{HALF}:predict", [1], 400, "JSON Value: [1] Is not object"),
        (f"{HALF}:predict", {}, 400, "Missing 'inputs' or 'instances' key"),
        (
            f"{HALF}:predict",
            {"inputs": [1], "instances": [1]},
            400,
            "expecting only one of 'inputs' or 'instances' keys to exist",
        ),
        (
            f"{HALF}:predict",
            {"instances": 1},
            400,
            "Expecting 'instances' to be an list/array",
        ),
        (
            f"{HALF}:predict",
            {"instances": []},
            400,
            "No values in 'instances' array",
        ),
        (
            f"{HALF}:predict",
            {"instances": ["x"]},
            400,
            "Failed to process element: 0 of 'instances' list. Error: "
            'INVALID_ARGUMENT: JSON Value: "x" Type: String is not of '
            "expected type: float",
        ),
        (
            f"{HALF}:predict",
            {"instances": [1, True]},
            400,
            "Failed to process element: 1 of 'instances' list. Error: "
            "INVALID_ARGUMENT: JSON Value: true Type: True is not of "
            "expected type: float",
        ),
        (
            f"{HALF}:predict",
            {"instances": [[1, 2], [3]]},
            400,
            "Failed to process element: 1 of 'instances' list. Error: "
            "INVALID_ARGUMENT: Expecting tensor size: 2 but got: 1",
        ),
        (
            f"{HALF}:predict",
            {"instances": [[1, 2], [[3], [4]]]},
            400,
            "Expecting shape [2] but got: [2,1]",
        ),
        (
            f"{HALF}:predict",
            {"instances": [[[1], 2]]},
            400,
            "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. "
            "Expected at level: 2",
        ),
        (
            f"{HALF}:predict",
            {"instances": [1, {"x": 1}]},
            400,
            "Expecting value/list but got object at item 1 of input list",
        ),
        (
            f"{HALF}:predict",
            {"instances": [{"x": 1}, 1]},
            400,
            "Expecting object but got list at item 1 of input list",
        ),
        (
            f"{HALF}:predict",
            {"instances": [{"z": 1}]},
            400,
            "Failed to process element: 0 key: z of 'instances' list. Error: "
            "INVALID_ARGUMENT: JSON object: does not have named input: z",
        ),
        (
            f"{NAMED}:predict",
            {"instances": [{"tag": "a"}]},
            400,
            "keys must be equal to: sensor,signal,tag",
        ),
        (
            f"{NAMED}:predict",
            {"instances": [1]},
            400,
            "instances is a plain list, but expecting list of objects",
        ),
        (
            f"{NAMED}:predict",
            {"inputs": [1]},
            400,
            "inputs is a plain value/list, but expecting an object",
        ),
        (
            f"{NAMED}:predict",
            {"inputs": {"tag": ["a"]}},
            400,
            "Missing named input: ",
        ),
        (
            f"{NAMED}:predict",
            SAME | {"inputs": [[1, 2], [3]]},
            400,
            "Encountered list at unexpected size: 1 at level: 1 expected size: "
            "2",
        ),
        (
            f"{NAMED}:predict",
            SAME | {"inputs": [1, [2]]},
            400,
            "Encountered list at unexpected level: 1 expected < 1",
        ),
        (
            f"{NAMED}:predict",
            {"signature_name": "uint8", "inputs": [256]},
            400,
            "JSON Value: 256 Type: Number is not of expected type: uint8",
        ),
        (
            f"{NAMED}:predict",
            {"signature_name": "int32", "inputs": [1.0]},
            400,
            "JSON Value: 1.0 Type: Number is not of expected type: int32",
        ),
        (
            f"{NAMED}:predict",
            {"signature_name": "string", "inputs": {"b64": "ä"}},
            400,
            "Unable to base64 decode",
        ),
        (
            f"{NAMED}:predict",
            {"signature_name": "string", "inputs": [{"x": "ä"}]},
            400,
            "not formatted correctly for base64 data",
        ),
        (
            f"{NAMED}:predict",
            {"signature_name": "ragged", "instances": [1, 2]},
            400,
            "has inconsistent batch size: ",
        ),
        (
            f"{NAMED}:predict",
            {"signature_name": "scalar", "instances": [1, 2]},
            400,
            "Tensor name: sum has no shape information ",
        ),
        (
            f"{HALF}:classify",
            {"signature_name": "no", "examples": [{}]},
            400,
            "No signature was found with the name: no",
        ),
        (
            f"{NAMED}:classify",
            {"examples": [{}]},
            400,
            "Expected one input Tensor.",
        ),
        (
            f"{HALF}:classify",
            {"examples": [{}]},
            400,
            "No classification inputs found in SignatureDef: ",
        ),
        (
            f"{HALF}:classify",
            {"instances": [1]},
            400,
            "When method is classify, key 'examples' is expected and was not "
            "found",
        ),
        (f"{HALF}:classify", {"examples": 1}, 400, "to be an list/array"),
        (f"{HALF}:classify", {"examples": []}, 400, "is an empty array"),
        (
            f"{HALF}:classify",
            {"examples": [1]},
            400,
            "Example must be JSON object but got JSON Number",
        ),
        (
            f"{HALF}:classify",
            {"examples": [{"x": [1, "a"]}]},
            400,
            "Unexpected element type in feature: x expecting type: int64",
        ),
        (
            f"{HALF}:classify",
            {"examples": [{"x": None}]},
            400,
            "Feature: x has element with unexpected JSON type: Null",
        ),
        (
            f"{HALF}:classify",
            {"examples": [{"x": 2**63}]},
            400,
            "Feature: x has uint64_t element. Only int64_t is supported.",
        ),
        (
            f"{HALF}:classify",
            {"signature_name": "classify_x", "examples": [{"y": 1}]},
            400,
            "Feature: x (data type: float) is required but could not be found",
        ),
    ],
)
def test_what_does_not_match_is_told(http, path, request_, status, text):
    response = http.post(path, content=json.dumps(request_))
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert list(response.json()) == ["error"]
    assert text in response.json()["error"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "The document is empty"),
        (b'{"instances": [1.0', "JSON Parse error: "),
        (b"\xff\xfe", "JSON Parse error: Invalid encoding"),
        (b"[" * 100_000, "JSON Parse error: "),
        (b'{"instances": [' + b"9" * 5000 + b"]}", "JSON Parse error: "),
        (b'{"instances": ' + b"[" * 40 + b"1" + b"]" * 40 + b"}", "level"),
    ],
    ids=["empty", "cut", "no text", "deep", "long number", "many levels"],
)
def test_bodies_that_are_no_json(http, body, text):
    response = http.post(f"{HALF}:predict", content=body)
    assert response.status_code == 400
    assert text in response.json()["error"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/..%2F..%2Fetc:predict",
        "/v1/models/%2e%2e:predict",
        "/v1/models/half_plus_three%00:predict",
        "/v1/models/half_plus_three%2F123:predict",
        "/v1/models//versions/1:predict",
        "/v1/models/half_plus_three/versions/../123:predict",
        "/v1/models/half_plus_three/versions/-1:predict",
        "/v1/models/half_plus_three:delete",
    ],
)
def test_no_trick_in_a_path_reaches_a_file(http, path):
    response = http.post(path, content='{"instances": [1]}')
    assert response.status_code in (400, 404)
    assert "error" in response.json()


def test_other_methods_are_malformed(http):
    for method in ("PUT", "DELETE", "PATCH"):
        response = http.request(method, HALF)
        assert response.status_code == 400
        expected = f"Malformed request: {method} {HALF}"
        assert response.json() == {"error": expected}
