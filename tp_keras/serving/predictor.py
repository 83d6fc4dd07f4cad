"""Predicts with an exported bundle in this process, without Keras."""

import pathlib

import numpy as np

from tp_keras.errors import UserError
from tp_keras.serving.loaded_bundle import LoadedBundle
from tp_keras.serving.loaded_bundle import call_signature
from tp_keras.serving.loaded_bundle import checked_images
from tp_keras.serving.prediction import Prediction
from tp_keras.tasks import HAIR_EMBEDDING

_NOT_AN_IMAGE = "not a whole PNG or JPEG file"


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
        # Imported late: it takes a second, and wrong arguments none.
        import tensorflow as tf

        loaded = LoadedBundle(bundle, "serve_bytes", "export")
        self.bundle_dir = loaded.bundle_dir
        self.metadata = loaded.metadata
        self.classes = loaded.classes
        self._loaded = loaded
        self._refusal = tf.errors.InvalidArgumentError

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
        """Predicts all tasks for encoded image files.

        Args:
            image_bytes: Sequence of `bytes`, PNG or JPEG files of any size.

        Returns:
            As `predict`, and `valid` bool `[batch]`. Where that is false, the
            probabilities are zero and the labels empty.
        """
        image_bytes = list(image_bytes)
        try:
            return self._run(
                "serve_bytes", image_bytes=np.array(image_bytes, object)
            )
        except self._refusal:
            # One damaged file fails the whole batch: find it.
            if len(image_bytes) == 1:
                return self.predict_bytes([b""])
            rows = [self.predict_bytes([data]) for data in image_bytes]
            return {k: np.concatenate([r[k] for r in rows]) for k in rows[0]}

    def predict_files(self, paths, batch_size: int = 64) -> list[Prediction]:
        """Predicts all tasks for image files.

        Args:
            paths: Iterable of paths of PNG or JPEG files of any size.
            batch_size: Int. Files predicted at once.

        Returns:
            One `Prediction` a file, in their order. A file that cannot be read
            has its `error` set and does not disturb the others.
        """
        paths = [str(path) for path in paths]
        predictions = []
        for start in range(0, len(paths), batch_size):
            part = paths[start : start + batch_size]
            contents = [_read(path) for path in part]
            data = [c if isinstance(c, bytes) else b"" for c in contents]
            outputs = self.predict_bytes(data)
            for row, (path, content) in enumerate(
                zip(part, contents, strict=True)
            ):
                if isinstance(content, OSError):
                    error = content.strerror or str(content)
                elif not outputs["valid"][row]:
                    error = _NOT_AN_IMAGE
                else:
                    predictions.append(self._prediction(path, outputs, row))
                    continue
                predictions.append(Prediction(path, error=error))
        return predictions

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


def _read(path: str) -> bytes | OSError:
    try:
        return pathlib.Path(path).read_bytes()
    except OSError as error:
        return error
