"""Predicts with an exported bundle in this process, without Keras."""

import pathlib
from collections.abc import Iterator

import numpy as np

from tp_keras.errors import UserError
from tp_keras.serving.loaded_bundle import LoadedBundle
from tp_keras.serving.loaded_bundle import call_signature
from tp_keras.serving.loaded_bundle import checked_images
from tp_keras.serving.portrait_file import decode_portrait
from tp_keras.serving.prediction import Prediction
from tp_keras.tasks import HAIR_EMBEDDING
from tp_keras.tasks import IMAGE_SHAPE


class Predictor:
    """A bundle, loaded and ready.

    Args:
        bundle: Folder of a bundle or of its versions; see `find_bundle`.

    Attributes:
        bundle_dir: Folder of the version that was loaded.
        metadata: Content of its `metadata.json`.
        classes: Dict of task name to the class names in order.

    Raises:
        UserError: If there is no bundle or it cannot be read.

    Example:
        >>> predictor = Predictor("exported_models/portrait_attributes")
        >>> predictor.predict_files(["portrait.png"])[0].labels
        {'gender': 'female', 'hair_color': 'brown', 'hair_type': 'wavy'}
    """

    def __init__(self, bundle):
        loaded = LoadedBundle(bundle, "serve_bytes", "export")
        self.bundle_dir = loaded.bundle_dir
        self.metadata = loaded.metadata
        self.classes = loaded.classes
        self._loaded = loaded

    def predict(self, images) -> dict[str, np.ndarray]:
        """Predicts all tasks for decoded portraits.

        Args:
            images: uint8 `[batch, 108, 84, 3]`.

        Returns:
            Dict of `<task>` float32 `[batch, classes]` and `<task>_label`
            strings `[batch]`.

        Raises:
            UserError: If dtype or shape are others.
        """
        return self._run("serving_default", image=checked_images(images))

    def predict_bytes(self, image_bytes) -> dict[str, np.ndarray]:
        """Predicts all tasks for the contents of picture files.

        They are read by `decode_portrait`, which knows more types than the
        signature `serve_bytes`, and whom no damaged file can stop.

        Args:
            image_bytes: Sequence of `bytes`, files of any size.

        Returns:
            As `predict`, and `valid` bool `[batch]`. Where that is false, the
            probabilities are zero and the labels empty.
        """
        portraits = [_decode(data) for data in image_bytes]
        valid = np.array([not isinstance(p, str) for p in portraits], bool)
        black = np.zeros(IMAGE_SHAPE, np.uint8)
        images = [
            p if v else black for p, v in zip(portraits, valid, strict=True)
        ]
        outputs = self.predict(_stack(images))
        for values in outputs.values():
            values[~valid] = np.zeros((), values.dtype)
        return {**outputs, "valid": valid}

    def predict_files(self, paths, batch_size: int = 64) -> list[Prediction]:
        """Predicts all tasks for picture files, read by `read_portrait`.

        Args:
            paths: Iterable of paths of files of any size.
            batch_size: Int. Files predicted at once.

        Returns:
            One `Prediction` a file, in their order. A file that cannot be read
            has its `error` set and does not disturb the others.
        """
        return list(self.iterate_files(paths, batch_size))

    def iterate_files(
        self, paths, batch_size: int = 64
    ) -> Iterator[Prediction]:
        """Yields what `predict_files` returns, batch by batch."""
        paths = [str(path) for path in paths]
        for start in range(0, len(paths), batch_size):
            part = paths[start : start + batch_size]
            portraits = [_read(path) for path in part]
            images = [p for p in portraits if not isinstance(p, str)]
            outputs = self.predict(_stack(images))
            row = 0
            for path, portrait in zip(part, portraits, strict=True):
                if isinstance(portrait, str):
                    yield Prediction(path, error=portrait)
                else:
                    yield self._prediction(path, outputs, row)
                    row += 1

    def embed(self, images) -> np.ndarray:
        """Returns the hair embeddings of decoded portraits.

        Args:
            images: uint8 `[batch, 108, 84, 3]`.

        Returns:
            float32 `[batch, dimensions]`.

        Raises:
            UserError: If the bundle has no embedding, or dtype or shape of the
                images are others.
        """
        if "embed" not in self._loaded.signatures:
            raise UserError(
                "The bundle was trained without a hair task and has no "
                f"embedding. Received: bundle={str(self.bundle_dir)!r}"
            )
        return self._run("embed", image=checked_images(images))[HAIR_EMBEDDING]

    def _run(self, signature, **inputs):
        arrays = call_signature(self._loaded.signatures[signature], inputs)
        return {
            k: np.array([text.decode() for text in v], dtype=str)
            if v.dtype == object
            else v
            for k, v in arrays.items()
        }

    def _prediction(self, path, outputs, row):
        return Prediction(
            path,
            labels={t: str(outputs[f"{t}_label"][row]) for t in self.classes},
            probabilities={
                task: dict(
                    zip(classes, outputs[task][row].tolist(), strict=True)
                )
                for task, classes in self.classes.items()
            },
        )


def _stack(images) -> np.ndarray:
    # Of no images too.
    return np.array(images, np.uint8).reshape(-1, *IMAGE_SHAPE)


def _read(path: str) -> np.ndarray | str:
    """Returns the portrait of a file, or why there is none."""
    try:
        data = pathlib.Path(path).read_bytes()
    except OSError as error:
        return error.strerror or str(error)
    return _decode(data)


def _decode(data: bytes) -> np.ndarray | str:
    try:
        return decode_portrait(data)
    except UserError as error:
        return str(error).removesuffix(".")
