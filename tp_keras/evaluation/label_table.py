"""What portraits are labelled with, as texts in a table."""

import numpy as np
import pandas as pd

from tp_keras import tasks
from tp_keras.data.portraits import Portraits
from tp_keras.records.table import markdown_table
from tp_keras.tasks import Schema
from tp_keras.tasks import Task


def label_text(task: Task, label) -> str:
    """Returns what one label says, or `"missing"`."""
    if task.kind == tasks.REGRESSION:
        return f"{label:g}" if np.isfinite(label) else tasks.MISSING_NAME
    if task.kind != tasks.MULTI_LABEL:
        return task.label_name(label)
    if (label < 0).all():
        return tasks.MISSING_NAME
    flags = zip(task.classes, label, strict=True)
    return ", ".join(name for name, flag in flags if flag == 1) or "none"


def label_table(portraits: Portraits) -> pd.DataFrame:
    """Returns a row for each portrait: image index, and what labels say."""
    columns = {
        task.name: [
            label_text(task, label) for label in portraits.labels[task.name]
        ]
        for task in portraits.schema.tasks
    }
    return pd.DataFrame({"image_index": portraits.indices, **columns})


def format_labels(
    frame: pd.DataFrame, schema: Schema, most: int | None = None
) -> str:
    """Returns a `label_table` as Markdown, and a line that counts classes.

    With `most` it shows only so many rows; all are counted.
    """
    lines = []
    for task in schema.tasks:
        if task.has_classes:
            counts = frame[task.name].value_counts().items()
            texts = ", ".join(f"{text} {count}" for text, count in counts)
            lines.append(f"{task.name}: {texts}")
    return f"{markdown_table(frame[:most])}\n{'; '.join(lines)}"
