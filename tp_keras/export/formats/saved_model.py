"""SavedModel: the bundle itself, in TensorFlow's C API."""

import pathlib

from tp_keras import serving
from tp_keras.export.formats.format import FOLDER
from tp_keras.export.formats.format import Format
from tp_keras.export.publishing import METADATA_FILE


class SavedModel(Format):
    """The folder of the version, as TensorFlow Serving loads it.

    It is there before the other formats, so there is nothing to convert. It
    answers the tasks; `hair_embedding` is a signature of its own.
    """

    name = "saved_model"
    file = "."
    packages = {"tensorflow": "tensorflow"}

    def convert(self, model, path, images=None):
        """Does nothing."""
        return {}

    def _load(self, path, threads):
        session = serving.CSession(path, threads=threads)
        outputs = session.signatures["serving_default"].outputs
        tasks = [name for name in outputs if f"{name}_label" in outputs]

        def predict(images):
            answers = session.run("serving_default", {"image": images})
            return {task: answers[task] for task in tasks}

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
