"""A client of servers that speak TensorFlow Serving's REST API."""

import base64
import http.client
import io
import json
import urllib.error
import urllib.parse
import urllib.request

import numpy as np
from PIL import Image

from tp_keras.errors import UserError
from tp_keras.pixels import describe_pixels
from tp_keras.serving.face_finder import FaceFinder
from tp_keras.serving.framing import cut
from tp_keras.serving.framing import generic_framing
from tp_keras.serving.photo import read_photo
from tp_keras.tasks import Schema

_MOST_TOLD = 500


class Client:
    """Asks a server about portraits.

    It talks to TensorFlow Serving, OpenVINO Model Server, KServe (V1) and the
    server of `tp_keras.server` alike. Only the first and the last have
    versions by label, `classify` and `regress`; KServe's own servers have
    neither versions nor signatures, and take pixels.

    Send portraits, not photographs: a graph can't see that a picture lies on
    its side by its EXIF mark, nor where in a wide picture the face is; it
    would answer about the wall behind the person. `cut_portraits` cuts the
    faces out of a photograph, upright, on this side.

    Args:
        url: Scheme, host and port, such as `"http://127.0.0.1:8501"`.
        model: Name of the model.
        version: Number of a version; None for the newest.
        label: Instead of a number: label of a version, such as `"stable"`.
        timeout: Seconds until an answer must be there.

    Raises:
        UserError: If both a version and a label are given.

    Example:
        >>> client = Client("http://127.0.0.1:8501", "portrait_attributes")
        >>> client.predict(portraits)["weather_label"]
        array(['snow', 'rain'], dtype='<U4')
    """

    def __init__(
        self,
        url: str,
        model: str,
        version: int | None = None,
        label: str | None = None,
        timeout: float = 30.0,
    ):
        if version is not None and label is not None:
            raise UserError(
                "Expected a version or a label. "
                f"Received: version={version}, label={label!r}"
            )
        if not url.startswith(("http://", "https://")):
            raise UserError(
                "Expected an address such as http://127.0.0.1:8501. "
                f"Received: url={url!r}"
            )
        place = ""
        if version is not None:
            place = f"/versions/{version}"
        elif label is not None:
            place = f"/labels/{_quoted(label)}"
        self._model = f"{url.rstrip('/')}/v1/models/{_quoted(model)}"
        self._place = self._model + place
        self._timeout = timeout

    def predict(
        self, portraits, as_pixels: bool = False
    ) -> dict[str, np.ndarray]:
        """Predicts all tasks for portraits, as `Predictor.predict` does.

        Args:
            portraits: uint8 `[batch, height, width, 3]`, of the size that the
                model takes.
            as_pixels: Send numbers to the default signature rather than PNG
                files to `serve_bytes`: five times as much, for servers that
                know no signatures.

        Raises:
            UserError: If they are no portraits, or the server can't be
                reached or refuses them, with its own words.
        """
        portraits = _checked(portraits)
        if as_pixels:
            return self.call({"image": portraits})
        files = np.empty(len(portraits), object)
        files[:] = [_png(pixels) for pixels in portraits]
        return self.call({"image_bytes": files}, "serve_bytes")

    def embed(self, portraits) -> np.ndarray:
        """Returns the embeddings float32 `[batch, dimensions]` of portraits."""
        outputs = self.call({"image": _checked(portraits)}, "embed")
        return next(iter(outputs.values()))

    def call(
        self, inputs: dict[str, np.ndarray], signature: str | None = None
    ) -> dict[str, np.ndarray]:
        """Runs a signature on tensors by name, sent in rows.

        Args:
            inputs: Dict of name to array `[batch, ...]`; strings are objects
                of `bytes`.
            signature: Its name; None for the default.

        Returns:
            Dict of name to array; of a signature with one output its name is
            that of the signature, which is all a server tells. Floats are
            float32, outputs called `..._bytes` objects of `bytes`.
        """
        columns = {name: _to_json(value) for name, value in inputs.items()}
        rows = [
            dict(zip(columns, row, strict=True))
            for row in zip(*columns.values(), strict=True)
        ]
        if not rows:
            raise UserError("Expected one row or more. Received: none")
        request = {"instances": rows}
        if signature is not None:
            request["signature_name"] = signature
        answer = self._ask(f"{self._place}:predict", request)
        found = _part(answer, "predictions", list)
        if not found or not isinstance(found[0], dict) or "b64" in found[0]:
            name = signature or "output"
            return {name: _from_json(name, found)}
        return {
            name: _from_json(name, [row[name] for row in found])
            for name in found[0]
        }

    def classify(self, portraits, task: str) -> list[list[tuple[str, float]]]:
        """Returns the classes of a task with their scores, for each portrait.

        Raises:
            UserError: As `predict`; OpenVINO Model Server and KServe's own
                servers don't know it.
        """
        request = self._examples(portraits, f"classify_{task}")
        answer = self._ask(f"{self._place}:classify", request)
        results = _part(answer, "results", list)
        return [[(name, score) for name, score in row] for row in results]

    def regress(self, portraits, task: str) -> list[float]:
        """Returns the numbers of a task; see `classify`."""
        request = self._examples(portraits, f"regress_{task}")
        answer = self._ask(f"{self._place}:regress", request)
        return _part(answer, "results", list)

    def status(self) -> dict[int, str]:
        """Returns the state, such as `"AVAILABLE"`, of each version."""
        answer = self._ask(self._place)
        states = _part(answer, "model_version_status", list)
        return {int(state["version"]): state["state"] for state in states}

    def metadata(self) -> dict:
        """Returns what the server tells of the model and its signatures."""
        return self._ask(f"{self._place}/metadata")

    def _examples(self, portraits, signature):
        files = _to_json([_png(pixels) for pixels in _checked(portraits)])
        return {
            "signature_name": signature,
            "examples": [{"image_bytes": file} for file in files],
        }

    def _ask(self, url, request=None) -> dict:
        """Returns the JSON object that a server answers."""
        data = None if request is None else json.dumps(request).encode()
        headers = {"Content-Type": "application/json"} if data else {}
        asked = urllib.request.Request(url, data, headers)
        try:
            with urllib.request.urlopen(asked, timeout=self._timeout) as told:
                return json.loads(told.read())
        except urllib.error.HTTPError as error:
            with error:
                text = _error_text(error.read())
            raise UserError(
                f"The server refused it ({error.code}): {text} Received: {url}"
            ) from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise UserError(
                f"The server can't be asked: {reason}. Expected one that "
                "speaks TensorFlow Serving's REST API. "
                f"Received: {url}"
            ) from error


def cut_portraits(photo, metadata: dict) -> np.ndarray:
    """Returns the faces of a photograph as portraits to send.

    Args:
        photo: What `read_photo` takes: a path, or what the file holds.
        metadata: Content of the `metadata.json` of the bundle that is served:
            it tells the size of portraits and how they frame a face.

    Returns:
        uint8 `[faces, height, width, 3]` in reading order, upright; none where
        there is no face.

    Raises:
        UserError: If it is no picture.

    Example:
        >>> metadata = read_metadata("exported_models/portrait_attributes/1")
        >>> portraits = cut_portraits("party.jpg", metadata)
        >>> Client(url, "portrait_attributes").predict(portraits)
    """
    pixels = read_photo(photo).pixels
    shape = Schema.from_dict(metadata["schema"]).image_shape
    framing = metadata.get("framing") or generic_framing()
    faces = FaceFinder().find(pixels)
    portraits = [cut(pixels, face, framing, shape) for face in faces]
    return np.array(portraits, np.uint8).reshape(-1, *shape)


def _quoted(name: str) -> str:
    return urllib.parse.quote(name, safe="")


def _checked(portraits) -> np.ndarray:
    portraits = np.asarray(portraits)
    if portraits.dtype != np.uint8 or portraits.ndim != 4:
        raise UserError(
            "Expected portraits of uint8 [batch, height, width, 3]. "
            f"Received: {describe_pixels(portraits)}"
        )
    return portraits


def _png(pixels) -> bytes:
    file = io.BytesIO()
    # Quick, and hardly larger.
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _to_json(values):
    if isinstance(values, np.ndarray) and values.dtype != object:
        return values.tolist()
    return [{"b64": base64.b64encode(value).decode()} for value in values]


def _from_json(name, values) -> np.ndarray:
    if values and isinstance(values[0], dict):
        array = np.empty(len(values), object)
        array[:] = [base64.b64decode(value["b64"]) for value in values]
        return array
    array = np.array(values)
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def _part(answer, name, kind):
    if not isinstance(answer, dict) or not isinstance(answer.get(name), kind):
        raise UserError(
            f"Expected an answer of TensorFlow Serving with {name!r}. "
            f"Received: {json.dumps(answer)[:_MOST_TOLD]}"
        )
    return answer[name]


def _error_text(body: bytes) -> str:
    """Returns the words of a server, whatever they are wrapped in."""
    try:
        values = json.loads(body)
        text = str(values.get("error") or values.get("detail") or values)
    except (ValueError, AttributeError):
        text = body.decode("utf-8", "replace")
    text = text.strip()[:_MOST_TOLD]
    return text if text.endswith(".") else f"{text}."
