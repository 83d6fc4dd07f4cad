"""What a file answers against what its model does, as records."""

import numpy as np

from tp_keras import tasks
from tp_keras.errors import UserError
from tp_keras.evaluation.evaluator import GROUPS
from tp_keras.records.intervals import wilson_interval
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find

# What a format that rounds may lose before the user is told, as a share.
TOLERATED_LOSS = 0.003


def compare(expected, found, labels=None) -> list[Record]:
    """Measures the answers of a file.

    Records of each output: `max_difference` and `mean_difference` of its
    values. Of each task besides: `same_decisions`, the share of the portraits
    with the same most probable class, and, with labels, `accuracy` of all
    and of each gender. Shares have Wilson's interval.

    Args:
        expected: Dict of output to float array `[count, values]`, the model's.
        found: The same of the file; it may lack `hair_embedding`.
        labels: Dict of task to int array `[count]`, -1 where missing, or None.

    Returns:
        List of `Record`.

    Raises:
        UserError: If an answer is missing or is no number.
    """
    names = [task.name for task in tasks.TASKS if task.name in expected]
    if missing := [name for name in names if name not in found]:
        raise UserError(f"The file lacks the outputs {', '.join(missing)}.")
    records = []
    for name, values in found.items():
        difference = np.abs(values - expected[name])
        if not np.isfinite(difference).all():
            raise UserError(f"The file's {name!r} holds values that are none.")
        for metric, value in (
            ("max_difference", difference.max()),
            ("mean_difference", difference.mean(dtype=np.float64)),
        ):
            records.append(Record(metric, name, ALL, float(value), len(values)))
    for name in names:
        decisions = found[name].argmax(-1)
        same = decisions == expected[name].argmax(-1)
        records.append(_share("same_decisions", name, ALL, same))
        if labels is None:
            continue
        for index, group in enumerate(GROUPS):
            rows = labels[name] != tasks.MISSING
            if group != ALL:
                rows &= labels[tasks.GENDER.name] == index - 1
            correct = (decisions == labels[name])[rows]
            records.append(_share("accuracy", name, group, correct))
    return records


def describe_losses(name, reference, records) -> list[str]:
    """Says where a format decides worse than its model.

    Args:
        name: Str. The format.
        reference: Records of the model, from `compare`.
        records: Records of the format.

    Returns:
        A sentence for each task and gender with an accuracy more than 0.3
        points lower than the model's.
    """
    sentences = []
    for before in find(reference, metric="accuracy"):
        (after,) = find(
            records, metric="accuracy", task=before.task, group=before.group
        )
        if before.value is None:
            continue
        # In portraits, as shares are rounded.
        lost = round((before.value - after.value) * before.count)
        if lost > TOLERATED_LOSS * before.count:
            sentences.append(
                f"{name} loses {100 * lost / before.count:.2f} points of "
                f"{before.task} ({before.group}): {lost} of {before.count} "
                "portraits."
            )
    return sentences


def _share(metric, task, group, hits) -> Record:
    if not len(hits):
        return Record(metric, task, group, None, 0)
    low, high = wilson_interval(int(hits.sum()), len(hits))
    value = float(hits.mean())
    return Record(metric, task, group, value, len(hits), low=low, high=high)
