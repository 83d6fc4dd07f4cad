"""What a bundle says of one file."""

import csv
import dataclasses
import json
import pathlib

from tp_keras.errors import UserError

# By the suffix of a file of predictions.
OUTPUT_SUFFIXES = (".csv", ".json", ".jsonl")
_DECIMALS = 6


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The answer for one image file.

    Attributes:
        path: The file, as it was given.
        labels: The most probable class name of each task; empty on an error.
        probabilities: For each task, the probability of each class name; empty
            on an error.
        error: Why there is no answer, or None.
    """

    path: str
    labels: dict[str, str] = dataclasses.field(default_factory=dict)
    probabilities: dict[str, dict[str, float]] = dataclasses.field(
        default_factory=dict
    )
    error: str | None = None


def format_table(predictions) -> str:
    """Returns a table: a line per file, a column per task.

    Args:
        predictions: Iterable of `Prediction`; those with an error are left out.

    Returns:
        Lines of text; empty if there is nothing to show.

    Example:
        >>> print(format_table(predictor.predict_files(["portrait.png"])))
        file          gender       hair_color  hair_type
        portrait.png  female 0.98  brown 0.71  wavy 0.66
    """
    predictions = [p for p in predictions if p.error is None]
    if not predictions:
        return ""
    tasks = list(predictions[0].labels)
    rows = [["file", *tasks]]
    for prediction in predictions:
        row = [prediction.path]
        for task in tasks:
            label = prediction.labels[task]
            share = prediction.probabilities[task][label]
            row.append(f"{label} {share:.2f}")
        rows.append(row)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def check_output(path) -> None:
    """Checks the name of a file for `write_predictions`.

    Raises:
        UserError: If its suffix is of no known format.
    """
    if pathlib.Path(path).suffix.lower() not in OUTPUT_SUFFIXES:
        raise UserError(
            "Expected the name of a file for the predictions that ends in "
            f"{', '.join(OUTPUT_SUFFIXES)}. Received: output={str(path)!r}"
        )


def write_predictions(path, predictions, classes, suffix: str) -> None:
    """Writes predictions to a file.

    A CSV table has the columns `file`, `<task>`, `<task>_<class>` for each
    class (its probability), and `error`. JSON is a list of objects, JSONL one
    object a line, with `file`, `labels`, `probabilities` and `error`.

    Args:
        path: File to write.
        predictions: Iterable of `Prediction`.
        classes: Dict of task name to the class names in order.
        suffix: One of `OUTPUT_SUFFIXES`.
    """
    # Names of files may be any bytes, and one shall not spoil the table; JSON
    # escapes them by itself.
    with open(
        path, "w", newline="", encoding="utf-8", errors="backslashreplace"
    ) as file:
        if suffix == ".csv":
            _write_csv(file, predictions, classes)
        elif suffix == ".json":
            json.dump([_as_dict(p) for p in predictions], file, indent=1)
            file.write("\n")
        else:
            file.writelines(json.dumps(_as_dict(p)) + "\n" for p in predictions)


def _write_csv(file, predictions, classes):
    columns = ["file"]
    for task, names in classes.items():
        columns += [task, *(f"{task}_{name}" for name in names)]
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*columns, "error"])
    for prediction in predictions:
        row = [prediction.path]
        for task, names in classes.items():
            shares = prediction.probabilities.get(task, {})
            row.append(prediction.labels.get(task, ""))
            row += [
                f"{shares[name]:.{_DECIMALS}f}" if shares else ""
                for name in names
            ]
        writer.writerow([*row, prediction.error or ""])


def _as_dict(prediction):
    return {
        "file": prediction.path,
        "labels": prediction.labels,
        "probabilities": {
            task: {name: round(p, _DECIMALS) for name, p in shares.items()}
            for task, shares in prediction.probabilities.items()
        },
        "error": prediction.error,
    }
