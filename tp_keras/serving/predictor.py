"""Predicts with an exported bundle in this process, without Keras."""

from collections.abc import Iterator

import numpy as np

from tp_keras.errors import UserError
from tp_keras.serving.loaded_bundle import LoadedBundle
from tp_keras.serving.loaded_bundle import call_signature
from tp_keras.serving.loaded_bundle import checked_images
from tp_keras.serving.portrait_file import read_portrait
from tp_keras.serving.prediction import Prediction
from tp_keras.serving.prediction import fill_prediction
from tp_keras.tasks import EMBEDDING


class Predictor:
    """A bundle, loaded and ready.

    Args:
        bundle: See `find_bundle`.

    Attributes:
        bundle_dir: Folder of the version that was loaded.
        metadata: Content of its `metadata.json`.
        schema: `Schema` of the data set that the model learned from.
        tasks: Those of its tasks that are predicted, in order.

    Example:
        >>> predictor = Predictor("exported_models/portrait_attributes")
        >>> predictor.predict_files(["portrait.png"])[0].labels
        {'weather': 'snow', 'season': 'winter'}
    """

    def __init__(self, bundle):
        loaded = LoadedBundle(bundle, "serve_bytes", "export")
        self.bundle_dir = loaded.bundle_dir
        self.metadata = loaded.metadata
        self.schema = loaded.schema
        self.tasks = self.schema.get_tasks(self.metadata["tasks"])
        self._loaded = loaded

    def predict(self, images) -> dict[str, np.ndarray]:
        """Predicts all tasks for portraits, uint8 `[batch, height, width, 3]`.

        Returns:
            Dict of `<task>` float32, of classes and flags probabilities
            `[batch, classes]` with `<task>_label` strings `[batch]`, of
            numbers `[batch]` with `<task>_unit` strings `[batch]`.

        Raises:
            UserError: If dtype or shape are others.
        """
        return self._run("serving_default", images)

    def predict_files(self, paths, batch_size: int = 64) -> list[Prediction]:
        """Predicts all tasks for picture files, read by `read_portrait`.

        Each has one `Prediction`. Of one that can't be read it tells the error.
        """
        return list(self.iterate_files(paths, batch_size))

    def iterate_files(self, paths, batch_size=64) -> Iterator[Prediction]:
        """Yields what `predict_files` returns, batch by batch."""
        shape = self.schema.image_shape
        paths = [str(path) for path in paths]
        for start in range(0, len(paths), batch_size):
            part, images, errors = paths[start : start + batch_size], [], {}
            for path in part:
                try:
                    images.append(read_portrait(path, shape))
                except UserError as error:
                    errors[path] = str(error)
            pixels = np.array(images, np.uint8).reshape(-1, *shape)
            outputs = self.predict(pixels)
            rows = iter(range(len(images)))
            for path in part:
                if path in errors:
                    yield Prediction(path, error=errors[path])
                else:
                    prediction = Prediction(path)
                    row = next(rows)
                    fill_prediction(prediction, self.tasks, outputs, row)
                    yield prediction

    def embed(self, images) -> np.ndarray:
        """Returns the embeddings float32 `[batch, dimensions]` of portraits.

        Raises `UserError` if the bundle has none, or as `predict`.
        """
        if "embed" not in self._loaded.signatures:
            raise UserError(
                "The bundle was trained without a guarded task and has no "
                f"embedding. Received: bundle={str(self.bundle_dir)!r}"
            )
        return self._run("embed", images)[EMBEDDING]

    def _run(self, signature, images):
        images = checked_images(images, self.schema.image_shape)
        function = self._loaded.signatures[signature]
        outputs = call_signature(function, {"image": images})
        for name, values in outputs.items():
            if values.dtype == object:
                texts = [text.decode() for text in values]
                outputs[name] = np.array(texts, dtype=str)
        return outputs
