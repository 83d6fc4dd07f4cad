"""Tells whether synthetic portraits are hard enough to compare methods on.

python -m benchmarks.synthetic_difficulty --run_dir runs/demo

Fits a logistic regression on the pixels of the training portraits of a pack
and prints its balanced accuracy on the test portraits beside the one of an
evaluated network. Where a linear template of the pixels does nearly as well as
the network, the portraits tell no methods apart.
"""

import dataclasses
import io
import pathlib
import warnings

import numpy as np
from PIL import Image
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from datasets import tiny_portraits
from datasets.building.bad_items import BadItems
from datasets.building.build_record import BuildRecord
from datasets.tiny_portraits import facts
from datasets.tiny_portraits.portrait_pack import PortraitPack
from tp_keras.records.record import find_one
from tp_keras.records.record import read_records
from training.command import run

# The margin by which the network is to lead, and the tasks where it has to:
# the mean colour of a region tells much of the hair colour.
MARGIN = 0.10
TASKS_WITH_MARGIN = ("gender", "hair_type")

# Each pixel of the regression is the mean of a square of this many.
_POOLING = 4


@dataclasses.dataclass(frozen=True)
class SyntheticDifficulty:
    """Compares a logistic regression on pixels with an evaluated network."""

    run_dir: pathlib.Path
    """The run folder of the network, evaluated on the test split."""
    manual_dir: pathlib.Path | None = None
    """The folder of the pack that the network was trained on. Default: that
    of the synthetic portraits, as they were built."""
    data_dir: pathlib.Path = pathlib.Path("data/tfds")
    """Folder of the prepared data sets."""
    penalties: tuple[float, ...] = (1e-3, 1e-2, 1e-1)
    """The values of C; the best one on the validation split counts."""
    iterations: int = 100
    """The most steps of the solver."""

    def execute(self) -> None:
        """Fits, reads and prints the table."""
        records = read_records(
            self.run_dir / "evaluation" / "test" / "records.jsonl"
        )
        pixels, labels, splits = _read_pack(
            self.manual_dir or self._drawn_pack()
        )
        scaler = StandardScaler().fit(pixels[splits == "train"])
        pixels = scaler.transform(pixels)
        print(f"{'balanced accuracy':18}{'pixels':>9}{'network':>9}{'lead':>8}")
        for task in facts.CLASSES:
            linear = self._score_pixels(pixels, labels[task], splits)
            network = find_one(
                records, metric="balanced_accuracy", task=task, group="all"
            ).value
            verdict = ""
            if task in TASKS_WITH_MARGIN:
                enough = network - linear >= MARGIN
                verdict = "  enough" if enough else "  too little"
            print(
                f"{task:18}{linear:9.3f}{network:9.3f}"
                f"{network - linear:+8.3f}{verdict}"
            )

    def _drawn_pack(self):
        """Returns the folder that the synthetic portraits were built from."""
        builder = tiny_portraits.Builder(
            data_dir=self.data_dir, config="synthetic"
        )
        record = BuildRecord.read(pathlib.Path(builder.data_path))
        return pathlib.Path(record.source)

    def _score_pixels(self, pixels, labels, splits) -> float:
        """Returns the score of the best penalty on the test portraits."""
        rows = {
            split: (splits == split) & (labels >= 0)
            for split in facts.SPLIT_RANGES
        }
        best = (-1.0, 0.0)
        for penalty in tqdm(self.penalties, "fitting", leave=False):
            model = LogisticRegression(C=penalty, max_iter=self.iterations)
            with warnings.catch_warnings():
                # More steps only fit the training portraits closer.
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(pixels[rows["train"]], labels[rows["train"]])
            scores = [
                balanced_accuracy_score(
                    labels[rows[split]], model.predict(pixels[rows[split]])
                )
                for split in ("validation", "test")
            ]
            best = max(best, tuple(scores))
        return best[1]


def _read_pack(folder: pathlib.Path):
    """Reads a pack.

    Returns:
        The pooled pixels, float32 [portrait, 27 * 21 * 3]; the labels by task,
        int [portrait], -1 where missing; and the split of each portrait.
    """
    pack = PortraitPack(folder, BadItems())
    attributes = pack.attributes
    pixels, order = [], []
    for index, content in tqdm(
        pack.portraits(list(attributes)), "reading", total=len(attributes)
    ):
        image = Image.open(io.BytesIO(content)).reduce(_POOLING)
        pixels.append(np.asarray(image, np.float32).ravel())
        order.append(index)
    labels = {
        task: np.array(
            [
                names.index(name) if name in names else -1
                for name in (getattr(attributes[i], task) for i in order)
            ]
        )
        for task, names in facts.CLASSES.items()
    }
    splits = np.array([facts.split_of(index) for index in order])
    return np.stack(pixels), labels, splits


if __name__ == "__main__":
    run(SyntheticDifficulty)
