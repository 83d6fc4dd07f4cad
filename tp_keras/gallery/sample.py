"""Draws examples with their labels, and lists them in a table beside it."""

import os
import pathlib

import pandas as pd
from PIL import Image

from tp_keras import files
from tp_keras.data.portraits import Portraits
from tp_keras.evaluation.label_table import label_table
from tp_keras.gallery.picture import write_picture
from tp_keras.records.sheet import draw_sheet


def write_sample(
    path: str | os.PathLike, portraits: Portraits, **facts
) -> tuple[pathlib.Path, pd.DataFrame]:
    """Writes the figure of a few portraits, and a CSV file beside it.

    Args:
        path: PNG or JPEG file to write.
        portraits: What to show.
        facts: What the file shall say; see `write_picture`.

    Returns:
        The CSV file; its table, as `label_table` makes it.
    """
    table = label_table(portraits)
    listed = pathlib.Path(path).with_suffix(".csv")
    write_picture(path, draw_sample(portraits, table), portraits, **facts)
    files.write_text(
        listed, table.assign(split=portraits.split).to_csv(index=False)
    )
    return listed, table


def draw_sample(portraits: Portraits, table: pd.DataFrame) -> Image.Image:
    """Draws portraits with their image indices and labels below them."""
    names = portraits.schema.task_names
    title = f"{portraits.dataset}, {portraits.split}: image index, "
    captions = ["\n".join(map(str, row)) for row in table.values.tolist()]
    return draw_sheet(portraits.images, title + ", ".join(names), captions)
