"""Predicts photographs with an exported bundle: every face in them.

python -m training.predict --bundle exported_models/portrait_attributes \
    --images photo.jpg
python -m training.predict --bundle exported_models/portrait_attributes \
    --images album "more/*.jpg" --output album.csv
python -m training.predict --bundle exported_models/portrait_attributes \
    --portraits True --images thumbnails
"""

import contextlib
import dataclasses
import os
import pathlib
import sys
from collections.abc import Iterator

from .command import EXIT_USER_ERROR
from .command import run


@dataclasses.dataclass(frozen=True)
class Predict:
    """Prints each task's label and probability, or number, of every face.

    Faces are found, framed as those of the training portraits, and told in
    reading order. What is less sure than it must be is told as not sure. It
    needs neither TensorFlow nor Keras.
    """

    bundle: str
    """Folder of a bundle, or of its versions, of which the newest is taken."""

    images: tuple[str, ...]
    """PNG, JPEG, WebP, AVIF, GIF, BMP or TIFF files of any size; folders of
    them, patterns such as 'album/*.jpg', or text files (.txt) with a name in
    each line."""

    output: str | None = None
    """Instead of printing a table: CSV, JSON or JSONL file to write, with the
    probability of every class and flag."""

    pictures: str | None = "faces"
    """Folder for a copy of each photograph with its faces marked and numbered;
    None for none."""

    portraits: bool = False
    """Whether the files are portraits already, as training has them: cropped at
    their centre, and nothing is searched for."""

    def execute(self) -> None:
        """Predicts; files that cannot be read end in exit code 2."""
        from tp_keras import serving
        from tp_keras.errors import UserError
        from tp_keras.generator.drawing.output import written_aside
        from tp_keras.serving.prediction import check_output

        if not self.images:
            raise UserError(
                "Expected one or more files, folders or patterns after "
                "--images. Received: none"
            )
        if self.output is not None:
            check_output(self.output)
        files = serving.find_pictures(self.images)
        with contextlib.ExitStack() as stack:
            if self.output is not None:
                aside = stack.enter_context(written_aside(self.output))
            predictor = serving.PhotoPredictor(self.bundle)
            print(f"Bundle: {predictor.bundle_dir}")
            answer = self._portraits if self.portraits else self._photos
            predictions = [*answer(predictor, files)]
            if self.output is not None:
                suffix = pathlib.Path(self.output).suffix.lower()
                serving.write_predictions(
                    aside, predictions, predictor.tasks, suffix
                )
        failures = [p for p in predictions if p.error]
        good = len(files) - len(failures)
        if self.output is not None:
            print(f"Predictions: {self.output} ({good} of {len(files)} files)")
        elif good:
            print(serving.format_table(predictions, predictor.tasks))
        for prediction in failures:
            print(f"error: {prediction.error}", file=sys.stderr)
        if failures:
            sys.exit(EXIT_USER_ERROR)

    def _photos(self, predictor, files) -> Iterator:
        """Yields predictions of all faces, and writes marked photographs."""
        from tp_keras.errors import UserError
        from tp_keras.files import replaced
        from tp_keras.serving.marked_photo import mark_faces
        from tp_keras.serving.prediction import Prediction

        taken: set[str] = set()
        for file in _with_bar(files):
            try:
                answer = predictor.answer(file, file)
            except UserError as error:
                yield Prediction(file, error=str(error))
                continue
            for warning in answer.warnings:
                print(f"{file}: {warning}")
            yield from (found.prediction for found in answer.faces)
            if self.pictures is not None:
                name = _free_name(pathlib.Path(file).stem, taken)
                with replaced(pathlib.Path(self.pictures) / name) as aside:
                    mark_faces(answer).save(aside, quality=90)
        if taken:
            print(f"Faces marked: {os.path.join(self.pictures, '')}")

    def _portraits(self, predictor, files) -> Iterator:
        """Yields a prediction of each file."""
        from tp_keras.errors import UserError
        from tp_keras.serving import read_portrait
        from tp_keras.serving.prediction import Prediction

        for file in _with_bar(files):
            try:
                image = read_portrait(file, predictor.schema.image_shape)
            except UserError as error:
                yield Prediction(file, error=str(error))
            else:
                yield from predictor.answer_portraits(image[None], [file])


def _with_bar(files):
    """Yields files, with a bar where there are several."""
    if len(files) < 2:
        return files
    import tqdm

    return tqdm.tqdm(files, "predict", delay=2, leave=False)


def _free_name(stem, taken) -> str:
    """Returns the name of a JPEG file that no other photograph has taken."""
    number = 1
    while (name := f"{stem}{f'-{number}' * (number > 1)}.jpg") in taken:
        number += 1
    taken.add(name)
    return name


if __name__ == "__main__":
    run(Predict)
