"""What a bundle says of one file."""

import csv
import dataclasses
import json
import pathlib

from tp_keras.errors import UserError
from tp_keras.serving.contract import FLAG_SEPARATOR
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task

# By the suffix of a file of predictions.
OUTPUT_SUFFIXES = (".csv", ".json", ".jsonl")
_DECIMALS = 6


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The answer for one image file, or for one face of it.

    On an error everything but the path is empty.

    Attributes:
        path: The file, as it was given.
        labels: Dict of a task with classes to the name of the predicted one,
            of one with flags to their names with `|` between.
        probabilities: Dict of the same tasks to the probability of each class
            or flag by its name.
        numbers: Dict of the other tasks to their numbers.
        error: Why there is no answer, or None.
        unsure: Dict of a task whose answer is not sure to the reason.
        face: Number of the face in reading order, from 1 on, or None.
        box: Left, top, width and height of its square in the file's picture.
    """

    path: str
    labels: dict[str, str] = dataclasses.field(default_factory=dict)
    probabilities: dict[str, dict[str, float]] = dataclasses.field(
        default_factory=dict
    )
    numbers: dict[str, float] = dataclasses.field(default_factory=dict)
    error: str | None = None
    unsure: dict[str, str] = dataclasses.field(default_factory=dict)
    face: int | None = None
    box: tuple[int, int, int, int] | None = None


def fill_prediction(prediction, tasks, outputs: dict, row: int) -> None:
    """Writes the answers of one row of what a bundle answered into it."""
    for task in tasks:
        name, values = task.name, outputs[task.name][row].tolist()
        if task.kind == REGRESSION:
            prediction.numbers[name] = values
            continue
        prediction.labels[name] = str(outputs[f"{name}_label"][row])
        shares = dict(zip(task.classes, values, strict=True))
        prediction.probabilities[name] = shares


def format_table(predictions, tasks: tuple[Task, ...]) -> str:
    """Returns a table: a line for each without an error, a column per task.

    Faces of photographs have their number; what is not sure is told so.

    Example:
        >>> print(format_table(predictor.predict_files(["a.png"]), tasks))
        file   weather    clothes               temperature
        a.png  snow 0.98  hat 0.81, scarf 0.70  -3.2 degrees
    """
    shown = [p for p in predictions if p.error is None]
    if not shown:
        return ""
    columns = {"file": [p.path for p in shown]}
    if any(p.face for p in shown):
        columns["face"] = [str(p.face or "-") for p in shown]
    for task in tasks:
        columns[task.name] = [_cell(p, task) for p in shown]
    columns = [[name, *cells] for name, cells in columns.items()]
    widths = [max(map(len, column)) for column in columns]
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in zip(*columns, strict=True)
    )


def _cell(prediction, task):
    if task.kind == REGRESSION:
        told = f"{prediction.numbers[task.name]:.1f} {task.unit}".rstrip()
    else:
        shares = prediction.probabilities[task.name]
        label = prediction.labels[task.name]
        several = task.kind == MULTI_LABEL
        names = label.split(FLAG_SEPARATOR) if several else [label]
        told = [f"{name} {shares[name]:.2f}" for name in names if name]
        told = ", ".join(told) or "-"
    unsure = task.name in prediction.unsure
    return f"not sure ({told})" if unsure else told


def check_output(path) -> None:
    """Raises unless the name of a file tells a format of predictions."""
    if pathlib.Path(path).suffix.lower() not in OUTPUT_SUFFIXES:
        raise UserError(
            "Expected the name of a file for the predictions that ends in "
            f"{', '.join(OUTPUT_SUFFIXES)}. Received: output={str(path)!r}"
        )


def write_predictions(path, predictions, tasks, suffix: str) -> None:
    """Writes predictions to a file.

    A CSV table has the columns `file`, `<task>` (label or number),
    `<task>_<class>` for each class or flag (its probability), `unsure` (the
    tasks, with `|` between), `face` and `box` (left, top, width, height) of a
    photograph's faces, and `error`. JSON is a list of objects, JSONL one object
    a line, with `file`, `labels`, `probabilities`, `numbers` (each a `value`
    and its `unit`), `unsure` (task to reason), `face`, `box` and `error`.
    Which it is tells the suffix, one of `OUTPUT_SUFFIXES`.
    """
    # Names of files may be any bytes, and one shall not spoil the table; JSON
    # escapes them by itself.
    with open(
        path, "w", newline="", encoding="utf-8", errors="backslashreplace"
    ) as file:
        if suffix == ".csv":
            _write_csv(file, predictions, tasks)
            return
        rows = [_as_dict(prediction, tasks) for prediction in predictions]
        if suffix == ".json":
            file.write(json.dumps(rows, indent=1) + "\n")
        else:
            file.writelines(json.dumps(row) + "\n" for row in rows)


def _write_csv(file, predictions, tasks):
    columns = ["file"]
    for task in tasks:
        columns += [task.name, *(f"{task.name}_{c}" for c in task.classes)]
    columns += ["unsure", "face", "box", "error"]
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writeheader()
    for prediction in predictions:
        row = {"file": prediction.path, "error": prediction.error}
        row["unsure"] = FLAG_SEPARATOR.join(prediction.unsure)
        row["face"] = prediction.face
        row["box"] = " ".join(map(str, prediction.box or ()))
        row |= prediction.labels
        for name, shares in prediction.probabilities.items():
            row |= {f"{name}_{c}": _rounded(p) for c, p in shares.items()}
        row |= {k: _rounded(v) for k, v in prediction.numbers.items()}
        writer.writerow(row)


def _as_dict(prediction, tasks):
    units = {task.name: task.unit for task in tasks}
    return {
        "file": prediction.path,
        "labels": prediction.labels,
        "probabilities": {
            task: {name: _rounded(p) for name, p in shares.items()}
            for task, shares in prediction.probabilities.items()
        },
        "numbers": {
            task: {"value": _rounded(value), "unit": units[task]}
            for task, value in prediction.numbers.items()
        },
        "unsure": prediction.unsure,
        "face": prediction.face,
        "box": prediction.box,
        "error": prediction.error,
    }


def _rounded(number):
    return round(number, _DECIMALS)
