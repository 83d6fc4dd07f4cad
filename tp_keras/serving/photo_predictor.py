"""Answers photographs: faces found, framed, predicted, and doubted."""

import dataclasses
import functools
import zipfile

import numpy as np

from tp_keras.certainty import reason_of_doubt
from tp_keras.certainty import unfamiliarity
from tp_keras.certainty import with_temperature
from tp_keras.command_line import command_line
from tp_keras.errors import UserError
from tp_keras.serving.contract import FAMILIARITY_FILE
from tp_keras.serving.contract import FLAG_SEPARATOR
from tp_keras.serving.contract import LITERT_FILE
from tp_keras.serving.face_finder import Face
from tp_keras.serving.face_finder import FaceFinder
from tp_keras.serving.framing import GENERIC
from tp_keras.serving.framing import centre_crop
from tp_keras.serving.framing import cut
from tp_keras.serving.framing import generic_framing
from tp_keras.serving.litert_file import LiteRTFile
from tp_keras.serving.loaded_bundle import checked_images
from tp_keras.serving.locate import check_files
from tp_keras.serving.locate import find_bundle
from tp_keras.serving.locate import read_metadata
from tp_keras.serving.photo import Photo
from tp_keras.serving.photo import read_photo
from tp_keras.serving.prediction import Prediction
from tp_keras.serving.prediction import fill_prediction
from tp_keras.tasks import FEATURES
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Schema

NO_FACE = "No face was found: the answer is about the middle of the picture."
UNLIKE = "the face is unlike the training portraits"
GENERIC_FRAMING = (
    "The bundle doesn't tell how its training portraits frame a face: they are "
    "cut out as in a passport picture."
)


@dataclasses.dataclass(frozen=True)
class FaceAnswer:
    """What is said of one face.

    Attributes:
        face: Where it is in the photo's pixels; None for the photo's middle,
            where there is no face.
        portrait: What the model saw, uint8 of the schema's image shape.
        prediction: `Prediction`; its `unsure` tells why an answer is doubted.
    """

    face: Face | None
    portrait: np.ndarray
    prediction: Prediction


@dataclasses.dataclass(frozen=True)
class PhotoAnswer:
    """What is said of a photo.

    Attributes:
        photo: The decoded `Photo`.
        faces: Those found in reading order, or the middle where there is none.
        warnings: Sentences that belong to all answers.
    """

    photo: Photo
    faces: tuple[FaceAnswer, ...]
    warnings: tuple[str, ...] = ()


class PhotoPredictor:
    """A bundle that answers photographs, without TensorFlow.

    It runs the LiteRT file of the bundle. What `metadata.json` says of the
    training portraits' `framing`, of `calibration` and `familiarity` is heeded.

    Args:
        bundle: See `find_bundle`.

    Attributes:
        bundle_dir: Folder of the version that was loaded.
        metadata: Content of its `metadata.json`.
        schema: `Schema` of the data set that the model learned from.
        tasks: Those of its tasks that are predicted, in order.
        framing: How portraits frame a face; see `measure_framing`.
        calibration: Dict of task to what `fit_calibration` measured.

    Raises:
        UserError: If there is none, it is no classifier's, or has no such file.

    Example:
        >>> predictor = PhotoPredictor("exported_models/portrait_attributes")
        >>> answer = predictor.answer(read_photo("party.jpg"))
        >>> [face.prediction.labels for face in answer.faces]
        [{'weather': 'snow'}, {'weather': 'sun'}]
    """

    def __init__(self, bundle):
        self.bundle_dir = find_bundle(bundle)
        self.metadata = read_metadata(self.bundle_dir)
        self.schema = Schema.from_dict(self.metadata["schema"])
        path = self.bundle_dir / LITERT_FILE
        if "tasks" not in self.metadata or not path.is_file():
            raise UserError(
                f"Expected the bundle of a classifier with {LITERT_FILE}, as "
                f"`{command_line('training.export', run_dir='RUN')}` writes "
                f"it. Received: bundle={str(self.bundle_dir)!r}"
            )
        check_files(
            self.bundle_dir, self.metadata, LITERT_FILE, FAMILIARITY_FILE
        )
        self.tasks = self.schema.get_tasks(self.metadata["tasks"])
        self._file = LiteRTFile(path)
        self.framing = self.metadata.get("framing") or generic_framing()
        self.calibration = self.metadata.get("calibration", {})
        self._familiar = None
        if "familiarity" in self.metadata:
            self._familiar = _read_familiar(self.bundle_dir / FAMILIARITY_FILE)

    @functools.cached_property
    def finder(self) -> FaceFinder:
        """The `FaceFinder`, which portraits don't need."""
        return FaceFinder()

    def predict(self, portraits) -> dict[str, np.ndarray]:
        """Predicts all tasks for portraits, uint8 `[batch, height, width, 3]`.

        Returns:
            Dict as of `Predictor.predict`, with calibrated probabilities, and
            the embedding where there is one. Labels are those of any other
            format of the bundle.

        Raises:
            UserError: If dtype or shape are others.
        """
        outputs = self._run(portraits)
        outputs.pop(FEATURES, None)
        return outputs

    def unfamiliarity(self, portraits) -> np.ndarray:
        """Returns the score of `tp_keras.certainty.unfamiliarity`, float64.

        It is 0 for all where the bundle doesn't know its training portraits.
        """
        return self._unfamiliarity(self._run(portraits))

    def _unfamiliarity(self, outputs):
        if self._familiar is None or FEATURES not in outputs:
            return np.zeros(len(next(iter(outputs.values()))))
        return unfamiliarity(outputs[FEATURES], *self._familiar)

    def _is_unlike(self, outputs):
        limit = self.metadata.get("familiarity", {}).get("threshold", np.inf)
        return self._unfamiliarity(outputs) > limit

    def _run(self, portraits):
        portraits = checked_images(portraits, self.schema.image_shape)
        # One at a time: that is as fast, and an answer then doesn't depend on
        # which others are asked for.
        count = len(portraits)
        if not count:
            # A batch of none has the shapes of one.
            portraits = np.zeros((1, *self.schema.image_shape), np.uint8)
        rows = [self._file(row[None]) for row in portraits]
        outputs = {
            name: np.concatenate([row[name] for row in rows])[:count]
            for name in rows[0]
        }
        for task in self.tasks:
            values = outputs[task.name]
            if task.kind == REGRESSION:
                outputs[f"{task.name}_unit"] = np.full(len(values), task.unit)
                continue
            outputs[f"{task.name}_label"] = label_names(task, values)
            facts = self.calibration.get(task.name, {})
            outputs[task.name] = with_temperature(
                task, values, facts.get("temperature", 1.0)
            )
        return outputs

    def find(self, photo: Photo) -> tuple[Face, ...]:
        """Returns the faces of a photo in reading order."""
        return self.finder.find(photo.pixels)

    def answer(self, photo, path: str = "") -> PhotoAnswer:
        """Finds the faces of a photo, and predicts each.

        Args:
            photo: `Photo`, or what `read_photo` takes.
            path: What the predictions call it.
        """
        if not isinstance(photo, Photo):
            photo = read_photo(photo)
        shape, warnings = self.schema.image_shape, []
        faces: tuple = self.find(photo)
        portraits = [cut(photo.pixels, f, self.framing, shape) for f in faces]
        if not faces:
            faces, warnings = (None,), [NO_FACE]
            portraits = [centre_crop(photo.pixels, shape)]
        elif self.framing["source"] == GENERIC:
            warnings = [GENERIC_FRAMING]
        predictions = self.answer_portraits(portraits, [path] * len(faces))
        answers = []
        for number, (face, portrait, prediction) in enumerate(
            zip(faces, portraits, predictions, strict=True), start=1
        ):
            if face:
                box = tuple(round(v * photo.scale) for v in face.box)
                prediction = dataclasses.replace(
                    prediction, face=number, box=box
                )
            answers.append(FaceAnswer(face, portrait, prediction))
        return PhotoAnswer(photo, tuple(answers), tuple(warnings))

    def answer_portraits(self, portraits, paths) -> list[Prediction]:
        """Predicts portraits, and says which answers are not sure.

        Args:
            portraits: As of `predict`.
            paths: What the predictions call each.
        """
        outputs, predictions = self._run(np.asarray(portraits)), []
        unlike = self._is_unlike(outputs)
        for row, path in enumerate(paths):
            prediction = Prediction(path)
            fill_prediction(prediction, self.tasks, outputs, row)
            for task in self.tasks:
                facts = self.calibration.get(task.name, {})
                answers = outputs[task.name][row]
                reason = reason_of_doubt(task, answers, facts)
                if unlike[row]:
                    reason = UNLIKE
                if reason:
                    prediction.unsure[task.name] = reason
            predictions.append(prediction)
        return predictions


def _read_familiar(path) -> tuple[np.ndarray, np.ndarray]:
    """Returns mean and whitening of the features of training portraits."""
    try:
        with np.load(path) as file:
            return file["mean"], file["whitening"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(
            "The bundle's file of training portraits cannot be read: "
            f"{error!r}. Export it again. Received: {path}"
        ) from error


def label_names(task, answers) -> np.ndarray:
    """Returns the names of what is predicted, strings `[count]`."""
    if task.kind == MULTI_LABEL:
        names = [
            FLAG_SEPARATOR.join(
                name
                for name, value in zip(task.classes, row, strict=True)
                if value > 0.5
            )
            for row in answers
        ]
    else:
        names = [task.classes[label] for label in task.predicted(answers)]
    return np.array(names, dtype=str)
