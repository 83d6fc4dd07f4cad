"""Predicts image files with an exported bundle, without Keras.

python -m training.predict --bundle exported_models/portrait_attributes \
    --images one.png two.jpg
"""

import dataclasses
import sys

from training.command import EXIT_USER_ERROR
from training.command import run
from training.command import start_tensorflow


@dataclasses.dataclass(frozen=True)
class Predict:
    """Prints each task's label and its probability for every file."""

    bundle: str
    """Folder of a bundle, or of its versions, of which the newest is taken."""

    images: tuple[str, ...]
    """PNG or JPEG files of any size."""

    def execute(self) -> None:
        """Predicts; files that cannot be read end in exit code 2."""
        start_tensorflow()
        from tp_keras import serving

        predictor = serving.Predictor(self.bundle)
        print(f"Bundle: {predictor.bundle_dir}")
        predictions = predictor.predict_files(self.images)
        failures = [p for p in predictions if p.error]
        if len(failures) < len(predictions):
            print(serving.format_table(predictions))
        for prediction in failures:
            print(
                f"error: {prediction.path}: {prediction.error}.",
                file=sys.stderr,
            )
        if failures:
            sys.exit(EXIT_USER_ERROR)


if __name__ == "__main__":
    # TensorFlow imports Keras wherever it is installed. A bundle needs none:
    # without it this starts sooner, and shows what a server would have.
    sys.modules["keras"] = None
    run(Predict)
