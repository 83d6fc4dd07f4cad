"""Predicts picture files with an exported bundle, without Keras.

python -m training.predict --bundle exported_models/portrait_attributes \
    --images one.png two.jpg
python -m training.predict --bundle exported_models/portrait_attributes \
    --images album "more/*.jpg" --output album.csv
"""

import contextlib
import dataclasses
import pathlib
import sys

from .command import EXIT_USER_ERROR
from .command import run
from .command import start_tensorflow


@dataclasses.dataclass(frozen=True)
class Predict:
    """Prints each task's label and probability, or number, of every file."""

    bundle: str
    """Folder of a bundle, or of its versions, of which the newest is taken."""

    images: tuple[str, ...]
    """PNG, JPEG, WebP, AVIF, GIF, BMP or TIFF files of any size; folders of
    them, patterns such as 'album/*.jpg', or text files (.txt) with a name in
    each line."""

    output: str | None = None
    """Instead of printing a table: CSV, JSON or JSONL file to write, with the
    probability of every class and flag."""

    def execute(self) -> None:
        """Predicts; files that cannot be read end in exit code 2."""
        import tqdm

        from tp_keras import serving
        from tp_keras.generator.drawing.output import written_aside
        from tp_keras.serving.prediction import check_output

        if self.output is not None:
            check_output(self.output)
        files = serving.find_pictures(self.images)
        with contextlib.ExitStack() as stack:
            if self.output is not None:
                aside = stack.enter_context(written_aside(self.output))
            start_tensorflow()
            predictor = serving.Predictor(self.bundle)
            print(f"Bundle: {predictor.bundle_dir}")
            predictions = list(
                tqdm.tqdm(
                    predictor.iterate_files(files),
                    "predict",
                    total=len(files),
                    delay=2,
                    leave=False,
                )
            )
            if self.output is not None:
                suffix = pathlib.Path(self.output).suffix.lower()
                serving.write_predictions(
                    aside, predictions, predictor.tasks, suffix
                )
        failures = [p for p in predictions if p.error]
        good = len(predictions) - len(failures)
        if self.output is not None:
            print(f"Predictions: {self.output} ({good} of {len(files)} files)")
        elif good:
            print(serving.format_table(predictions, predictor.tasks))
        for prediction in failures:
            print(f"error: {prediction.error}", file=sys.stderr)
        if failures:
            sys.exit(EXIT_USER_ERROR)


if __name__ == "__main__":
    # TensorFlow imports Keras wherever it is installed. A bundle needs none:
    # without it this starts sooner, and shows what a server would have.
    sys.modules["keras"] = None
    run(Predict)
