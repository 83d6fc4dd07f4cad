"""What the page shows of a photo: answers, and pictures that explain them."""

import dataclasses
import pathlib
import threading
from collections.abc import Callable

import numpy as np

from tp_keras import explain
from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError
from tp_keras.server.model_store import ModelStore
from tp_keras.server.pictures import to_png
from tp_keras.server.shelf import Shelved
from tp_keras.server.similar import SimilarPortraits
from tp_keras.serving import FaceAnswer
from tp_keras.serving import Photo
from tp_keras.serving import PhotoAnswer
from tp_keras.serving import PhotoPredictor
from tp_keras.serving import read_metadata
from tp_keras.serving import read_photo
from tp_keras.tasks import EMBEDDING
from tp_keras.tasks import UNKNOWN
from tp_keras.tasks import Schema

# How many similar portraits, and how many new ones.
FEW = 6

# A photo of 12 megapixels is a little more than twice as large, and then is
# reduced by its decoder.
LONGEST_SIDE = 2000

Warn = Callable[[Photo, FaceAnswer], list[str]]


@dataclasses.dataclass
class Studio:
    """All that the page has to show.

    Attributes:
        predictor: `PhotoPredictor`; it is used by one thread at a time.
        store: `ModelStore`, whose generator makes new portraits.
        samples: Portraits uint8 `[count, height, width, 3]` to choose from.
        similar: Where similar portraits are looked for, or None.
        report: Path of the run's report, or None.
        warn: Function of a photo and one of its faces to sentences: in what it
            is unlike portraits on which answers are safe.
    """

    predictor: PhotoPredictor
    store: ModelStore
    samples: np.ndarray
    similar: SimilarPortraits | None = None
    report: pathlib.Path | None = None
    warn: Warn = lambda photo, face: []
    _lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def answer(self, data: bytes) -> Shelved:
        """Answers a photo, what its file holds; raises `UserError`."""
        photo = read_photo(data, LONGEST_SIDE)
        with self._lock:
            return Shelved(self.predictor.answer(photo))

    def answer_sample(self, number: int) -> Shelved:
        """Answers a sample portrait, in which no face is looked for."""
        portrait = self.samples[number]
        with self._lock:
            (told,) = self.predictor.answer_portraits(portrait[None], [""])
        face = FaceAnswer(None, portrait, told)
        return Shelved(PhotoAnswer(Photo(portrait), (face,)), is_sample=True)

    def predict(self, portraits) -> dict[str, np.ndarray]:
        """Predicts as the predictor, one thread at a time."""
        with self._lock:
            return self.predictor.predict(portraits)

    def saliency(self, shelved: Shelved, number: int, task: str) -> bytes:
        """Returns a PNG file of what the answer to a task rests on."""
        portrait = shelved.answer.faces[number].portrait
        tasks = self.predictor.tasks

        def make():
            maps = explain.occlusion(self.predict, portrait, tasks)
            return {
                name: to_png(explain.overlay(portrait, heat))
                for name, heat in maps.items()
            }

        return shelved.once(("saliency", number), make)[task]

    def find_similar(self, shelved, number) -> dict[str, list[int]]:
        """Returns rows of similar portraits for each guarded task."""
        if self.similar is None:
            return {}
        portrait = shelved.answer.faces[number].portrait

        def make():
            embedding = self.predict(portrait[None])[EMBEDDING][0]
            return self.similar.find(embedding, FEW)

        return shelved.once(("similar", number), make)

    @property
    def disregarded(self) -> str | None:
        """The protected task, where embeddings were made to forget it."""
        settings = self.predictor.metadata.get("settings", {})
        debias = settings.get("debias", {})
        methods = (debias.get(name, "none") for name in ("debias", "posthoc"))
        if all(method == "none" for method in methods):
            return None
        return self.predictor.schema.protected

    @property
    def gallery(self) -> Portraits | None:
        """The portraits that are looked through."""
        return self.similar and self.similar.portraits

    def generator(self):
        """Returns session and schema of the newest generator, or None."""
        for name in self.store.names():
            try:
                version, session = self.store.get(name)
                folder = dict(self.store.status(name))[version].folder
                if "generate" not in session.signatures:
                    continue
                schema = Schema.from_dict(read_metadata(folder)["schema"])
            except UserError:
                # It has just gone.
                continue
            if schema.image_shape == self.predictor.schema.image_shape:
                return session, schema
        return None

    def edit(self, shelved, number, condition: str, new: int) -> bytes:
        """Returns a PNG file of a face with another class of a condition."""
        session, schema = self._require_generator()
        face = shelved.answer.faces[number]
        labels = self.labels(schema, face)
        task = schema.task(condition)
        changed = labels | {condition: task.classes[new]}
        inputs = {"image": face.portrait[None]} | _as_inputs(labels)
        inputs |= _as_inputs(changed, "new_")
        return to_png(session.run("edit", inputs)["image"][0])

    def generate(self, shelved, number, seed: int, temperature: float) -> bytes:
        """Returns a PNG file of a new portrait with the labels of a face."""
        session, schema = self._require_generator()
        labels = self.labels(schema, shelved.answer.faces[number])
        inputs = _as_inputs(labels) | {
            "seed": np.array([seed], np.int64),
            "temperature": np.array([temperature], np.float32),
        }
        return to_png(session.run("generate", inputs)["image"][0])

    def labels(self, schema: Schema, face: FaceAnswer) -> dict[str, str]:
        """Returns the labels that a generator is told of a face."""
        told = face.prediction.labels
        return {
            task.name: label
            if (label := told.get(task.name)) in task.classes
            else UNKNOWN
            for task in schema.condition_tasks
        }

    def _require_generator(self):
        found = self.generator()
        if found is None:
            raise UserError("There is no generator among the bundles.")
        return found


def _as_inputs(labels, prefix=""):
    return {
        prefix + name: np.array([label.encode()], object)
        for name, label in labels.items()
    }
