"""Does an edit change what it should, and nothing else?"""

from collections.abc import Callable
from collections.abc import Iterator

import numpy as np

from tp_keras import tasks
from tp_keras.evaluation import figures
from tp_keras.records.record import ALL

_BALD = "bald"


def measure_swaps(
    edit: Callable,
    predict: Callable,
    images: np.ndarray,
    labels: dict[str, np.ndarray],
    before: dict[str, np.ndarray],
    seed: int,
) -> Iterator[dict]:
    """Yields how often an edit with another class succeeds.

    Measured are portraits with all labels that the judge reads rightly in all
    of them before the edit. One attribute then gets another class, drawn by
    chance. Bald portraits stay out, and none becomes bald: both hair tasks
    have that class, and an edit of one of them would contradict the other.

    Args:
        edit: Function `(images, labels, new_labels) -> images`, uint8.
        predict: The judge: `images -> {task name: integer array [n]}`.
        images: uint8 array [N, height, width, 3].
        labels: Dict: task name -> integer array [N], -1 where missing.
        before: What the judge says of `images`.
        seed: Where chance starts.

    Yields:
        Fields of records, `task` being what was edited: `swap_success`, how
        often the judge sees the new class (also for each new class),
        `swap_kept`, how often its other answers stay (`variant` names one of
        them; without, all of them), and `unedited_kept`, the same for all
        attributes if the portrait is only reconstructed: more can't be kept.
    """
    rows = swappable_rows(labels, before)
    labels = {name: np.asarray(own)[rows] for name, own in labels.items()}
    images = images[rows]
    generator = np.random.default_rng(seed)
    if len(rows):
        answers = predict(edit(images, labels, labels))
        stayed = np.all(
            [answers[task.name] == labels[task.name] for task in tasks.TASKS],
            axis=0,
        )
        hits = stayed.sum()
    else:
        hits = 0
    yield figures.share("unedited_kept", hits, len(rows), task=ALL, group=ALL)
    for task in tasks.TASKS:
        new_labels = swap(labels, task, generator)
        answers = (
            predict(edit(images, labels, new_labels)) if len(rows) else labels
        )
        yield from _figures(task, labels, new_labels, answers)


def swappable_rows(labels, before) -> np.ndarray:
    """Returns the rows with all labels, none bald, all read rightly."""
    good = np.ones(len(labels[tasks.GENDER.name]), bool)
    for task in tasks.TASKS:
        own = np.asarray(labels[task.name])
        good &= (own != tasks.MISSING) & (own == np.asarray(before[task.name]))
        if _BALD in task.classes:
            good &= own != task.classes.index(_BALD)
    return np.flatnonzero(good)


def swap(labels, task, generator) -> dict[str, np.ndarray]:
    """Returns `labels` with another class of one task, drawn by chance."""
    kinds = len(task.classes) - (_BALD in task.classes)
    # (`bald` is the last class wherever there is one.)
    steps = generator.integers(1, kinds, len(labels[task.name]))
    changed = (np.asarray(labels[task.name]) + steps) % kinds
    return {**labels, task.name: changed.astype(np.int32)}


def _figures(task, labels, new_labels, answers):
    asked = new_labels[task.name]
    success = answers[task.name] == asked
    fields = {"task": task.name, "group": ALL}
    yield figures.share("swap_success", success.sum(), len(asked), **fields)
    for index, name in enumerate(task.classes):
        if name == _BALD:
            continue
        rows = asked == index
        yield figures.share(
            "swap_success",
            success[rows].sum(),
            rows.sum(),
            class_name=name,
            **fields,
        )
    others = [other for other in tasks.TASKS if other is not task]
    kept = [answers[other.name] == labels[other.name] for other in others]
    yield figures.share(
        "swap_kept", np.all(kept, axis=0).sum(), len(asked), **fields
    )
    for other, stayed in zip(others, kept, strict=True):
        yield figures.share(
            "swap_kept",
            stayed.sum(),
            len(asked),
            variant=other.name,
            **fields,
        )
