"""What a file format is: a converter and a runtime."""

import importlib.metadata
import importlib.util
import json
import pathlib
from collections.abc import Callable

import keras
import numpy as np

from tp_keras.serving.loaded_bundle import checked_images
from tp_keras.tasks import HAIR_EMBEDDING
from tp_keras.tasks import IMAGE_SHAPE
from tp_keras.tasks import TASKS

# Where a bundle keeps what TensorFlow Serving shall not look at.
FOLDER = "formats"

# Under this name a file of any format says what it takes and answers.
DESCRIPTION = "portrait_attributes"


class Format:
    """One file format of a model and the runtime that answers from it.

    Attributes:
        name: Str. Name of the format in flags, tables and `metadata.json`.
        file: Str. Path of the file in the folder of a bundle's version.
        packages: Dict of importable module to the distribution that brings it;
            the runtime comes last.
        tolerance: Float. The greatest difference to the Keras model with which
            a file may be published; None for a format that rounds the weights.
        needs_calibration: Bool. Whether `convert` needs training portraits.
    """

    name: str
    file: str
    packages: dict[str, str] = {}
    tolerance: float | None = 1e-4
    needs_calibration: bool = False

    def convert(self, model: keras.Model, path: pathlib.Path, images) -> dict:
        """Writes the file of a model.

        Args:
            model: What `probability_model` returns.
            path: Where to write.
            images: uint8 `[count, 108, 84, 3]` to calibrate with, or None.

        Returns:
            Dict of what `metadata.json` shall say of the conversion.
        """
        raise NotImplementedError

    def load(
        self, path: pathlib.Path, threads: int = 1
    ) -> Callable[[np.ndarray], dict]:
        """Loads a file into its runtime.

        Args:
            path: The file.
            threads: Int. The threads that a request is worked on with.

        Returns:
            Function from uint8 `[batch, 108, 84, 3]` to a dict of float32
            arrays: the probabilities `[batch, classes]` of every task and,
            where the model has one, `hair_embedding`. It raises `UserError` at
            anything else: not every runtime does, and some would answer.
        """
        answer = self._load(path, threads)

        def predict(images):
            return answer(checked_images(images))

        return predict

    def _load(self, path, threads):
        """Returns the function of `load` without its check."""
        raise NotImplementedError

    def files(self, bundle_dir) -> list[pathlib.Path]:
        """Returns the files of the format in the folder of a version."""
        return [pathlib.Path(bundle_dir) / self.file]

    def missing_packages(self) -> list[str]:
        """Returns the distributions that are not installed."""
        return [
            distribution
            for module, distribution in self.packages.items()
            if importlib.util.find_spec(module) is None
        ]

    def runtime(self) -> str:
        """Returns name and version of the runtime."""
        distribution = list(self.packages.values())[-1]
        return f"{distribution} {importlib.metadata.version(distribution)}"


def describe_file(names) -> str:
    """Returns what a file says of itself under the name `DESCRIPTION`.

    Args:
        names: Names of its outputs, in its own order.

    Returns:
        JSON: `input` with name, dtype and shape, and `outputs`, a list of
        dicts of `name` and, of a task, `classes` in the order of the
        probabilities.

    Example:
        >>> json.loads(describe_file(["gender"]))["outputs"]
        [{'name': 'gender', 'classes': ['female', 'male']}]
    """
    classes = {task.name: list(task.classes) for task in TASKS}
    return json.dumps(
        {
            "input": {
                "name": "image",
                "dtype": "uint8",
                "shape": ["batch", *IMAGE_SHAPE],
            },
            "outputs": [
                {"name": name}
                | ({"classes": classes[name]} if name in classes else {})
                for name in names
            ],
        }
    )


def probability_model(model: keras.Model) -> keras.Model:
    """Puts the softmax into a model, so that files answer probabilities.

    Args:
        model: A folded model from `image` to a dict of the tasks' logits and,
            perhaps, `hair_embedding`.

    Returns:
        The model from `image` to a dict of the tasks' probabilities and, as it
        was, `hair_embedding`; the weights are shared.
    """
    outputs = {
        name: x
        if name == HAIR_EMBEDDING
        else keras.layers.Softmax(name=f"{name}_probabilities")(x)
        for name, x in model.output.items()
    }
    return keras.Model(model.input, outputs, name=model.name)
