"""Writes portraits as single files, with a table that says what they are."""

import csv
import pathlib

from tp_keras.generator.drawing.png import encode_pngs
from tp_keras.tasks import TASK_NAMES

TABLE_NAME = "portraits.csv"


class FileWriter:
    """Writes `portrait_<number>.png` and `portraits.csv` into a folder.

    Args:
        folder: A folder that is there.
        temperature: Float. What the table says of all of them.

    Example:
        >>> with FileWriter(folder, temperature=0.8) as files:
        ...     files.add(images, labels, seeds)
    """

    def __init__(self, folder, temperature: float):
        self._folder = pathlib.Path(folder)
        self._temperature = temperature
        self._rows = []

    def __enter__(self):
        return self

    def __exit__(self, error_type, *_):
        if error_type is not None:
            return
        with (self._folder / TABLE_NAME).open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["file", *TASK_NAMES, "seed", "temperature"])
            writer.writerows(self._rows)

    def add(self, images, labels, seeds) -> None:
        """Adds portraits.

        Args:
            images: uint8 `[count, 108, 84, 3]`.
            labels: Dict of task name to class names, one a row.
            seeds: The seed of each row: with labels and temperature it makes
                the same portrait again.
        """
        for row, png in enumerate(encode_pngs(images)):
            name = f"portrait_{len(self._rows):06d}.png"
            (self._folder / name).write_bytes(png)
            names = [labels[task][row] for task in TASK_NAMES]
            self._rows.append(
                [name, *names, int(seeds[row]), self._temperature]
            )
