"""Figures in which each class weighs the same, and what makes them differ.

Data sets differ in how many of each class they hold. So figures are means over
*cells*: the classes of a task, of a number its ranges, of each flag those with
and those without it.
"""

import dataclasses
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

from tp_keras.data.labels import num_strata
from tp_keras.data.labels import strata
from tp_keras.evaluation.figures import figure
from tp_keras.evaluation.figures import resampled
from tp_keras.evaluation.generalisation.likeness import AS_IS
from tp_keras.evaluation.generalisation.likeness import TREATMENTS
from tp_keras.evaluation.metrics import ratio
from tp_keras.records import intervals
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task

# A cell counts if each data set that is compared has so many of it.
MIN_COUNT = 10

# The variant of the run's own portraits, beside the treatments of others.
OWN = "own"

# Metric and variants of a loss and its parts.
LOSS, TOTAL = "loss", "total"
FRAMING, COLOUR, LEFT = "framing", "colour_and_light", "left"


@dataclasses.dataclass(frozen=True)
class Scores:
    """How right the answers of one task are, by cell.

    Attributes:
        inside: float32 `[count, cells]`, 1 where a row belongs to a cell.
        values: float32 `[treatments, count, cells]`: 1 where an answer is
            right, of a number how far it is off; 0 outside of the cell.
    """

    inside: np.ndarray
    values: np.ndarray

    def take(self, rows, cells=slice(None)) -> "Scores":
        """Returns the scores of some rows and cells."""
        inside = self.inside[rows][:, cells]
        return Scores(inside, self.values[:, rows][..., cells])

    def pooled(self) -> "Scores":
        """Returns the scores with all cells as one."""
        return Scores(*(v.sum(-1, keepdims=True) for v in vars(self).values()))

    def means(self, weights) -> np.ndarray:
        """Returns means over the cells, each of the same weight.

        Args:
            weights: float32 `[draws, count]`, how often each row is drawn.

        Returns:
            A float array `[treatments, draws]`.
        """
        counts = weights @ self.inside
        shares = ratio(weights @ self.values, counts)
        drawn = counts > 0
        return ratio(np.where(drawn, shares, 0).sum(-1), drawn.sum(-1))


def score(task: Task, answers: Sequence[np.ndarray], labels) -> Scores:
    """Compares the answers of a task, an array for each treatment, with labels.

    Answers are those of `predict_answers`, labels those of `Portraits`.
    """
    if task.kind == MULTI_LABEL:
        inside = np.concatenate([labels == 0, labels == 1], axis=1)
    else:
        inside = strata(task, labels)[:, None] == np.arange(num_strata(task))
    values = []
    for found in answers:
        if task.kind == REGRESSION:
            how = np.abs(found - np.nan_to_num(labels))[:, None]
        elif task.kind == MULTI_LABEL:
            how = np.tile((found >= 0.5) == labels, 2)
        else:
            how = (task.predicted(found) == labels)[:, None]
        values.append(np.float32(inside * how))
    return Scores(np.float32(inside), np.stack(values))


def metric_names(task: Task) -> tuple[str, str]:
    """Returns the metric of all rows alike and that of all cells alike."""
    plain = "mae" if task.kind == REGRESSION else "accuracy"
    return plain, f"balanced_{plain}"


def measure(
    task: Task,
    own: Scores,
    other: Scores | None,
    generator: np.random.Generator,
    num_bootstraps: int = 1000,
) -> Iterator[dict]:
    """Yields the fields of the records of own or other portraits.

    * the plain figure as they are, on which a class weighs what it counts;
    * the balanced one, of each treatment and of the run's own portraits, over
      the cells that both have;
    * `LOSS`, by how much others are worse, by variant: `TOTAL` as they are,
      `LEFT` when both framing and colours are like those of the training, and
      between them `FRAMING` and `COLOUR`. What one of these takes depends on
      whether the other is made alike before it or after: its part is the mean
      of both orders, Shapley's value, so that the parts add up to the total.

    Losses have bootstrap intervals: all treatments are of the same rows and
    drawn together, the run's own portraits apart. The others have Wilson's, of
    numbers the bootstrap's.

    Args:
        task: `Task`.
        own: Scores of the run's own portraits, of one treatment.
        other: Scores of others by `TREATMENTS`; None for the own ones alone.
        generator: The source of chance.
        num_bootstraps: How often to resample.
    """
    plain, balanced = metric_names(task)
    cells = own.inside.sum(0) >= MIN_COUNT
    parts = [(plain, own, (OWN,))]
    if other is not None:
        parts = [(plain, other, (AS_IS,))]
        cells &= other.inside.sum(0) >= MIN_COUNT
        other = other.take(slice(None), cells)
    own = own.take(slice(None), cells)
    parts = [
        (plain, part.pooled(), variants) for plain, part, variants in parts
    ]
    parts.append((balanced, own, (OWN,)))
    if other is not None:
        parts.append((balanced, other, TREATMENTS))
    drawn = []
    for metric, scores, variants in parts:
        drawn.append(draw_means(scores, generator, num_bootstraps))
        pairs = zip(variants, drawn[-1], scores.values, strict=False)
        for variant, draws, values in pairs:
            yield treatment_figure(
                task, metric, draws, values, scores.inside, variant=variant
            )
    if other is None:
        return
    (reference,), (as_is, framed, coloured, both) = drawn[1:]
    losses = {
        TOTAL: as_is - reference,
        FRAMING: (as_is - framed + coloured - both) / 2,
        COLOUR: (as_is - coloured + framed - both) / 2,
        LEFT: both - reference,
    }
    sign, count = 1 if task.kind == REGRESSION else -1, int(other.inside.sum())
    for name, draws in losses.items():
        value, *draws = sign * draws
        yield resampled(LOSS, value, count, np.array(draws), variant=name)


def draw_means(scores: Scores, generator, num_bootstraps=1000) -> np.ndarray:
    """Returns means of all rows, and of each draw: `[treatments, 1 + B]`.

    All treatments are of the same rows, so what differs between them has the
    draws of a paired comparison.
    """
    count = len(scores.inside)
    means = [scores.means(np.ones((1, count), np.float32))]
    blocks = intervals.resample_rows(count, num_bootstraps, generator)
    return np.concatenate([*means, *map(scores.means, blocks)], axis=1)


def treatment_figure(task, metric, drawn, values, inside, **fields) -> dict:
    """Makes the fields of the figure of one treatment.

    Args:
        task: `Task`; None of shares that are of no task.
        metric: Name of the figure.
        drawn: Float array `[1 + B]`, a row of `draw_means`.
        values: A treatment's `values` of `Scores`.
        inside: `inside` of it.
        **fields: Further ones.
    """
    counts = inside.sum(0)
    total = counts.sum()
    if task is not None and task.kind == REGRESSION or not total:
        return resampled(metric, drawn[0], total, drawn[1:], **fields)
    interval = intervals.mean_of_shares_interval(values.sum(0), counts)
    return figure(metric, drawn[0], total, interval, **fields)
