"""How building and embedding by Apache Beam grow with processes and pictures.

    .venv-beam/bin/python -m benchmarks.beam

One process on one core against two on two, in turn, then more and more
pictures by two. Whole commands are timed; beyond what they take for the fewest
pictures is what the pictures cost. A process that has more than the limit of
memory is ended, and the benchmark with it.
"""

import dataclasses
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import psutil

from benchmarks.dataset_build import draw_pictures
from benchmarks.dataset_build import write_pack
from training.beam_options import read_beam_options
from training.command import run

DATASET = "tiny_portraits/archives"

_ONE_THREAD = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
_LOOK_SECONDS = 0.2


@dataclasses.dataclass(frozen=True)
class Measured:
    """What a command took.

    Attributes:
        seconds: From its start to its end.
        processor_seconds: Of all its processes.
        memory: Bytes of the largest of its processes.
    """

    seconds: float
    processor_seconds: float
    memory: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class BeamGrowth:
    """Measures building and embedding on one core and two, and by number."""

    pair_count: int = 60_000
    """Portraits of the rounds on one core and two; 0 for no rounds."""

    rounds: int = 3
    """How often; medians are told."""

    counts: tuple[int, ...] = (10_000, 40_000, 134_734)
    """Portraits, ascending, of the table by number."""

    least: int = 1_000
    """The fewest portraits, whose time is mostly that of starting."""

    drawn: int = 300
    """How many are drawn; their pictures repeat."""

    memory_limit: int = 2_000_000_000
    """Bytes that no process may exceed while it embeds."""

    work_dir: str | None = None
    """Folder for packs and data sets, some 25 kB a portrait twice. Default: a
    temporary one."""

    def execute(self) -> None:
        """Prints two tables."""
        read_beam_options(options(1))  # Tells if Beam isn't there.
        with tempfile.TemporaryDirectory(dir=self.work_dir) as folder:
            folder = pathlib.Path(folder)
            pictures = draw_pictures(folder / "drawn", self.drawn)
            run_dir = train_run(folder)
            packs = {}
            pair = (self.pair_count,) if self.rounds and self.pair_count else ()
            for count in sorted({self.least, *pair, *self.counts}):
                packs[count] = folder / f"pack_{count}"
                write_pack(packs[count], count, pictures)
            if pair:
                self._compare(folder, packs, run_dir)
            self._grow(folder, packs, run_dir)

    def _compare(self, folder, packs, run_dir) -> None:
        seconds = {}
        for number in range(self.rounds):
            # In turn, as the machine may change meanwhile.
            for processes in (1, 2) if number % 2 else (2, 1):
                for count in (self.least, self.pair_count):
                    for what, measured in measure(
                        folder, packs[count], run_dir, processes, None
                    ).items():
                        key = what, count, processes
                        seconds.setdefault(key, []).append(measured.seconds)
        print("\n| | portraits | 1 process | 2 processes | times as fast |")
        print("|---|---|---|---|---|")
        for what in ("build", "embed"):
            medians = {
                (count, processes): statistics.median(
                    seconds[what, count, processes]
                )
                for count in (self.least, self.pair_count)
                for processes in (1, 2)
            }
            rows = {
                f"{self.pair_count:,}": [
                    medians[self.pair_count, n] for n in (1, 2)
                ],
                f"{self.pair_count:,} less {self.least:,}": [
                    medians[self.pair_count, n] - medians[self.least, n]
                    for n in (1, 2)
                ],
            }
            for name, (one, two) in rows.items():
                print(
                    f"| {what} | {name} | {one:.1f} s | {two:.1f} s "
                    f"| {one / two:.2f} |"
                )

    def _grow(self, folder, packs, run_dir) -> None:
        print(
            "\n| | portraits | seconds | ms a portrait | processor ms a "
            "portrait | largest process |"
        )
        print("|---|---|---|---|---|---|", flush=True)
        start = {}
        for count in (self.least, *self.counts):
            found = measure(folder, packs[count], run_dir, 2, self.memory_limit)
            for what, measured in found.items():
                first, cost = start.setdefault(what, measured), " | "
                if count > self.least:
                    cost = " | ".join(
                        f"{beyond / (count - self.least) * 1e3:.2f}"
                        for beyond in (
                            measured.seconds - first.seconds,
                            measured.processor_seconds
                            - first.processor_seconds,
                        )
                    )
                print(
                    f"| {what} | {count:,} | {measured.seconds:.1f} | {cost} "
                    f"| {measured.memory / 1e6:,.0f} MB |",
                    flush=True,
                )


def options(processes: int) -> tuple[str, ...]:
    """Returns the options of so many processes of the local runner."""
    return (
        "runner=FnApiRunner",
        "direct_running_mode=multi_processing",
        f"direct_num_workers={processes}",
    )


def measure(
    folder: pathlib.Path,
    pack: pathlib.Path,
    run_dir: pathlib.Path,
    processes: int,
    memory_limit: int | None,
) -> dict[str, Measured]:
    """Builds a pack and embeds it; what is written is gone afterwards.

    Args:
        folder: Where to write.
        pack: The `manual_dir`.
        run_dir: Folder of a run.
        processes: How many, on as many cores.
        memory_limit: Bytes, for embedding; None for none.
    """
    data_dir, output = folder / "tfds", folder / "embedding"
    try:
        return {
            "build": time_build(pack, data_dir, processes),
            "embed": time_embedding(
                data_dir, run_dir, output, processes, memory_limit
            ),
        }
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)
        shutil.rmtree(output, ignore_errors=True)


def time_build(
    pack: pathlib.Path, data_dir: pathlib.Path, processes: int
) -> Measured:
    """Measures a build by so many processes on as many cores."""
    words = ["training.build_dataset", "--manual_dir", pack]
    words += ["--data_dir", data_dir, "--beam_options", *options(processes)]
    return _time(words, processes, None)


def time_embedding(
    data_dir: pathlib.Path,
    run_dir: pathlib.Path,
    output_dir: pathlib.Path,
    processes: int,
    memory_limit: int | None = None,
) -> Measured:
    """Measures an embedding by so many processes on as many cores."""
    words = ["training.embed", "--run_dir", run_dir, "--data_dir", data_dir]
    words += ["--dataset", DATASET, "--output_dir", output_dir]
    words += ["--beam_options", *options(processes)]
    return _time(words, processes, memory_limit)


def train_run(folder: pathlib.Path) -> pathlib.Path:
    """Trains the network of the demo for a moment; its figures don't matter."""
    data_dir, run_dir = folder / "tfds", folder / "run"
    name = "tiny_portraits/synthetic_tiny"
    for words in (
        ["training.build_dataset", "--dataset", name, "--data_dir", data_dir],
        ["training.train", "demo", "--epochs", 1, "--dataset", name]
        + ["--data_dir", data_dir, "--run_dir", run_dir],
    ):
        _time(words, 2, None)
    return run_dir


def _time(words, processes, memory_limit) -> Measured:
    """Runs a command on some of the cores, and looks at its memory."""
    cores = sorted(os.sched_getaffinity(0))[:processes]
    start, largest = time.monotonic(), 0
    with tempfile.TemporaryFile() as said:
        process = psutil.Popen(
            [sys.executable, "-m", *map(str, words)],
            env=os.environ | _ONE_THREAD,
            stdout=said,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        # It tells of the processes below, too, which it has waited for.
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            for one in _family(process):
                try:
                    size = one.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
                largest = max(largest, size)
                if memory_limit and size > memory_limit:
                    for each in _family(process):
                        each.kill()
                    raise RuntimeError(f"A process had {size:,} bytes.")
            time.sleep(_LOOK_SECONDS)
        _, status, usage = ended
        # What Popen would find out, had it waited itself.
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise RuntimeError(said.read().decode()[-2000:])
    processor_seconds = usage.ru_utime + usage.ru_stime
    return Measured(time.monotonic() - start, processor_seconds, largest)


def _family(process):
    """Returns a process and those below it."""
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


if __name__ == "__main__":
    run(BeamGrowth)
