"""What clients and disks do that they shouldn't: the server lives on."""

import base64
import contextlib
import io
import json
import pathlib
import shutil
import socket

import numpy as np
import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from tests.served import served
from tests.server.conftest import save_half_plus_three
from tp_keras.errors import UserError
from tp_keras.server import ModelStore
from tp_keras.server import create_app
from tp_keras.server.json_outputs import write_outputs
from tp_keras.server.json_tensors import decode_b64
from tp_keras.server.json_tensors import parse_object
from tp_keras.server.json_tensors import to_tensor
from tp_keras.server.rest_error import RestError

HALF = "/v1/models/half_plus_three"
MODEL = "/v1/models/portrait_attributes:predict"

# Reproducible, and as long on a slow machine.
PROPERTY = settings(deadline=None, derandomize=True, max_examples=60)
DTYPES = {"float": "f4", "int32": "i4", "uint8": "u1", "int64": "i8"} | {
    "bool": "?"
}


def json_values():
    leaves = st.none() | st.booleans() | st.integers() | st.floats()
    return st.recursive(
        leaves | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["b64", "x"]), inner, max_size=2)
        ),
        max_leaves=12,
    )


@PROPERTY
@given(st.data(), st.sampled_from(sorted(DTYPES)))
def test_what_is_written_is_read_back(data, name):
    shape = arrays.array_shapes(min_dims=1, max_dims=4, max_side=4)
    array = data.draw(arrays.arrays(DTYPES[name], shape))
    for in_rows, key in ((True, "predictions"), (False, "outputs")):
        text = json.dumps(write_outputs({"x": array}, in_rows))
        values = parse_object(text.encode())[key]
        read = to_tensor(values, name)
        assert read.dtype == array.dtype
        np.testing.assert_array_equal(read, array)


@PROPERTY
@given(st.lists(st.binary(max_size=9), min_size=1, max_size=4))
def test_bytes_are_read_back(items):
    array = np.empty(len(items), object)
    array[:] = items
    text = json.dumps(write_outputs({"x_bytes": array}, True))
    read = to_tensor(json.loads(text)["predictions"], "string")
    assert read.tolist() == items
    for item in items:
        assert decode_b64(base64.b64encode(item).decode()) == item


@PROPERTY
@given(json_values(), st.sampled_from([*DTYPES, "string"]))
def test_any_json_is_a_tensor_or_is_refused(value, name):
    try:
        tensor = to_tensor(value, name)
    except RestError as error:
        assert str(error)
        return
    # NumPy's own reading of nested lists, where it has one.
    if name in DTYPES:
        with np.errstate(over="ignore"):
            expected = np.array(value, DTYPES[name])
        np.testing.assert_array_equal(tensor, expected)


@settings(PROPERTY, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from(
            ["instances", "inputs", "examples", "context", "signature_name"]
        ),
        json_values() | st.lists(st.floats(width=32), max_size=3),
        max_size=3,
    )
    | json_values(),
    st.sampled_from(["predict", "classify", "regress"]),
)
def test_any_request_has_an_answer(http, request_, method):
    response = http.post(f"{HALF}:{method}", content=json.dumps(request_))
    told = response.json()
    if response.status_code == 200:
        key = {"predict": {"predictions", "outputs"}}.get(method, {"results"})
        assert set(told) <= key
    else:
        assert response.status_code == 400
        assert list(told) == ["error"]


@PROPERTY
@given(st.binary(max_size=60))
def test_any_body_has_an_answer(http, body):
    response = http.post(f"{HALF}:predict", content=body)
    assert response.status_code == 400
    assert response.json()["error"]


def png_of(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def portraits_app(bundle):
    from starlette.testclient import TestClient

    with TestClient(create_app(ModelStore(bundle.parents[1]))) as client:
        yield client


def ask_files(client, files):
    rows = [{"b64": base64.b64encode(file).decode()} for file in files]
    request = {"signature_name": "serve_bytes", "instances": rows}
    return client.post(MODEL, content=json.dumps(request))


def check_corrupt(client, places):
    """A corrupt file is not valid, and harms no other of its request."""
    pixels = np.random.default_rng(3).integers(0, 256, (64, 48, 3))
    whole = png_of(pixels.astype(np.uint8))
    (expected,) = ask_files(client, [whole]).json()["predictions"]
    for place in places:
        place %= len(whole)
        flipped = bytearray(whole)
        flipped[place] ^= 0xFF
        cut = ask_files(client, [whole[:place]])
        assert cut.status_code == 200
        assert not cut.json()["predictions"][0]["valid"]
        files = [whole, bytes(flipped), whole]
        rows = ask_files(client, files).json()["predictions"]
        assert [row["valid"] for row in rows] == [True, False, True]
        for row in rows[::2]:
            for name, value in row.items():
                if isinstance(value, str):
                    assert value == expected[name]
                else:
                    np.testing.assert_allclose(value, expected[name], atol=1e-5)


def test_a_corrupt_file_harms_no_other(portraits_app):
    check_corrupt(portraits_app, [*range(0, 60, 6), *range(60, 9000, 700)])


@pytest.mark.large
def test_each_byte_of_a_file_flipped_or_cut(portraits_app):
    # More than there are: the last ones come twice.
    check_corrupt(portraits_app, range(9400))


def states(store):
    return {n: v.state for n, v in store.status("half_plus_three")}


def test_versions_come_half_written_and_go_while_served(tmp_path, toys):
    folder = tmp_path / "half_plus_three"
    shutil.copytree(toys / "half_plus_three" / "123", folder / "1")
    store = ModelStore(tmp_path)
    inputs = {"x": np.array([2.0], np.float32)}
    number, session = store.get("half_plus_three")
    assert number == 1
    # A copy is under way: first nothing, then half of the graph.
    save_half_plus_three(tmp_path / "aside", extra=5.0)
    whole = (tmp_path / "aside" / "saved_model.pb").read_bytes()
    (folder / "2").mkdir()
    store.refresh()
    assert states(store) == {1: "AVAILABLE"}
    (folder / "2" / "saved_model.pb").write_bytes(whole[: len(whole) // 2])
    store.refresh()
    assert states(store) == {2: "END", 1: "AVAILABLE"}
    assert dict(store.status("half_plus_three"))[2].error
    assert store.get("half_plus_three")[0] == 1
    with pytest.raises(RestError, match=r"Specific\(half_plus_three, 2\)"):
        store.get("half_plus_three", 2)
    # What is no version at all.
    for name in ("latest", ".partial-3", "-4"):
        shutil.copytree(tmp_path / "aside", folder / name)
    shutil.copytree(tmp_path / "aside", folder / "2", dirs_exist_ok=True)
    store.refresh()
    assert states(store) == {2: "AVAILABLE", 1: "AVAILABLE"}
    newest, newer = store.get("half_plus_three")
    assert (newest, newer.run("serving_default", inputs)["y"]) == (2, 6.0)
    # It vanishes, and a request that has it goes on.
    shutil.rmtree(folder / "2")
    store.refresh()
    assert states(store) == {2: "END", 1: "AVAILABLE"}
    assert newer.run("serving_default", inputs)["y"] == 6.0
    assert store.get("half_plus_three")[1] is session
    assert session.run("serving_default", inputs)["y"] == 4.0
    shutil.rmtree(folder)
    store.refresh()
    with pytest.raises(RestError, match=r"Latest\(half_plus_three\)"):
        store.get("half_plus_three")


def test_no_bundle_at_all(tmp_path):
    with pytest.raises(UserError, match="Expected a folder of bundles"):
        ModelStore(tmp_path / "nothing")
    (tmp_path / "half" / "1").mkdir(parents=True)
    (tmp_path / "half" / "1" / "saved_model.pb").write_bytes(b"")
    with pytest.raises(UserError, match="TensorFlow refused it"):
        ModelStore(tmp_path)


def test_idle_connections_and_large_bodies_leave_it_alive(app, tmp_path):
    """Over sockets; the whole 2,000 are in `benchmarks.serving`."""
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(served(app, lifespan="off"))
        address = "127.0.0.1", int(url.rsplit(":", 1)[1])

        def connect():
            return stack.enter_context(socket.create_connection(address))

        idle = [connect() for _ in range(200)]
        # Half a request, and a body that is far too large.
        idle[0].sendall(b"POST /v1/models/x:predict HTTP/1.1\r\nHost: a\r\n")
        size, chunk, large = 100 << 20, bytes(1 << 20), connect()
        large.sendall(
            b"POST /v1/models/x:predict HTTP/1.1\r\nHost: a\r\n"
            + f"Content-Length: {size}\r\n\r\n".encode()
        )
        for _ in range(size >> 20):
            large.sendall(chunk)
        assert b" 413 " in large.recv(100)
        asked = connect()
        asked.sendall(f"GET {HALF} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert b" 200 " in asked.recv(100)


def test_schemathesis_finds_no_answer_that_is_not_documented(app):
    import schemathesis

    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    operations = list(schema.get_all_operations())
    assert len(operations) == 15
    checks = [
        schemathesis.checks.not_a_server_error,
        *(
            schemathesis.checks.CHECKS.get_by_names(
                [
                    "status_code_conformance",
                    "content_type_conformance",
                    "response_schema_conformance",
                ]
            )
            if hasattr(schemathesis.checks, "CHECKS")
            else ()
        ),
    ]
    for operation in operations:
        strategy = operation.ok().as_strategy()

        @settings(
            PROPERTY,
            max_examples=8,
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def ask(case):
            case.call_and_validate(checks=checks)  # noqa: B023

        ask()
    assert not list(pathlib.Path.cwd().glob(".hypothesis/examples/*/*.tmp"))
