"""From answers and labels to records."""

import zlib
from collections.abc import Mapping

import numpy as np
import tqdm

from tp_keras import tasks
from tp_keras.data.labels import is_known
from tp_keras.data.schema import check_labels
from tp_keras.errors import UserError
from tp_keras.evaluation.class_figures import class_figures
from tp_keras.evaluation.flag_figures import flag_figures
from tp_keras.evaluation.number_figures import number_figures
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

# Kind of task -> what yields the fields of its records.
MEASURES = {
    **dict.fromkeys(tasks.CLASS_KINDS, class_figures),
    tasks.MULTI_LABEL: flag_figures,
    tasks.REGRESSION: number_figures,
}

# The probabilities of a row add up to 1 but for the rounding of float16.
_SUM_TOLERANCE = 1e-2


def evaluate_predictions(
    answers: Mapping[str, np.ndarray],
    labels: Mapping[str, np.ndarray],
    schema: Schema,
    *,
    seed: int,
    split: str,
    dataset: str | None = None,
    num_bootstraps: int = 1000,
) -> list[Record]:
    """Measures predictions, overall and in each group, as the task's kind is.

    See `class_figures`, `number_figures` and `flag_figures`.

    Args:
        answers: What `PortraitClassifier.predict_answers` returns. Outputs
            that are no task, such as the embedding, are left alone.
        labels: Labels as in `Portraits`, of all tasks of the schema.
        schema: `Schema`; the classes of its protected task make the groups.
        seed: Seed of the run; resampling starts from it.
        split: Split of the data set.
        dataset: Name of the data set.
        num_bootstraps: How often to resample.

    Returns:
        Records by task, group and metric.

    Raises:
        UserError: If there is nothing to evaluate, or if answers and labels do
            not fit each other or the schema.
    """
    evaluated = [task for task in schema.tasks if task.name in answers]
    if not evaluated or num_bootstraps < 1:
        raise UserError(
            "Expected predictions of one or more of "
            f"{', '.join(schema.task_names)}, and one or more bootstraps. "
            f"Received: {', '.join(sorted(answers)) or 'nothing'}, "
            f"num_bootstraps={num_bootstraps}"
        )
    check_labels(labels, schema, dataset or "the labels")
    for task in evaluated:
        _check_answers(answers[task.name], len(labels[task.name]), task)
    masks = {ALL: True}
    for index, group in enumerate(schema.groups):
        masks[group] = labels[schema.protected] == index
    records = []
    parts = [(task, group) for task in evaluated for group in masks]
    for task, group in tqdm.tqdm(parts, "resampling", delay=2, leave=False):
        own = np.asarray(labels[task.name])
        known = is_known(task, own)
        rows = masks[group] & (known.any(-1) if known.ndim > 1 else known)
        # A stream of its own for each part: a figure stays the same whichever
        # other tasks and groups there are.
        names = [zlib.crc32(name.encode()) for name in (task.name, group)]
        generator = np.random.default_rng([seed, *names])
        found = np.asarray(answers[task.name])[rows]
        measured = MEASURES[task.kind](
            task, found, own[rows], num_bootstraps, generator
        )
        where = {"task": task.name, "group": group, "seed": seed}
        where |= {"split": split, "dataset": dataset}
        records += [Record(**where, **fields) for fields in measured]
    return records


def _check_answers(answers, count: int, task: Task) -> None:
    """Refuses answers of another shape, or of what is no probability."""
    values = np.asarray(answers)
    shape = (count, task.num_classes) if task.classes else (count,)
    right = values.shape == shape and np.isfinite(values).all()
    if right and task.classes:
        right = ((values >= 0) & (values <= 1 + _SUM_TOLERANCE)).all()
    if right and task.has_classes:
        sums = values.sum(-1, dtype=np.float64)
        right = (np.abs(sums - 1) <= _SUM_TOLERANCE).all()
    if not right:
        raise UserError(
            f"Expected finite answers of {task.name} of shape {shape}; "
            "probabilities of classes add up to 1. Received: shape "
            f"{values.shape}, from {values.min(initial=1):.4g} to "
            f"{values.max(initial=0):.4g}"
        )
