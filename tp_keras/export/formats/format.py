"""What a file format is: a converter and a runtime."""

import importlib.metadata
import importlib.util
import json
import pathlib
from collections.abc import Callable

import keras
import numpy as np

from tp_keras.serving.loaded_bundle import checked_images

# Where a bundle keeps what TensorFlow Serving shall not look at.
FOLDER = "formats"

# Under this name a file of any format says what it takes and answers.
DESCRIPTION = "portrait_attributes"


class Format:
    """One file format of a model and the runtime that answers from it.

    Attributes:
        name: That in flags, tables and `metadata.json`.
        file: Path of the file in the folder of a bundle's version.
        packages: Dict of importable module to the distribution that brings it;
            the runtime comes last.
        tolerance: The greatest difference to the Keras model with which a file
            may be published; None for one that rounds.
        needs_calibration: Whether `convert` needs training portraits.
    """

    name: str
    file: str
    packages: dict[str, str] = {}
    tolerance: float | None = 1e-4
    needs_calibration: bool = False

    def convert(
        self, model: keras.Model, tasks, path: pathlib.Path, images=None
    ) -> dict:
        """Writes the file of a model from `answer_model`.

        Some are calibrated with `images`, uint8 `[count, height, width, 3]`.
        Returns what `metadata.json` shall say of the conversion.
        """
        raise NotImplementedError

    def load(
        self, path: pathlib.Path, image_shape, threads: int = 1
    ) -> Callable[[np.ndarray], dict]:
        """Loads a file into its runtime, which works with so many threads.

        The function returned takes uint8 `[batch, height, width, 3]` to a dict
        of float32 arrays, as of `answer_model`. It raises `UserError` at
        anything else: not every runtime does, and some would answer.
        """
        answer = self._load(path, threads)
        return lambda images: answer(checked_images(images, image_shape))

    def _load(self, path, threads):
        """Returns the function of `load` without its check."""
        raise NotImplementedError

    def files(self, bundle_dir) -> list[pathlib.Path]:
        """Returns the files of the format in the folder of a version."""
        return [pathlib.Path(bundle_dir) / self.file]

    def missing_packages(self) -> list[str]:
        """Returns the distributions that are not installed."""
        find = importlib.util.find_spec
        return [
            name for module, name in self.packages.items() if not find(module)
        ]

    def runtime(self) -> str:
        """Returns name and version of the runtime."""
        distribution = list(self.packages.values())[-1]
        return f"{distribution} {importlib.metadata.version(distribution)}"


def describe_file(names, model: keras.Model, tasks) -> str:
    """Returns what a file says of itself under the name `DESCRIPTION`.

    JSON: `input` with name, dtype and shape, and `outputs`, in the order of
    `names` a dict of each: `name` and, of a task, its `kind`, the `classes` in
    the order of the probabilities, and the `unit` of a number.
    """
    outputs = {name: {"name": name} for name in names}
    for task in tasks:
        facts = {"kind": task.kind, "classes": task.classes, "unit": task.unit}
        outputs[task.name] |= {k: v for k, v in facts.items() if v}
    shape = ["batch", *model.input.shape[1:]]
    about = {"name": "image", "dtype": "uint8", "shape": shape}
    return json.dumps({"input": about, "outputs": [*outputs.values()]})
