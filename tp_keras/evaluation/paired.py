"""What one way of training gets right that another doesn't, pair by pair."""

import statistics
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np

from tp_keras.evaluation.figures import figure
from tp_keras.records.intervals import resample_rows
from tp_keras.records.record import ALL
from tp_keras.tasks import Task

# The metrics.
DIFFERENCE = "balanced_accuracy_difference"
ACCURACY = "balanced_accuracy"

_NUM_BOOTSTRAPS = 2000


def compare(
    right: Mapping[str, np.ndarray],
    labels: np.ndarray,
    groups: np.ndarray | None,
    task: Task,
    group_names: Sequence[str],
    min_count: int = 20,
    *,
    base: str,
) -> Iterator[dict]:
    """Yields what each way adds to the balanced accuracy of a group.

    Rows are resampled in their class, and seeds with them: the rows of two
    runs of a seed stay pairs. The intervals are normal ones about the value,
    so wide that all of them hold together in 19 of 20 cases (Bonferroni).

    Args:
        right: Name of a way -> bool `[seeds, count]`, what it gets right.
        labels: Integers `[count]`, -1 where missing.
        groups: Integers `[count]`, None where there are none.
        task: `Task` with classes.
        group_names: Names of the groups.
        min_count: Labelled rows that a class needs in a group to count there.
        base: The way that the others are held against.

    Yields:
        Fields of records with the way as `variant`: `ACCURACY` of each, and
        `DIFFERENCE` of the others.
    """
    masks = {ALL: np.full(len(labels), True)}
    for index, name in enumerate(group_names):
        masks[name] = groups == index
    num_intervals = len(masks) * (len(right) - 1)
    width = statistics.NormalDist().inv_cdf(1 - 0.025 / max(num_intervals, 1))
    for group, mask in masks.items():
        classes = [
            np.flatnonzero(mask & (labels == value))
            for value in range(task.num_classes)
        ]
        classes = [rows for rows in classes if len(rows) >= min_count]
        count = sum(map(len, classes))
        about = {"group": group}
        for name, hits in right.items():
            about["variant"] = name
            shares = [hits[:, rows].mean() for rows in classes]
            mean = np.mean(shares) if classes else None
            yield figure(ACCURACY, mean, count, **about)
            if name == base:
                continue
            if not classes:
                yield figure(DIFFERENCE, None, 0, **about)
                continue
            before = right[base].astype(np.float64)
            gains = [hits[:, rows] - before[:, rows] for rows in classes]
            value = np.mean([gain.mean() for gain in gains])
            error = _standard_error(gains)
            interval = value - width * error, value + width * error
            yield figure(DIFFERENCE, value, count, interval, **about)


def _standard_error(gains) -> float:
    """Returns that of the mean over classes of gains `[seeds, rows]` each."""
    generator = np.random.default_rng(0)
    seeds = len(gains[0])
    chosen = generator.integers(seeds, size=(_NUM_BOOTSTRAPS, seeds))
    total = 0.0
    for gain in gains:
        rows = gain.shape[1]
        blocks = resample_rows(rows, _NUM_BOOTSTRAPS, generator)
        drawn = np.concatenate([counts @ gain.T / rows for counts in blocks])
        total = total + np.take_along_axis(drawn, chosen, axis=1).mean(1)
    return float(np.std(total / len(gains)))
