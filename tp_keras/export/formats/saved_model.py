"""SavedModel: the bundle itself, in TensorFlow's C API."""

import pathlib

import numpy as np

from tp_keras.export.formats.format import FOLDER
from tp_keras.export.formats.format import Format
from tp_keras.serving.c_session import CSession
from tp_keras.serving.locate import METADATA_FILE


class SavedModel(Format):
    """The folder of the version, as TensorFlow Serving loads it.

    It is there before the other formats, so there is nothing to convert. It
    answers the tasks; the embedding is a signature of its own.
    """

    name = "saved_model"
    file = "."
    packages = {"tensorflow": "tensorflow"}

    def convert(self, model, tasks, path, images=None):
        """Does nothing."""
        return {}

    def _load(self, path, threads):
        session = CSession(path, threads=threads)

        def predict(images):
            answers = session.run("serving_default", {"image": images})
            # Without the labels, which are strings.
            return {k: v for k, v in answers.items() if v.dtype == np.float32}

        return predict

    def files(self, bundle_dir):
        """Returns all files but the metadata and those of other formats."""
        bundle_dir = pathlib.Path(bundle_dir)
        return [
            path
            for path in bundle_dir.rglob("*")
            if path.is_file()
            and path.relative_to(bundle_dir).parts[0]
            not in (FOLDER, METADATA_FILE)
        ]
