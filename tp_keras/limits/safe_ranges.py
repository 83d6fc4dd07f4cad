"""How far a portrait may be off before answers suffer, and who is warned.

A range begins where the portrait is unchanged and ends at the last value on
either side before the first whose loss is 2 points or more. It is read from
`RUN/limits/<split>/safe_ranges.csv` without any framework:

```
for text in warnings_of(read_safe_ranges("runs/mine"), rotation=25):
    print(text)
```
"""

import csv
import dataclasses
import os
import pathlib
from collections.abc import Iterable
from collections.abc import Sequence

import pandas as pd

from tp_keras.command_line import command_line
from tp_keras.errors import UserError
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one

# A loss of so much is too much: 2 points of the share that is right.
MOST_LOST = 0.02

FILE_NAME = "safe_ranges"


@dataclasses.dataclass(frozen=True)
class SafeRange:
    """Where one task, or the finder of faces, loses less than 2 points.

    Attributes:
        axis: Name of the axis.
        title: What texts call it, and `unit` what its values count.
        task: Name of the task, or `"finder"`.
        low: Smallest safe value, None where values are names; `high` the
            largest. None as well where all that was tried on a side is safe.
        safe: Names of the safe values, where they are names.
        unsafe: Names of the others.
        worst: The largest loss in the range, in points, and `worst_high` the
            upper end of its interval.
        count: How many portraits it rests on.
    """

    axis: str
    title: str
    unit: str
    task: str
    low: float | None
    high: float | None
    safe: tuple[str, ...]
    unsafe: tuple[str, ...]
    worst: float
    worst_high: float
    count: int

    def holds(self, value: float | str) -> bool:
        """Returns whether a value lies in the range."""
        if isinstance(value, str):
            return value not in self.unsafe
        return (self.low is None or value >= self.low) and (
            self.high is None or value <= self.high
        )

    def text(self) -> str:
        """Returns the range as a table shows it: `-15 to 20 degrees`."""
        if self.safe or self.unsafe:
            return f"{len(self.safe)} of {len(self.safe) + len(self.unsafe)}"
        low, high = (
            None if end is None else f"{end:g}" for end in (self.low, self.high)
        )
        if low and high:
            words = low if low == high else f"{low} to {high}"
        elif low or high:
            words = f"from {low}" if low else f"up to {high}"
        else:
            return "all that was tried"
        return f"{words} {self.unit}"


def find_safe_ranges(records: Sequence[Record], axes, tasks, loss):
    """Yields the safe range of each axis and task that was measured.

    Args:
        records: What was measured.
        axes: Sequence of `Axis`.
        tasks: Names of the tasks.
        loss: Metric of the losses.
    """
    for axis in axes:
        for task in tasks:
            found = find(records, metric=loss, task=task, variant=axis.name)
            if found:
                yield _find_range(axis, task, found)


def _find_range(axis, task, records) -> SafeRange:
    """Returns one range; `records` are in the order of the axis' values."""
    is_safe = [record.value < MOST_LOST for record in records]
    names = [record.class_name for record in records]
    low = high = None
    if axis.has_order:
        start = axis.values.index(axis.unchanged)
        last = len(names) - 1
        first, end = start, start
        while first > 0 and is_safe[first - 1]:
            first -= 1
        while end < last and is_safe[end + 1]:
            end += 1
        # What was tried without harm has no end that is known.
        low = axis.values[first] if first else None
        high = axis.values[end] if end < last else None
        within, safe, unsafe = records[first : end + 1], (), ()
    else:
        pairs = list(zip(names, is_safe, strict=True))
        safe = tuple(name for name, good in pairs if good)
        unsafe = tuple(name for name, good in pairs if not good)
        within = [find_one(records, class_name=name) for name in safe]
    worst = max(within, key=lambda record: record.value, default=records[0])
    most = worst.value if worst.high is None else worst.high
    return SafeRange(
        axis.name,
        axis.title,
        axis.unit,
        task,
        low,
        high,
        safe,
        unsafe,
        100 * worst.value,
        100 * most,
        worst.count,
    )


def range_table(ranges: Iterable[SafeRange]) -> pd.DataFrame:
    """Returns the table that `read_safe_ranges` reads as a file."""
    rows = [
        vars(one) | {n: "; ".join(getattr(one, n)) for n in ("safe", "unsafe")}
        for one in ranges
    ]
    fields = [field.name for field in dataclasses.fields(SafeRange)]
    return pd.DataFrame(rows, columns=fields)


def read_safe_ranges(
    run_dir: str | os.PathLike, split: str = "test"
) -> list[SafeRange]:
    """Reads the safe ranges of a run, none where they were not measured.

    Raises:
        UserError: If the file is not one that `training.limits` writes.
    """
    path = pathlib.Path(run_dir, "limits", split, f"{FILE_NAME}.csv")
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [_read_row(row) for row in csv.DictReader(file)]
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        command = command_line("training.limits", run_dir=run_dir, split=split)
        raise UserError(
            f"Expected safe ranges in {path}; write them anew with "
            f"`{command}`. Received: {error}"
        ) from error


def _read_row(row):
    def number(text):
        return float(text) if text else None

    def names(text):
        return tuple(text.split("; ")) if text else ()

    kinds = {"low": number, "high": number, "safe": names, "unsafe": names}
    kinds |= {"worst": float, "worst_high": float, "count": int}
    return SafeRange(**{k: kinds.get(k, str)(text) for k, text in row.items()})


def warnings_of(
    ranges: Iterable[SafeRange], **values: float | str
) -> list[str]:
    """Returns a sentence for each axis on which a portrait is off.

    Args:
        ranges: What `read_safe_ranges` returns.
        **values: Axis -> value of the portrait, such as `rotation=25` or
            `resolution=31`: those that are known.

    Example:
        >>> warnings_of(read_safe_ranges("runs/mine"), rotation=40)
        ['Rotation to the right is 40 degrees, outside of what is safe for ...']
    """
    found = {}
    for one in ranges:
        value = values.get(one.axis)
        if value is not None and not one.holds(value):
            found.setdefault((one.title, one.unit, value), []).append(one)
    said = []
    for (title, unit, value), hurt in found.items():
        shown = value if isinstance(value, str) else f"{value:.3g} {unit}"
        tasks = ", ".join(f"{one.task} ({one.text()})" for one in hurt)
        said.append(f"{title} is {shown}, outside of what is safe for {tasks}.")
    return said
