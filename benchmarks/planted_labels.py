"""Plants wrong labels, and tells how many of them the audit lists.

python -m benchmarks.planted_labels --data_dir data/tfds

Of synthetic portraits it is known what each picture shows, and so which labels
were wrong before any was planted: both are counted, and each alone.
"""

import dataclasses
import time

import numpy as np
from sklearn.metrics import precision_recall_curve

from benchmarks.tables import print_markdown
from datasets.tiny_portraits import facts
from datasets.tiny_portraits.synthetic.labels import LabelTable
from tp_keras.audit.label_issues import error_rates
from tp_keras.audit.label_issues import find_issues
from tp_keras.audit.label_issues import plant
from tp_keras.audit.looks import measure_looks
from tp_keras.audit.out_of_fold import foretell
from tp_keras.audit.portrait_set import load_portrait_set
from tp_keras.audit.questions import ask
from training.command import run
from training.command import start_tensorflow

DATASET = "tiny_portraits/synthetic"

# The seed that synthetic portraits are drawn from where none is given.
_PACK_SEED = 0

# At which recall the precision of the ranking is told.
_RECALL = 0.6

HEADER = (
    *("task", "seed", "wrong before", "planted", "listed", "seconds"),
    *("precision", "recall", "precision at recall .6"),
    *("planted alone: precision", "recall", "precision at recall .6"),
    *("estimated", "true rate"),
)


@dataclasses.dataclass(frozen=True)
class PlantedLabels:
    """Plants wrong labels in synthetic portraits and finds them."""

    data_dir: str = "data/tfds"
    """Folder of the prepared data sets."""
    part: float = 0.05
    """Share of the labels that is made wrong, uniformly among the classes."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of what is planted, and of the audit."""

    def execute(self) -> None:
        """Prints the table."""
        start_tensorflow()
        rows = planted_label_rows(self.data_dir, self.part, self.seeds)
        print_markdown(HEADER, rows)


def planted_label_rows(data_dir, part=0.05, seeds=(0, 1, 2)) -> list[list[str]]:
    """Returns the rows of the table, as texts; see `HEADER`."""
    portraits = load_portrait_set(data_dir, DATASET)
    looks = measure_looks(portraits)
    questions = ask(portraits.schema, portraits.labels)
    shown = _shown(portraits)
    rows = []
    for seed in seeds:
        planted = [plant(question, seed, part) for question in questions]
        start = time.monotonic()
        answers = foretell(looks, [own for own, _ in planted], seed=seed)
        seconds = (time.monotonic() - start) / len(questions)
        for task, (question, chosen) in enumerate(planted):
            known = question.usable
            before = known & (shown[:, task] != questions[task].labels)
            wrong = known & (shown[:, task] != question.labels)
            alone = np.zeros(len(known), bool)
            alone[chosen] = True
            issues = find_issues(question, answers[task])
            estimate = next(error_rates(question, answers[task].mean(0)))
            figures = [
                *_figures(wrong, issues, known),
                *_figures(alone, issues, known),
            ]
            rows.append(
                [
                    *(question.name, str(seed)),
                    *(f"{before.sum():,}", f"{len(chosen):,}"),
                    *(f"{issues.found.sum():,}", f"{seconds:.0f}"),
                    *(f"{figure:.2f}" for figure in figures),
                    f"{estimate['value']:.3f} [{estimate['low']:.3f}, "
                    f"{estimate['high']:.3f}]",
                    f"{wrong[known].mean():.3f}",
                ]
            )
    return rows


def _shown(portraits) -> np.ndarray:
    """Returns what each picture shows, int `[count, tasks]`."""
    table = LabelTable.draw(_PACK_SEED)
    labels = np.stack([portraits.labels[name] for name in facts.CLASSES], 1)
    if (table.labels[portraits.indices] != labels).any():
        raise SystemExit(f"Expected {DATASET} drawn from seed {_PACK_SEED}.")
    return table.shown[portraits.indices]


def _figures(wrong, issues, known):
    """Returns precision and recall of the list, precision of the ranking."""
    hits = (wrong & issues.found).sum()
    precision, recall, _ = precision_recall_curve(
        wrong[known], -issues.scores[known]
    )
    return (
        hits / max(issues.found.sum(), 1),
        hits / wrong.sum(),
        precision[recall >= _RECALL].max(),
    )


if __name__ == "__main__":
    run(PlantedLabels)
