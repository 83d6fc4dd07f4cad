"""What a bundle carries for a server and its checks: requests, and answers.

Nothing of it shows a person: pictures are one even grey, or coloured squares.
"""

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tp_keras.serving.contract import REGRESS
from tp_keras.serving.contract import example_signature
from tp_keras.serving.contract import method_of
from tp_keras.serving.photo_predictor import label_names
from tp_keras.serving.prediction_log import BATCH_SIZES
from tp_keras.serving.prediction_log import EXPECTED_FILE
from tp_keras.serving.prediction_log import WARM_UP_FILE
from tp_keras.serving.prediction_log import LoggedRequest
from tp_keras.serving.prediction_log import picture_example
from tp_keras.serving.prediction_log import write_requests
from tp_keras.tasks import EMBEDDING
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import UNKNOWN

SAMPLE_COUNT = 3

# Pixels of the side of a square: they leave the files small.
_SQUARE = 6
_GREY = 128


def write_recorded(folder, signatures: dict, expected, image_shape) -> None:
    """Writes warm-up requests and expected answers into a bundle's folder.

    Args:
        folder: Folder of the version.
        signatures: Dict of name to `tf.function`, those of the bundle.
        expected: List of `LoggedRequest` with the answers of the model.
        image_shape: Height, width and channels of a portrait.
    """
    # That of its versions: the name under which the model is served.
    name = folder.resolve().parent.name
    warm_up = warm_up_requests(signatures, image_shape)
    write_requests(folder / WARM_UP_FILE, warm_up, name)
    write_requests(folder / EXPECTED_FILE, expected, name)


def warm_up_requests(signatures, image_shape) -> Iterator[LoggedRequest]:
    """Yields a request to every signature in every batch size."""
    grey = np.full(image_shape, _GREY, np.uint8)
    texts = {"image_bytes": png(grey), "inputs": picture_example(png(grey))}
    for signature, function in signatures.items():
        for batch in BATCH_SIZES:
            inputs = {}
            for spec in function.input_signature:
                shape = batch, *spec.shape[1:]
                if spec.dtype.name == "string":
                    text = texts.get(spec.name, UNKNOWN.encode())
                    inputs[spec.name] = np.array([text] * batch, object)
                else:
                    # A temperature must be above 0.
                    dtype = spec.dtype.as_numpy_dtype
                    inputs[spec.name] = np.ones(shape, dtype)
            yield LoggedRequest(signature, inputs)


def sample_images(image_shape, count: int = SAMPLE_COUNT) -> np.ndarray:
    """Returns pictures of squares of random colours, uint8."""
    height, width, channels = image_shape
    rows, columns = -(-height // _SQUARE), -(-width // _SQUARE)
    squares = np.random.default_rng(0).integers(
        0, 256, (count, rows, columns, channels), dtype=np.uint8
    )
    pixels = squares.repeat(_SQUARE, axis=1).repeat(_SQUARE, axis=2)
    return np.ascontiguousarray(pixels[:, :height, :width])


def expected_requests(classifier) -> list[LoggedRequest]:
    """Returns what every signature of a classifier has to answer, by Keras.

    That is to `sample_images`, and where files are taken to one that is none.
    """
    tasks = classifier.tasks
    images = sample_images(classifier.schema.image_shape)
    answers = classifier.predict_answers(images, verbose=0)
    embedding = answers.pop(EMBEDDING, None)
    outputs = {}
    for task in tasks:
        values = outputs[task.name] = answers[task.name]
        if task.kind == REGRESSION:
            name, texts = f"{task.name}_unit", [task.unit] * len(values)
        else:
            name, texts = f"{task.name}_label", label_names(task, values)
        outputs[name] = np.array([text.encode() for text in texts], object)
    of_files = {k: _with_blank(values) for k, values in outputs.items()}
    valid = np.arange(len(images) + 1) < len(images)
    files = np.array([*map(png, images), b"no picture"], object)
    examples = np.array([picture_example(data) for data in files], object)
    requests = [
        LoggedRequest("serving_default", {"image": images}, outputs),
        LoggedRequest(
            "serve_bytes", {"image_bytes": files}, of_files | {"valid": valid}
        ),
    ]
    for task in tasks:
        signature, scores = example_signature(task), of_files[task.name]
        answer = {"outputs": scores}
        if method_of(signature) != REGRESS:
            names = [name.encode() for name in task.classes]
            classes = np.array([names] * len(images), object)
            answer = {"classes": _with_blank(classes), "scores": scores}
        requests.append(LoggedRequest(signature, {"inputs": examples}, answer))
    if embedding is not None:
        answer = {EMBEDDING: embedding}
        requests.append(LoggedRequest("embed", {"image": images}, answer))
    return requests


def _with_blank(values):
    """Returns an output with a row that is not valid after the others."""
    blank = np.zeros_like(values[:1])
    if values.dtype == object:
        blank[:] = b""
    return np.concatenate([values, blank])


def png(pixels: np.ndarray) -> bytes:
    """Returns the PNG file of an image."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
