"""Measures how fast synthetic portraits are drawn.

python -m benchmarks.drawing

Prints portraits per second of the clock and per second of processor time (the
second is what counts on a machine that others use as well), counterfactual
portraits included, with the start of the workers and the writing of the
archives; the size of the pack; and the peak memory of the drawing process and
of its largest worker.
"""

import dataclasses
import pathlib
import resource
import tempfile
import time
import zipfile

from benchmarks.processor_time import processor_seconds
from datasets.tiny_portraits import Builder
from training.command import run


@dataclasses.dataclass(frozen=True)
class Drawing:
    """Draws a pack into a temporary folder and prints the speed."""

    count: int = 12_000
    """The number of portraits."""
    workers: int = 2
    """The number of processes."""

    def execute(self) -> None:
        """Measures and prints."""
        with tempfile.TemporaryDirectory() as folder:
            start, before = time.perf_counter(), processor_seconds()
            pack = Builder.draw_pack(
                pathlib.Path(folder) / "pack", self.count, workers=self.workers
            )
            wall = time.perf_counter() - start
            busy = processor_seconds() - before
            files = [path for path in pack.rglob("*") if path.is_file()]
            size = sum(path.stat().st_size for path in files)
            drawn = sum(
                len(zipfile.ZipFile(path).namelist())
                for path in files
                if path.suffix == ".zip"
            )
        print(f"{'portraits':>24} {self.count:>10,}")
        print(f"{'processes':>24} {self.workers:>10}")
        print(f"{'with counterfactuals':>24} {drawn:>10,}")
        print(f"{'drawn in a second':>24} {drawn / wall:>10,.0f}")
        print(f"{'per processor second':>24} {drawn / busy:>10,.0f}")
        print(f"{'MB on disk':>24} {size / 1e6:>10,.0f}")
        for name, who in (
            ("peak MB", resource.RUSAGE_SELF),
            ("peak MB of a worker", resource.RUSAGE_CHILDREN),
        ):
            peak = resource.getrusage(who).ru_maxrss / 1024
            print(f"{name:>24} {peak:>10,.0f}")


if __name__ == "__main__":
    run(Drawing)
