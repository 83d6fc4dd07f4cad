"""What a bundle takes for a portrait unlike those of its training.

    python -m benchmarks.unfamiliar --bundle BUNDLE --data_dir DATA

Compares portraits of the test split with synthetic ones, with cartoons of
them, with pictures that show no face and with portraits that are ruined.
"""

import dataclasses
import pathlib

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.planted_portraits import OUTLIERS
from benchmarks.scenes import without_faces
from benchmarks.tables import print_markdown
from datasets.tiny_portraits.tiny_portraits_dataset_builder import Builder
from tp_keras.data.source import load_portraits
from tp_keras.serving import PhotoPredictor
from training.command import run


@dataclasses.dataclass(frozen=True)
class Unfamiliar:
    """Prints the area under the ROC curve, and the share told as unlike."""

    bundle: str
    """Folder of a bundle of portraits of Tiny Portraits' size."""
    data_dir: pathlib.Path = pathlib.Path("data/tfds")
    """Folder of the prepared data sets."""
    dataset: str = "tiny_portraits/archives"
    """Data set of the portraits."""
    count: int = 300
    """How many of each."""

    def execute(self) -> None:
        """Measures and prints."""
        predictor, rng = PhotoPredictor(self.bundle), np.random.default_rng(0)
        own = load_portraits(
            self.data_dir, self.dataset, "test", "memory", progress=False
        ).images
        own, others = own[: self.count], own[-self.count :]
        height, width, _ = own.shape[1:]
        faceless = without_faces(min(self.count, 100))
        sets = {
            "synthetic": np.stack(Builder.draw_samples(self.count)),
            "no face": np.stack(
                [np.asarray(p.resize((width, height))) for p in faceless]
            ),
        }
        for name, alter in OUTLIERS.items():
            title = "cartoon" if name == "drawing" else f"planted: {name}"
            sets[title] = np.stack([alter(image, rng) for image in others])
        scores = predictor.unfamiliarity(own)
        limit = predictor.metadata["familiarity"]["threshold"]
        rows = [["test split", f"{len(own)}", "-", _share(scores, limit)]]
        for name, images in sets.items():
            found = predictor.unfamiliarity(images)
            truth = np.repeat([0, 1], [len(scores), len(found)])
            area = roc_auc_score(truth, np.append(scores, found))
            share = _share(found, limit)
            rows.append([name, f"{len(found)}", f"{area:.3f}", share])
        print_markdown(["pictures", "n", "AUC", "told as unlike"], rows)


def _share(scores, limit):
    return f"{(scores > limit).mean():.3f}"


if __name__ == "__main__":
    run(Unfamiliar)
