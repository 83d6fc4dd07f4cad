"""Runs a LiteRT file, which takes a fraction of what TensorFlow takes."""

import numpy as np

from tp_keras.errors import UserError
from tp_keras.quiet import no_native_messages


def load_interpreter(source, threads: int = 1):
    """Returns an interpreter of a file, by its path or as bytes.

    Raises:
        UserError: If its package is missing, or it is no such file.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise UserError(
            "Expected the package ai-edge-litert: "
            f"`pip install -r requirements.txt`. Received: {error}"
        ) from error
    name = "model_content" if isinstance(source, bytes) else "model_path"
    value = source if isinstance(source, bytes) else str(source)
    try:
        # It tells of its delegate.
        with no_native_messages():
            interpreter = Interpreter(**{name: value}, num_threads=threads)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise UserError(
            f"The LiteRT file can't be loaded: {error}. Export it again. "
            f"Received: {value[:200]!r}"
        ) from error
    return interpreter


def output_names(interpreter) -> list[str]:
    """Returns the signature's names of the outputs in the order of the file.

    The tensors have names of the converter's own, and an order that is none.
    """
    details = interpreter.get_signature_runner().get_output_details()
    names = {detail["index"]: name for name, detail in details.items()}
    return [names[d["index"]] for d in interpreter.get_output_details()]


class LiteRTFile:
    """A file of one input, a batch of images, and named outputs.

    Args:
        path: The file.
        threads: How many threads it works with.

    Example:
        >>> LiteRTFile(path)(images)["weather"].shape
        (8, 3)
    """

    def __init__(self, path, threads: int = 1):
        self._interpreter = load_interpreter(path, threads)
        (details,) = self._interpreter.get_input_details()
        self._input, self._shape = details["index"], None
        indices = [d["index"] for d in self._interpreter.get_output_details()]
        names = output_names(self._interpreter)
        self._outputs = dict(zip(names, indices, strict=True))

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the outputs, float32 `[batch, ...]`, of uint8 images."""
        run = self._interpreter
        if images.shape != self._shape:
            # Strict: else it takes pictures of any size.
            run.resize_tensor_input(self._input, images.shape, strict=True)
            run.allocate_tensors()
            self._shape = images.shape
        run.set_tensor(self._input, images)
        run.invoke()
        # `get_tensor` copies.
        return {k: run.get_tensor(i) for k, i in self._outputs.items()}
