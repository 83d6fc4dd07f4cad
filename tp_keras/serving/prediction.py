"""What a bundle says of one file."""

import dataclasses


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
