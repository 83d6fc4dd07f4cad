"""Accuracy of classifiers as a whole, by class and in their worst cell."""

import dataclasses

import numpy as np

from tp_keras.generator.evaluation.attributes import all_cells
from tp_keras.records.intervals import percentile_interval

# What makes the cells, and which of it is judged in them.
CELL_TASKS = ("gender", "hair_color")
_JUDGED = "hair_color"

# Fewer test portraits say too little of a cell.
MIN_CELL_COUNT = 20


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure, and what it would be with other test portraits.

    Attributes:
        value: Float.
        draws: float64 [bootstraps]; draw for draw on the same portraits as
            those of another classifier.
    """

    value: float
    draws: np.ndarray

    def __sub__(self, other):
        return Figure(self.value - other.value, self.draws - other.draws)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval."""
        return percentile_interval(self.draws)


class CellAccuracy:
    """Measures what classifiers get right on one split of test portraits.

    Portraits are sampled again, together with all their tasks and the runs of
    all seeds. What another seed would change is in the intervals only as far
    as there are seeds to average.

    Args:
        portraits: `Portraits`.
        num_bootstraps: Int.

    Attributes:
        cells: Names of the cells of gender and hair colour that have enough
            portraits, -> their rows.
    """

    def __init__(self, portraits, num_bootstraps=2000):
        count = len(portraits)
        # How often each portrait is drawn: first the split as it is.
        draws = np.random.default_rng(0).multinomial(
            count, np.full(count, 1 / count), size=num_bootstraps
        )
        self._draws = np.concatenate([np.ones((1, count)), draws])
        self._labels = portraits.labels
        self._tasks = portraits.schema.tasks
        self.cells = {
            cell.name: rows
            for cell in all_cells(portraits.schema.get_tasks(CELL_TASKS))
            if len(rows := cell.rows(self._labels)) >= MIN_CELL_COUNT
        }

    def measure(self, hits) -> dict[str, Figure]:
        """Returns figures by name.

        Args:
            hits: Float array [seeds, tasks, N] of 1 and 0, NaN without label.

        Returns:
            `accuracy` and `balanced accuracy`, means over the tasks, and
            `worst cell`: the least accuracy in hair colour of a cell.
        """
        hits = np.nan_to_num(hits.mean(0))
        accuracies, balanced = [], []
        for task, own in zip(self._tasks, hits, strict=True):
            labels = self._labels[task.name]
            accuracies.append(self._share(own, np.flatnonzero(labels >= 0)))
            classes = [
                self._share(own, np.flatnonzero(labels == index))
                for index in range(task.num_classes)
            ]
            balanced.append(np.nanmean(classes, axis=0))
        figures = {
            "accuracy": np.mean(accuracies, axis=0),
            "balanced accuracy": np.mean(balanced, axis=0),
        }
        if self.cells:
            figures["worst cell"] = np.nanmin(
                list(self._by_cell(hits).values()), axis=0
            )
        return {
            name: Figure(float(draws[0]), draws[1:])
            for name, draws in figures.items()
        }

    def worst_cell(self, hits) -> str:
        """Returns the name of the cell; arguments as of `measure`."""
        if not self.cells:
            return ""
        shares = self._by_cell(np.nan_to_num(hits.mean(0)))
        return min(shares, key=lambda name: shares[name][0])

    def _by_cell(self, hits):
        own = hits[[task.name for task in self._tasks].index(_JUDGED)]
        return {
            name: self._share(own, rows) for name, rows in self.cells.items()
        }

    def _share(self, hits, rows):
        """Returns the mean of hits over rows, in every draw."""
        weights = self._draws[:, rows]
        total = weights.sum(1)
        share = np.full(len(weights), np.nan)
        return np.divide(
            weights @ hits[rows], total, out=share, where=total > 0
        )
