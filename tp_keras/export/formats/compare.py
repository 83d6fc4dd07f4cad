"""What a file answers against what its model does, as records."""

import numpy as np

from tp_keras.data.labels import is_known
from tp_keras.errors import UserError
from tp_keras.records.intervals import wilson_interval
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION

# Names of the share that a file gets right, by what labels are.
HITS = ("accuracy", "within_tolerance")

# What a format that rounds may lose before the user is told, as a share.
TOLERATED_LOSS = 0.003


def compare(tasks, expected, found, portraits=None) -> list[Record]:
    """Measures the answers of a file.

    Of each output `max_difference` and `mean_difference` of its values, those
    of numbers in their tolerance. Of each task besides `same_decisions`, the
    share of the portraits with the same class (of the flags with the same
    answer, of the numbers within the tolerance of the model's), and of all
    labelled portraits and those of each group the share of the classes and
    flags that are right, `accuracy`, or of the numbers `within_tolerance` of
    theirs. Shares have Wilson's interval.

    Args:
        tasks: The tasks of the model.
        expected: Dict of output to float array, the model's answers.
        found: The same of the file; it may lack the embedding.
        portraits: `Portraits` that were answered, or None.

    Raises:
        UserError: If an answer is missing or is no number.
    """
    if missing := [task.name for task in tasks if task.name not in found]:
        raise UserError(f"The file lacks the outputs {', '.join(missing)}.")
    scales = {t.name: t.tolerance for t in tasks if t.kind == REGRESSION}
    records = []
    for name, values in found.items():
        if name not in expected:
            continue
        difference = np.abs(values - expected[name]) / scales.get(name, 1.0)
        if not np.isfinite(difference).all():
            raise UserError(f"The file's {name!r} holds values that are none.")
        for metric, value in (
            ("max_difference", difference.max()),
            ("mean_difference", difference.mean(dtype=np.float64)),
        ):
            records.append(Record(metric, name, ALL, float(value), len(values)))
    for task in tasks:
        name = task.name
        decided = _decided(task, found[name])
        same = _hits(task, decided, _decided(task, expected[name]))
        records.append(_share("same_decisions", name, ALL, same))
        if portraits is None or name not in portraits.labels:
            continue
        labels = portraits.labels[name]
        known, hits = is_known(task, labels), _hits(task, decided, labels)
        metric = HITS[task.kind == REGRESSION]
        for group, rows in _groups(portraits).items():
            right = hits[rows][known[rows]]
            records.append(_share(metric, name, group, right))
    return records


def describe_losses(name, reference, records) -> list[str]:
    """Says where a format decides worse than its model.

    That is a sentence for each task and group with a share of right answers
    more than 0.3 points lower. Records are those of `compare`.
    """
    sentences = []
    rights = [r for metric in HITS for r in find(reference, metric=metric)]
    for before in rights:
        if before.value is None:
            continue
        fields = {"task": before.task, "group": before.group}
        after = find_one(records, metric=before.metric, **fields)
        # In answers, as shares are rounded.
        lost = round((before.value - after.value) * before.count)
        if lost > TOLERATED_LOSS * before.count:
            sentences.append(
                f"{name} loses {100 * lost / before.count:.2f} points of "
                f"{before.task} ({before.group}): {lost} of {before.count} "
                "answers."
            )
    return sentences


def _decided(task, answers):
    if task.kind == REGRESSION:
        return answers
    return (
        answers > 0.5 if task.kind == MULTI_LABEL else task.predicted(answers)
    )


def _hits(task, decided, labels):
    if task.kind == REGRESSION:
        return np.abs(decided - labels) <= task.tolerance
    return decided == labels


def _groups(portraits):
    """Returns the rows of all portraits and of each group by its name."""
    names = enumerate(portraits.schema.groups)
    everyone = {ALL: np.ones(len(portraits), bool)}
    return everyone | {name: portraits.groups == i for i, name in names}


def _share(metric, task, group, hits) -> Record:
    if not hits.size:
        return Record(metric, task, group, None, 0)
    low, high = wilson_interval(int(hits.sum()), hits.size)
    return Record(metric, task, group, float(hits.mean()), hits.size, low, high)
