"""How fast the data set is built, and with how much memory.

    python -m benchmarks.dataset_build

Builds packs of one, two and four times as many portraits, each in a process of
its own. Memory must not grow with their number: the smallest pack already
holds more than what TFDS keeps in memory to shuffle a split.
"""

import dataclasses
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import tqdm

from datasets.building.bad_items import BadItems
from datasets.tiny_portraits import Builder
from datasets.tiny_portraits import facts
from datasets.tiny_portraits.portrait_pack import PortraitPack
from datasets.tiny_portraits.testing import format_csv
from datasets.tiny_portraits.testing import write_archive
from training.command import run

BUILD = """
import sys
import tensorflow
from datasets.building.prepare import prepare
if len(sys.argv) > 1:
    prepare("tiny_portraits", sys.argv[2], sys.argv[1])
"""

LABELS = ("female", "brown", facts.MISSING_LABEL)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DatasetBuild:
    """Measures portraits per second and peak memory of building."""

    count: int = 12_000
    """Portraits of the smallest pack."""

    drawn: int = 300
    """How many of them are drawn; their pictures repeat."""

    def execute(self) -> None:
        """Prints the table."""
        rows = []
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            pictures = draw_pictures(folder / "drawn", self.drawn)
            for count in (0, self.count, 2 * self.count, 4 * self.count):
                pack = folder / f"pack_{count}"
                if count:
                    write_pack(pack, count, pictures)
                rows.append(_measure(pack, folder / f"tfds_{count}", count))
        header = ["portraits", "PNG files", "seconds", "portraits/s", "cores"]
        print("\n| " + " | ".join([*header, "memory"]) + " |")
        print("|" + " ---: |" * 6)
        for row in rows:
            print("| " + " | ".join(_format(row, rows[0])) + " |")
        print(
            "\nThe first row only imports TensorFlow. Memory is the peak of "
            "the largest process; seconds and cores (processor seconds by "
            "seconds, of all processes) are those beyond the first row."
        )


def draw_pictures(folder: pathlib.Path, count: int) -> list[bytes]:
    """Returns the PNG files of some synthetic portraits."""
    pack = PortraitPack(Builder.draw_pack(folder, count), BadItems())
    return [content for _, content in pack.portraits(list(pack.attributes))]


def write_pack(pack: pathlib.Path, count: int, pictures: list[bytes]) -> None:
    """Writes a pack whose pictures repeat under other indices."""
    folder = pack / facts.ARCHIVE_FOLDERS[0]
    folder.mkdir(parents=True)
    indices = np.linspace(0, facts.INDEX_END - 1, count).astype(int).tolist()
    rows = dict.fromkeys(indices, LABELS)
    (pack / facts.CSV_NAME).write_text(format_csv(rows))
    starts = range(0, count, facts.IMAGES_PER_ARCHIVE)
    for number, start in enumerate(tqdm.tqdm(starts, "Writing archives")):
        chunk = indices[start : start + facts.IMAGES_PER_ARCHIVE]
        images = {
            facts.IMAGE_NAME.format(index=index): pictures[
                index % len(pictures)
            ]
            for index in chunk
        }
        path = folder / facts.ARCHIVE_NAME.format(number=number)
        write_archive(path, images)


@dataclasses.dataclass(frozen=True)
class _Build:
    """What was measured of a build; seconds of clock and processors."""

    count: int
    size: int
    seconds: float
    processor_seconds: float
    peak: int


def _measure(pack: pathlib.Path, data_dir: pathlib.Path, count: int) -> _Build:
    """Builds a pack in a process of its own."""
    command = [sys.executable, "-c", BUILD]
    size = 0
    if count:
        command += [str(pack), str(data_dir)]
        size = sum(path.stat().st_size for path in pack.rglob("*.zip"))
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    # What Popen would find out, had it waited itself.
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - start
    if process.returncode:
        raise RuntimeError(f"Building {pack} failed.")
    # Linux counts in KiB.
    peak = usage.ru_maxrss * 1024
    processor_seconds = usage.ru_utime + usage.ru_stime
    return _Build(count, size, seconds, processor_seconds, peak)


def _format(build: _Build, nothing: _Build) -> tuple[str, ...]:
    """Returns the cells of a row; `nothing` built no portrait."""
    seconds, cores, rate = nothing.seconds, "", ""
    if build.count:
        seconds = build.seconds - nothing.seconds
        processors = build.processor_seconds - nothing.processor_seconds
        rate = f"{build.count / seconds:,.0f}"
        cores = f"{processors / seconds:.2f}"
    return (
        f"{build.count:,}",
        f"{build.size / 1e6:,.0f} MB",
        f"{seconds:,.1f}",
        rate,
        cores,
        f"{build.peak / 1e6:,.0f} MB",
    )


if __name__ == "__main__":
    run(DatasetBuild)
