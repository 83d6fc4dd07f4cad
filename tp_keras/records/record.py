"""Figures as records: one JSON line each."""

import dataclasses
import json
import math
import os
import pathlib
from collections.abc import Iterable
from collections.abc import Sequence

from tp_keras import files
from tp_keras.command_line import command_line
from tp_keras.errors import UserError
from tp_keras.errors import check_types

# The group of all rows.
ALL = "all"

_EVALUATE_COMMAND = command_line("training.evaluate", run_dir="RUN_DIR")


@dataclasses.dataclass(frozen=True)
class Record:
    """One figure.

    Attributes:
        metric: What was measured, such as `"balanced_accuracy"`.
        task: Name of the task.
        group: `"all"` or the group whose rows were looked at.
        value: The figure, or None where no row counts for it, or too few.
        count: How many rows the figure rests on: the denominator of a share,
            the labelled rows otherwise.
        low: Lower end of the 95 % interval, or None; `high` the upper one.
        seed: Seed of the run; the resampling starts from it as well.
        split: Split of the data set that was evaluated.
        dataset: Name of the data set, or None if the caller gave none.
        class_name: The class, range or flag of a figure of one; in a confusion
            matrix that of the label.
        predicted_class: In a confusion matrix the class of the prediction.
        bin: Index of the confidence bin of a reliability figure.
        variant: How it was measured where there are several ways, such as
            the kind of a probe and the layer it reads.
        null: The 95 % quantile of the figure under its null hypothesis, by
            permutation, or None.

    Raises:
        UserError: If a number is not finite, or if there is a value though
            no row counts.
    """

    metric: str
    task: str
    group: str
    value: float | None
    count: int
    low: float | None = None
    high: float | None = None
    seed: int | None = None
    split: str | None = None
    dataset: str | None = None
    class_name: str | None = None
    predicted_class: str | None = None
    bin: int | None = None
    variant: str | None = None
    null: float | None = None

    def __post_init__(self):
        for name in ("value", "low", "high", "null"):
            number = getattr(self, name)
            flag = isinstance(number, bool)
            real = isinstance(number, int | float) and not flag
            if number is not None and not (real and math.isfinite(number)):
                raise UserError(
                    f"`{name}` of a record must be a finite number or null. "
                    f"Received: {name}={number!r}"
                )
        whole = isinstance(self.count, int) and self.count >= 0
        if not whole or (self.value is not None and not self.count):
            raise UserError(
                "Expected as `count` of a record a whole number of rows, and a "
                "value of null where no row counts. "
                f"Received: value={self.value}, count={self.count!r}"
            )


def write_records(path: str | os.PathLike, records: Iterable[Record]) -> None:
    """Writes one JSON object a line; the file appears whole or not at all."""
    lines = [json.dumps(vars(record), allow_nan=False) for record in records]
    files.write_text(path, "".join(f"{line}\n" for line in lines))


def read_records(
    path: str | os.PathLike, command: str = _EVALUATE_COMMAND
) -> list[Record]:
    """Reads what `write_records` wrote; other lines are a `UserError`.

    Args:
        path: The file.
        command: What writes it anew, for that error.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise UserError(
            f"There are no records at {path}. Expected a file that "
            f"`{command}` writes. Received: path={str(path)!r}"
        )
    records = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            fields = json.loads(line.decode())
            check_types(Record, fields)
            records.append(Record(**fields))
        except (ValueError, TypeError, UserError) as error:
            raise UserError(
                f"Expected a record in {path}, line {number}; write the "
                f"file anew with `{command}`. {error} "
                f"Received: {line.strip()[:80].decode(errors='replace')!r}"
            ) from None
    if not records:
        raise UserError(
            f"Expected records in {path}; write the file anew with "
            f"`{command}`. Received: an empty file"
        )
    return records


def find(records: Iterable[Record], **criteria) -> list[Record]:
    """Returns the records whose fields equal `criteria`, in their order."""
    wanted = criteria.items()
    return [
        record
        for record in records
        if all(getattr(record, name) == value for name, value in wanted)
    ]


def find_one(records: Sequence[Record], **criteria) -> Record:
    """Returns the one record that equals `criteria`, or raises `UserError`."""
    found = find(records, **criteria)
    if len(found) != 1:
        raise UserError(
            f"Expected one record with {criteria}. Received: {len(found)} "
            f"such records among {len(records)}."
        )
    return found[0]
