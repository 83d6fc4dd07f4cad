"""The whole way at full size: time, memory and disk against the number.

    python -m benchmarks.full_scale

Draws packs in the format of Tiny Portraits (the largest fills 66 archives),
builds the data set from each, decodes it, and goes over it once: the input
alone, then a training epoch of the default network. Every stage is a process
of its own. With --work_dir the same command resumes after an interruption.
"""

import contextlib
import dataclasses
import json
import pathlib
import shutil
import sys
import tempfile

import numpy as np
import tqdm

from benchmarks.full_scale_stages import run_stage
from datasets.tiny_portraits import facts
from tp_keras.errors import UserError
from training.command import run

# What the table calls each stage.
STAGES = {
    "draw": "draw the archives",
    "build": "build the data set",
    "decode": "first epoch: decode",
    "decode again": "second start: map",
    "cached": "input of an epoch",
    "augmented": "the same, augmented",
    "train": "training epoch",
}

# An archive, its records twice while they are shuffled (or once, and the
# decoded pixels), counterfactuals, and some room.
_BYTES_PER_PORTRAIT = 75_000

# Within these the time counts as proportional to the number.
_LINEAR = (0.9, 1.1)

# What a training at full size aims at.
_MOST_SECONDS = 90
_MOST_WAITING = 0.03


@dataclasses.dataclass(frozen=True)
class FullScale:
    """Prints the cost of every stage, and whether it is linear."""

    counts: tuple[int, ...] = (5_000, 20_000, 60_000, facts.FULL_COUNT)
    """Numbers of portraits, 1,000 or more."""
    work_dir: pathlib.Path | None = None
    """Keeps the figures and resumes; by default a temporary folder."""
    backbone: str = ""
    """The network to train; the default one if empty."""

    def execute(self) -> None:
        """Measures and prints."""
        for count in self.counts:
            if not 1_000 <= count <= facts.FULL_COUNT:
                raise UserError(
                    f"Expected counts between 1000 and {facts.FULL_COUNT}. "
                    f"Received: counts={self.counts}"
                )
        with contextlib.ExitStack() as stack:
            folder = self.work_dir or pathlib.Path(
                stack.enter_context(
                    tempfile.TemporaryDirectory(prefix="tp_keras_")
                )
            )
            folder.mkdir(parents=True, exist_ok=True)
            _check_disk(folder, max(self.counts))
            rows = self._measure(folder)
        print(f"\n{format_table(rows)}\n\n{_LEGEND}\n\n{format_splits(rows)}\n")
        for stage in STAGES:
            print(describe_growth(stage, rows))
        print(f"\n{describe_training(rows)}")

    def _measure(self, folder):
        """Returns a row for each number and stage, and keeps them in a file."""
        path = folder / "full_scale.jsonl"
        known = {}
        if path.exists():
            for line in path.read_text().splitlines():
                row = json.loads(line)
                known[row["count"], row["stage"], row["backbone"]] = row
        rows = []
        work = [(c, s) for c in sorted(set(self.counts)) for s in STAGES]
        for count, stage in tqdm.tqdm(work, desc="stages"):
            row = known.get((count, stage, self.backbone))
            if row is None:
                row = self._run(folder / str(count), count, stage, known)
                with path.open("a") as file:
                    file.write(json.dumps(row) + "\n")
            tqdm.tqdm.write(format_row(row), file=sys.stderr)
            rows.append(row)
            if stage == "train":
                shutil.rmtree(folder / str(count), ignore_errors=True)
        return rows

    def _run(self, folder, count, stage, known):
        if stage == "draw":
            # What an interrupted stage left would be taken for done.
            shutil.rmtree(folder, ignore_errors=True)
        elif not (folder / "pack").exists():
            raise UserError(
                f"{folder} has lost the portraits of the stages before. "
                "Delete the working folder and run the command again. "
                f"Received: work_dir={folder.parent}"
            )
        for name in _LEFTOVERS.get(stage, ()):
            for path in folder.glob(name):
                shutil.rmtree(path)
        folder.mkdir(parents=True, exist_ok=True)
        figures = run_stage(stage, folder, count, self.backbone)
        return {
            "count": count,
            "stage": stage,
            "backbone": self.backbone,
            **figures,
        }


# What a stage that was interrupted leaves behind.
_LEFTOVERS = {
    "build": ("tfds",),
    "decode": ("tfds/*/*/*/decoded",),
    "train": ("run",),
}


def _check_disk(folder, count):
    needed = count * _BYTES_PER_PORTRAIT
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UserError(
            f"The disk of {folder} has {free / 1e9:.1f} GB left, and "
            f"{count:,} portraits need {needed / 1e9:.1f} GB for a while. "
            "Name a folder on another disk by --work_dir, or smaller --counts."
        )


_HEADER = (
    "portraits", "stage", "seconds", "us a portrait", "cores", "peak MB",
    "disk MB",
)  # fmt: skip


_LEGEND = (
    "Cores are processor seconds by seconds. The peak is that of the largest "
    "process of a stage, with TensorFlow (0.8 GB) where it is needed, and with "
    "what it touched of mapped files."
)


def format_table(rows) -> str:
    """Returns the figures of all stages as a table."""
    lines = ["| " + " | ".join(_HEADER) + " |", "|" + " --- |" * len(_HEADER)]
    return "\n".join([*lines, *map(format_row, rows)])


def format_row(row) -> str:
    """Returns the line of a stage."""
    disk = row.get("disk")
    cells = (
        f"{row['count']:,}",
        STAGES[row["stage"]],
        f"{row['seconds']:,.2f}",
        f"{row['seconds'] / row['count'] * 1e6:,.0f}",
        f"{row['cpu_seconds'] / row['seconds']:.2f}",
        f"{row['peak'] / 1e6:,.0f}",
        f"{disk / 1e6:,.0f}" if disk else "",
    )
    return "| " + " | ".join(cells) + " |"


def format_splits(rows) -> str:
    """Returns how many portraits each split has, by number of portraits."""
    archives = {row["count"]: row.get("archives") for row in rows[::-1]}
    return "\n".join(
        f"{row['count']:,} portraits in {archives[row['count']]} archives: "
        + ", ".join(f"{n:,} {split}" for split, n in row["splits"].items())
        for row in rows
        if row["stage"] == "build"
    )


def describe_growth(stage, rows) -> str:
    """Says how the time of a stage grows with the number of portraits.

    The exponent is the slope of a line through the logarithms of time against
    those of the number: 1 is linear. A line through the times themselves tells
    what a stage takes before the first portrait.
    """
    rows = [row for row in rows if row["stage"] == stage]
    name = STAGES[stage]
    counts = np.array([row["count"] for row in rows], float)
    seconds = np.array([row["seconds"] for row in rows])
    if len(rows) < 2:
        return f"{name}: one number of portraits tells nothing of growth."
    exponent = np.polyfit(np.log(counts), np.log(seconds), 1)[0]
    ratio = (seconds[-1] / counts[-1]) / (seconds[0] / counts[0])
    text = (
        f"{name}: time grows with N^{exponent:.2f}; a portrait costs "
        f"{ratio:.2f} times as much at {counts[-1]:,.0f} as at {counts[0]:,.0f}"
    )
    low, high = _LINEAR
    if exponent < low:
        # The largest numbers would drown what is there without any.
        start = np.polyfit(counts, seconds, 1, w=1 / counts)[1]
        return f"{text}. Less than linear: {start:.2f} s are there for any N."
    if exponent <= high:
        return f"{text}. Linear."
    cpu = [row["cpu_seconds"] / row["count"] for row in (rows[0], rows[-1])]
    growth = cpu[1] / cpu[0]
    reason = (
        f"the work of a portrait grows, {growth:.2f} times the processor time"
        if growth > ratio**0.5
        else f"waiting, for the processor time of a portrait is {growth:.2f} "
        "times that"
    )
    return f"{text}. More than linear: {reason}."


def describe_training(rows) -> str:
    """Says what an epoch takes, and how long it waits for its input."""
    row = max(
        (row for row in rows if row["stage"] == "train"),
        key=lambda row: row["count"],
    )
    seconds, share = row["seconds"], row["share"]
    text = (
        f"A training epoch of {row['backbone'] or 'the default network'} over "
        f"{row['portraits']:,} portraits takes {seconds:.0f} s"
    )
    if row["count"] < facts.FULL_COUNT:
        # CelebA's ranges give every number the same shares.
        full = seconds * facts.FULL_COUNT / row["count"]
        text += f", and at full size, at this pace, {full:.0f} s"
    else:
        verdict = "reached" if seconds <= _MOST_SECONDS else "missed"
        text += f" (aim: {_MOST_SECONDS} s, {verdict})"
    verdict = "reached" if share <= _MOST_WAITING else "missed"
    return (
        f"{text}. It waits for its input {share:.1%} of the time of its steps "
        f"(aim: {_MOST_WAITING:.0%}, {verdict}); a step takes "
        f"{row['slowdown']:.2f} times what it takes with a batch at hand."
    )


if __name__ == "__main__":
    run(FullScale)
