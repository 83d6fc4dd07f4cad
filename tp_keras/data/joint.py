"""Several data sets as one: schemas merged, portraits joined, passes mixed."""

import dataclasses
from collections.abc import Iterable
from collections.abc import Sequence

import numpy as np

from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError
from tp_keras.tasks import BINARY
from tp_keras.tasks import CATEGORICAL
from tp_keras.tasks import MISSING
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import ORDINAL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

# What stands between the names of the data sets, and between the fingerprints
# of their portraits.
BETWEEN_NAMES, BETWEEN_PRINTS = " + ", "+"

# The index of a portrait grows by so much for each data set before its own.
INDEX_STEP = 10**9


def merge_schemas(schemas: Sequence[tuple[str, Schema]]) -> Schema:
    """Returns the schema of the portraits of several data sets.

    It has the tasks of all, in the order in which they first appear. Tasks of
    one name are one: classes are matched by their names, whatever their order,
    and those of the first data set come first; with a third class a binary
    task is categorical. A number lies between the lowest and the highest of
    all, with the tolerance of the first. Who is protected, guarded and a
    condition says the first data set.

    Args:
        schemas: Name and `Schema` of each data set.

    Raises:
        UserError: If sizes of images differ, or kind, unit, ordered classes or
            flags of a task.
    """
    _, first = schemas[0]
    if len({schema.image_shape for _, schema in schemas}) > 1:
        sizes = [f"{schema.image_shape} of {name}" for name, schema in schemas]
        raise UserError(
            "Expected portraits of one size; build the data sets in the same "
            "one, for which many have --image_size. "
            f"Received: {', '.join(sizes)}"
        )
    tasks: dict[str, Task] = {}
    for dataset, schema in schemas:
        for task in schema.tasks:
            own = tasks.get(task.name, task)
            tasks[task.name] = _merge_tasks(own, task, dataset)
    return dataclasses.replace(
        first,
        tasks=tuple(tasks.values()),
        shows_people=any(schema.shows_people for _, schema in schemas),
    )


def _merge_tasks(own: Task, other: Task, dataset: str) -> Task:
    """Returns one task of two of the same name, the second of a data set."""
    kinds = {own.kind, other.kind}
    alike = len(kinds) == 1 or kinds == {BINARY, CATEGORICAL}
    if own.kind == ORDINAL:
        alike &= own.classes == other.classes
    elif own.kind == MULTI_LABEL:
        alike &= set(own.classes) == set(other.classes)
    if not alike or own.unit != other.unit:
        told = [
            f"{task.kind}, of {task.unit or ', '.join(task.classes)}"
            for task in (own, other)
        ]
        raise UserError(
            f"Expected labels of {own.name} of one kind and unit in all data "
            "sets, and the same classes where they have an order, or flags. "
            f"Received: {told[0]}, and {told[1]} in {dataset}"
        )
    if own.kind == REGRESSION:
        low, high = min(own.low, other.low), max(own.high, other.high)
        return dataclasses.replace(own, low=low, high=high)
    classes = tuple(dict.fromkeys((*own.classes, *other.classes)))
    kind = CATEGORICAL if len(classes) > 2 and own.kind == BINARY else own.kind
    return dataclasses.replace(own, kind=kind, classes=classes)


def join(portraits: Sequence[Portraits]) -> Portraits:
    """Returns the portraits of several data sets, one after the other.

    Labels of a task that a data set lacks are missing. No image is copied.
    The index is that of the portrait in its own data set, and `INDEX_STEP`
    more for each data set before: unique, and ascending.

    Args:
        portraits: `Portraits` of each data set; those of a single one are
            returned as they are.

    Raises:
        UserError: If the schemas don't go together; see `merge_schemas`.
    """
    if len(portraits) == 1:
        return portraits[0]
    schema = merge_schemas([(part.dataset, part.schema) for part in portraits])
    for part in portraits:
        if part.indices.min() < 0 or part.indices.max() >= INDEX_STEP:
            raise UserError(
                "Expected image indices from 0 to below a billion of data "
                f"sets that are joined. Received: {part.indices.min()} to "
                f"{part.indices.max()} of {part.dataset}"
            )
    seen = [with_all_tasks(part, schema).labels for part in portraits]
    indices = [
        part.indices + n * INDEX_STEP for n, part in enumerate(portraits)
    ]
    on_disk = any(part.storage == "disk" for part in portraits)
    return Portraits(
        images=JointImages(part.images for part in portraits),
        labels={
            name: np.concatenate([labels[name] for labels in seen])
            for name in schema.task_names
        },
        indices=np.concatenate(indices),
        dataset=BETWEEN_NAMES.join(part.dataset for part in portraits),
        split=BETWEEN_NAMES.join(dict.fromkeys(p.split for p in portraits)),
        storage="disk" if on_disk else "memory",
        fingerprint=BETWEEN_PRINTS.join(p.fingerprint for p in portraits),
        schema=schema,
        parts=tuple(map(len, portraits)),
    )


def with_all_tasks(portraits: Portraits, schema: Schema) -> Portraits:
    """Returns portraits with labels of every task of another schema.

    Those of a task that they lack are missing; see `Portraits.seen_as`.
    """
    seen = portraits.seen_as(schema)
    labels = {
        task.name: seen.labels.get(task.name, _missing(task, len(seen)))
        for task in schema.tasks
    }
    people = seen.schema.shows_people
    schema = dataclasses.replace(schema, shows_people=people)
    return dataclasses.replace(seen, labels=labels, schema=schema)


def _missing(task: Task, count: int) -> np.ndarray:
    """Returns the labels of portraits of which none has any."""
    if task.kind == REGRESSION:
        return np.full(count, np.nan, np.float32)
    flags = (task.num_classes,) if task.kind == MULTI_LABEL else ()
    return np.full((count, *flags), MISSING, np.int32)


class JointImages:
    """Arrays of images, one after the other, to be read as one.

    Rows are a number, a slice, or an array of numbers or truth values. What
    lies in several arrays is copied when it is asked for; a slice of one is a
    view of it.

    Args:
        arrays: uint8 `[count, height, width, 3]` of one size, in memory or
            mapped from files.
    """

    def __init__(self, arrays: Iterable[np.ndarray]):
        self._arrays = tuple(arrays)
        self._starts = np.cumsum([0, *map(len, self._arrays)])
        self.dtype = self._arrays[0].dtype
        self.shape = (int(self._starts[-1]), *self._arrays[0].shape[1:])
        self.nbytes = sum(array.nbytes for array in self._arrays)

    def __len__(self):
        return self.shape[0]

    def __array__(self, dtype=None, copy=None):
        return np.concatenate(self._arrays).astype(dtype or self.dtype)

    def __getitem__(self, rows) -> np.ndarray:
        if isinstance(rows, slice):
            begin, end, step = rows.indices(len(self))
            if step == 1:
                return self._between(begin, end)
            rows = np.arange(begin, end, step)
        rows = np.asarray(rows)
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        outside = (rows < -len(self)) | (rows >= len(self))
        if outside.any():
            raise IndexError(f"Received: rows={rows[outside]} of {len(self)}")
        rows = np.where(rows < 0, rows + len(self), rows)
        places = np.searchsorted(self._starts, rows, "right") - 1
        if rows.ndim == 0:
            return self._arrays[places][rows - self._starts[places]]
        images = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for place in np.unique(places):
            own = places == place
            start = self._starts[place]
            images[own] = self._arrays[place][rows[own] - start]
        return images

    def _between(self, begin, end):
        """Returns the images of a slice, a view if they lie in one array."""
        pieces = [
            array[max(begin - start, 0) : max(end - start, 0)]
            for array, start in zip(self._arrays, self._starts, strict=False)
        ]
        filled = [piece for piece in pieces if len(piece)]
        return filled[0] if len(filled) == 1 else np.concatenate(pieces)


def predict_each(
    model, images, batch_size, verbose, rows=None
) -> dict[str, np.ndarray]:
    """Returns `model.predict` of images, of `JointImages` without a copy.

    Args:
        model: A model with named outputs.
        images: Array of images, or what is read as one, such as `JointImages`.
        batch_size: How many are predicted at once.
        verbose: As in `keras.Model.predict`.
        rows: int `[n]`, which images; None for all.
    """
    if rows is None and isinstance(images, np.ndarray):
        return model.predict(images, batch_size=batch_size, verbose=verbose)
    starts = range(0, len(images) if rows is None else len(rows), batch_size)
    slices = (slice(start, start + batch_size) for start in starts)
    batches = ((images[s if rows is None else rows[s]],) for s in slices)
    return model.predict(batches, steps=len(starts), verbose=verbose)


def pass_counts(counts: Sequence[int], mixing: float) -> tuple[int, ...]:
    """Returns how many portraits of each data set a pass takes.

    Shares are in proportion to `count ** mixing`, and all together are as
    many as there are; what rounding leaves goes to the largest remainders.

    Example:
        >>> pass_counts((300, 100), 1.0), pass_counts((300, 100), 0.0)
        ((300, 100), (200, 200))
    """
    shares = np.asarray(counts, np.float64) ** mixing
    exact = sum(counts) * shares / shares.sum()
    taken = np.floor(exact).astype(np.int64)
    largest = np.argsort(taken - exact, kind="stable")
    taken[largest[: sum(counts) - taken.sum()]] += 1
    return tuple(taken.tolist())


def mixed_rows(
    counts: Sequence[int], mixing: float, seed: int, number: int
) -> np.ndarray:
    """Returns the rows of a pass over several data sets, int32, not shuffled.

    Each data set is an endless stream of shuffled passes over its own rows, of
    which a pass over all takes the next `pass_counts`: so every portrait of a
    data set is taken as often as any other, or once more, whatever its share.

    Args:
        counts: How many rows each data set has, one after the other.
        mixing: See `pass_counts`.
        seed: Seed of the streams.
        number: Number of the pass; the rows are a function of it and the seed.
    """
    rows, start = [], 0
    taken = pass_counts(counts, mixing)
    for place, (count, own) in enumerate(zip(counts, taken, strict=True)):
        turn, begin = divmod(int(number) * own, count)
        turns = range(turn, turn + -(-(begin + own) // count))
        stream = [
            np.random.default_rng([seed, place, turn]).permutation(count)
            for turn in turns
        ]
        rows.append(start + np.concatenate(stream)[begin : begin + own])
        start += count
    return np.concatenate(rows).astype(np.int32)


def describe_mixing(portraits: Portraits, mixing: float) -> str:
    """Returns what a pass takes of each of several data sets, in words."""
    names = portraits.dataset.split(BETWEEN_NAMES)
    taken = pass_counts(portraits.parts, mixing)
    parts = [
        f"{own:,} of the {count:,} of {name} ({own / len(portraits):.0%})"
        for name, count, own in zip(names, portraits.parts, taken, strict=True)
    ]
    return f"A pass takes {' and '.join(parts)}."
