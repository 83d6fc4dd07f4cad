"""Figures along an axis, and by how much they are worse than unchanged."""

import dataclasses
import zlib
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np

from tp_keras.evaluation.figures import resampled
from tp_keras.evaluation.generalisation import losses
from tp_keras.evaluation.generalisation.losses import Scores
from tp_keras.limits.axes import Axis
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task

# By how much a figure is worse, on the same portraits.
LOSS = "loss"

# The same of what a safe range is read from, a share for every kind of task.
LOSS_OF_SHARE = "loss_of_share"

# What the finder's figures have in place of a task, and their metric.
FINDER, RECALL = "finder", "recall"


def value_name(value) -> str:
    """Returns a value of an axis as records hold it."""
    return value if isinstance(value, str) else f"{value:g}"


def measure_task(
    task: Task,
    axis: Axis,
    reference: np.ndarray,
    answers: Sequence[np.ndarray],
    labels: np.ndarray,
    seed: int = 0,
) -> Iterator[dict]:
    """Yields the fields of the records of a task along an axis.

    * `accuracy`, of numbers `mae`, and the balanced one (see
      `generalisation.losses`), at each value of the axis;
    * `LOSS`, by how much the first of them is worse than unchanged, with a
      paired interval: portraits are drawn together with all their changes;
    * `LOSS_OF_SHARE`, the same of the share that is right, of numbers that
      within the tolerance.

    `variant` is the name of the axis, `class_name` the value.

    Args:
        task: `Task`.
        axis: `Axis`.
        reference: Answers of unchanged portraits, as of `predict_answers`.
        answers: Such answers at each value of the axis.
        labels: Labels as in `Portraits`.
        seed: Seed of the resampling.
    """
    scores = losses.score(task, [reference, *answers], labels)
    known = scores.inside.any(-1)
    if not known.any():
        return
    # Classes without a portrait have no part in means of classes.
    scores = scores.take(known, scores.inside.any(0))
    plain, balanced = losses.metric_names(task)
    # A stream of chance of its own, whatever else is measured.
    stream = zlib.crc32(f"{axis.name} {task.name}".encode())
    for metric, part in ((plain, scores.pooled()), (balanced, scores)):
        generator = np.random.default_rng([seed, stream])
        drawn = losses.draw_means(part, generator)
        yield from _curve(task, axis, metric, part, drawn)
        if metric == plain:
            sign = 1 if task.kind == REGRESSION else -1
            yield from _losses(axis, LOSS, part, sign * drawn)
    share = scores
    if task.kind == REGRESSION:
        within = scores.values <= task.tolerance
        share = dataclasses.replace(
            scores, values=scores.inside * within.astype(np.float32)
        )
    share = share.pooled()
    generator = np.random.default_rng([seed, stream])
    drawn = losses.draw_means(share, generator)
    yield from _losses(axis, LOSS_OF_SHARE, share, -drawn)


def measure_recall(axis: Axis, hits: np.ndarray, seed: int = 0):
    """Yields the fields of the records of a face finder along an axis.

    Args:
        axis: `Axis`.
        hits: bool `[1 + values, count]`: whether a face was found where it is,
            unchanged and at each value.
        seed: Seed of the resampling.
    """
    inside = np.ones((hits.shape[1], 1), np.float32)
    scores = Scores(inside, hits[..., None].astype(np.float32))
    stream = zlib.crc32(f"{axis.name} {FINDER}".encode())
    drawn = losses.draw_means(scores, np.random.default_rng([seed, stream]))
    yield from _curve(None, axis, RECALL, scores, drawn)
    for metric in (LOSS, LOSS_OF_SHARE):
        yield from _losses(axis, metric, scores, -drawn)


def _curve(task, axis, metric, scores, drawn) -> Iterator[dict]:
    for value, draws, values in zip(
        axis.values, drawn[1:], scores.values[1:], strict=True
    ):
        where = {"variant": axis.name, "class_name": value_name(value)}
        yield losses.treatment_figure(
            task, metric, draws, values, scores.inside, **where
        )


def _losses(axis, metric, scores, drawn) -> Iterator[dict]:
    """Yields losses; `drawn` grow with what is worse, unchanged ones first."""
    count = int(scores.inside.sum())
    for value, (loss, *draws) in zip(
        axis.values, drawn[1:] - drawn[0], strict=True
    ):
        where = {"variant": axis.name, "class_name": value_name(value)}
        yield resampled(metric, loss, count, np.array(draws), **where)


def answers_along(
    axis: Axis, images: np.ndarray, predict, progress=lambda values: values
) -> dict[str, list[np.ndarray]]:
    """Returns task -> answers at each value of an axis."""
    found: list[Mapping] = [
        predict(axis.change(images, value)) for value in progress(axis.values)
    ]
    return {name: [part[name] for part in found] for name in found[0]}
