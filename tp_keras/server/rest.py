"""TensorFlow Serving's REST API for the bundles of a `ModelStore`.

What a client gets is what TensorFlow Serving answers, in the session of the
same library. See https://www.tensorflow.org/tfx/serving/api_rest.
"""

import asyncio
import concurrent.futures
import json
import re
import urllib.parse

from fastapi import APIRouter
from fastapi import Request
from fastapi import Response
from google.protobuf import json_format

from tp_keras.errors import UserError
from tp_keras.server import json_examples
from tp_keras.server import json_outputs
from tp_keras.server import json_tensors
from tp_keras.server.body import BodyError
from tp_keras.server.body import read_body
from tp_keras.server.model_store import ModelStore
from tp_keras.server.rest_error import FAILED_PRECONDITION
from tp_keras.server.rest_error import INVALID_ARGUMENT
from tp_keras.server.rest_error import RestError
from tp_keras.server.rest_error import http_status
from tp_keras.serving.c_session import SessionError

MOST_BYTES = 64 << 20

_DEFAULT = "serving_default"
_PREDICT = "predict"
_MOST = 2**63

_PATH = re.compile(
    r"/v1/models/(?P<name>[^/:]+)"
    r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
    r"(?:/(?P<metadata>metadata)|:(?P<method>predict|classify|regress))?",
    re.ASCII,
)


def make_router(
    store: ModelStore, pool: concurrent.futures.Executor
) -> APIRouter:
    """Returns the routes below `/v1/`; `pool` does the work."""
    router = APIRouter(tags=["TensorFlow Serving"])

    async def answer(request: Request) -> Response:
        """Answers as TensorFlow Serving does."""
        path = request.scope["raw_path"].decode("latin-1").partition("?")[0]
        place = _PATH.fullmatch(path)
        try:
            body = await read_body(request, MOST_BYTES)
            call = pool, _answer, store, request.method, place, body
            loop = asyncio.get_running_loop()
            values = await loop.run_in_executor(*call)
            if values is None:
                raise RestError(f"Malformed request: {request.method} {path}")
            return _json(values, 200)
        except (RestError, BodyError) as error:
            return _json(_error(str(error)), error.status)

    for path, kinds in _documented():
        for kind, (method, extra) in kinds.items():
            router.add_api_route(
                path + kind,
                answer,
                methods=[method],
                operation_id=_operation(path, kind),
                **extra,
            )
    router.add_api_route(
        "/v1/{path:path}",
        answer,
        methods=["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"],
        include_in_schema=False,
    )
    return router


def _answer(store, method, place, body):
    """Returns the answer to a request as JSON holds it, None if malformed."""
    if place is None:
        return None
    name, version, label, metadata, call = place.group(
        "name", "version", "label", "metadata", "method"
    )
    if version is not None:
        if len(version) > 19 or int(version) >= _MOST:
            raise RestError(f"Failed to convert version: {version} to numeric.")
        version = int(version)
    # Only now: an encoded slash is a part of a name.
    name, label = map(_decoded, (name, label))
    spec = name, version, label
    if method == "POST" and call:
        return _call(store, spec, call, body)
    if method != "GET" or call:
        return None
    return _metadata(store, spec) if metadata else _status(store, spec)


def _decoded(text):
    return text and urllib.parse.unquote(text)


def _call(store, spec, method, body):
    """Runs a signature for one of the three methods."""
    request = json_tensors.parse_object(body)
    name = request.get("signature_name", "")
    if not isinstance(name, str):
        raise RestError(
            f"{json_tensors.shown(request)} not formatted "
            "correctly. 'signature_name' key must be a string value."
        )
    examples = None
    if method != _PREDICT:
        examples = json_examples.read_examples(request)
    _, session = store.get(*spec)
    signature = session.signatures.get(name or _DEFAULT)
    if signature is None:
        raise RestError(
            f'Serving signature name: "{name or _DEFAULT}" not found in '
            "signature def"
            if method == _PREDICT
            else f"No signature was found with the name: {name or _DEFAULT}"
        )
    if method == _PREDICT:
        inputs, in_rows = json_tensors.read_inputs(request, signature.inputs)
        outputs = _run(session, name or _DEFAULT, inputs)
        return json_outputs.write_outputs(outputs, in_rows)
    json_examples.check_signature(signature, method)
    outputs = _run(session, name or _DEFAULT, {"inputs": examples})
    return json_examples.write_results(outputs, method, len(examples))


def _run(session, signature, inputs):
    try:
        return session.run(signature, inputs)
    except SessionError as error:
        text = str(error).removeprefix("TensorFlow refused it: ")
        raise RestError(text, error.code) from error
    except UserError as error:
        raise RestError(str(error), FAILED_PRECONDITION) from error


def _status(store, spec):
    return {
        "model_version_status": [
            {
                "version": str(number),
                "state": version.state,
                "status": {
                    "error_code": "UNKNOWN" if version.error else "OK",
                    "error_message": version.error,
                },
            }
            for number, version in store.status(*spec)
        ]
    }


def _metadata(store, spec):
    version, session = store.get(*spec)
    signatures = {
        name: json_format.MessageToDict(
            signature,
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
        )
        for name, signature in session.signatures.items()
    }
    return {
        "model_spec": {
            "name": spec[0],
            "signature_name": "",
            "version": str(version),
        },
        "metadata": {"signature_def": {"signature_def": signatures}},
    }


def _error(text: str) -> dict:
    return {"error": text}


def _json(values, status) -> Response:
    return Response(json.dumps(values), status, media_type="application/json")


def _documented():
    """Yields the paths of the API, each with what is to be asked there."""
    text = {"type": "string"}
    told = {"type": "object", "properties": {"error": text}} | {
        "required": ["error"]
    }
    failures = {
        status: {
            "description": description,
            "content": {"application/json": {"schema": told}},
        }
        for status, description in (
            (http_status(INVALID_ARGUMENT), "The request doesn't match."),
            (404, "There is no such model or version."),
            (413, "The request is too large."),
        )
    }

    def ask(summary, key):
        return "GET", {"summary": summary, "responses": failures | _ok(key)}

    def call(summary, asked, key):
        schema = {"type": "object", "properties": {"signature_name": text}}
        for name in asked:
            schema["properties"][name] = {}
        body = {"content": {"application/json": {"schema": schema}}}
        return "POST", {
            "summary": summary,
            "responses": failures | _ok(key),
            "openapi_extra": {"requestBody": body | {"required": True}},
        }

    kinds = {
        "": ask("The state of each version", "model_version_status"),
        "/metadata": ask("The signatures", "metadata"),
        ":predict": call(
            "Runs a signature on rows or columns of tensors",
            ("instances", "inputs"),
            "",
        ),
        ":classify": call(
            "Classifies examples", ("examples", "context"), "results"
        ),
        ":regress": call(
            "Predicts a number of examples", ("examples", "context"), "results"
        ),
    }
    for place in ("", "/versions/{version}", "/labels/{label}"):
        yield f"/v1/models/{{name}}{place}", kinds


def _ok(key) -> dict:
    schema = {"type": "object", "required": [key] if key else []}
    return {
        200: {
            "description": "The answer",
            "content": {"application/json": {"schema": schema}},
        }
    }


def _operation(path, kind) -> str:
    words = re.findall(r"[a-z]+", path.replace("{name}", "") + kind)
    return "_".join(words[1:])
