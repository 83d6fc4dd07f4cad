"""Measures where the answers of a run stop to hold.

python -m training.limits --run_dir runs/demo
"""

import dataclasses

from .command import run
from .command import start_tensorflow


@dataclasses.dataclass(frozen=True)
class Limits:
    """Makes test portraits worse step by step, and measures what is lost.

    Resolution, size and place of the face, rotation, blur, noise, JPEG,
    brightness, saturation, colour filters, hidden places; for every task and
    for the finder of faces. Writes records, tables and plots into
    RUN_DIR/limits, the ranges that are safe among them (safe_ranges.csv), and
    a page of it all, RUN_DIR/limits.html.
    """

    run_dir: str
    """Folder of the run, as training wrote it."""

    data_dir: str | None = None
    """Folder of the prepared data sets. Default: that of the run."""

    split: str = "test"
    """Split to take portraits of, or a slice of one such as 'test[:100]'; of
    several data sets that of the first."""

    count: int = 1000
    """How many portraits to take at most, drawn at random."""

    axes: tuple[str, ...] = ()
    """What to change, of resolution, face_size, shift_right, shift_down,
    rotation, blur, noise, jpeg_quality, brightness, saturation, filter and
    hidden_place. Default: all."""

    finder: bool = True
    """Whether the finder of faces is measured as well."""

    finder_count: int = 200
    """How many of the portraits it is asked for."""

    output_dir: str | None = None
    """Folder to write 'limits' into. Default: that of the run."""

    def execute(self) -> None:
        """Measures, and prints the safe ranges and where all lies."""
        start_tensorflow()
        from tp_keras.limits.page import range_table
        from tp_keras.limits.run_limits import run_limits
        from tp_keras.records.report import page_of
        from tp_keras.records.table import markdown_table
        from tp_keras.serving import FaceFinder

        _, ranges, folder = run_limits(
            self.run_dir,
            self.data_dir,
            self.split,
            self.count,
            self.axes,
            FaceFinder().find if self.finder else None,
            self.finder_count,
            self.output_dir,
        )
        print("\nSafe ranges, in which less than 2 points are lost:\n")
        print(markdown_table(range_table(ranges)))
        print(f"Tables, plots and records: {folder}")
        print(f"Page: {page_of(folder)}")


if __name__ == "__main__":
    run(Limits)
