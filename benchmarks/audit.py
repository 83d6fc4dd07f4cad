"""Near duplicates and outliers: found against planted, time and memory.

    python -m benchmarks.audit

Draws synthetic portraits, which hold second shots, grey, empty and ruined
ones, plants altered copies and outliers of ten kinds among them, and lets the
audit and CleanVision, which reads them from uncompressed files, find them in
turns. `--count 134734 --rounds 1` is the full size; `--peer False` leaves
CleanVision out. (What is planted into labels: `benchmarks.planted_labels`.)
"""

import contextlib
import dataclasses
import os
import pathlib
import statistics
import tempfile

import numpy as np

from benchmarks.audit_stages import TRUTH
from benchmarks.audit_stages import draw
from benchmarks.audit_stages import run_stage
from benchmarks.tables import median_ratio
from benchmarks.tables import print_markdown
from training.command import run

_DRAWN = "drawn "


@dataclasses.dataclass(frozen=True)
class Audit:
    """Prints what was found, how fast, and in how much memory."""

    count: int = 12_000
    """The number of portraits."""
    rounds: int = 3
    """How often both look at them, in turns."""
    peer: bool = True
    """Whether CleanVision looks as well."""
    work_dir: pathlib.Path | None = None
    """Keeps the portraits; by default a temporary folder."""

    def execute(self) -> None:
        """Measures and prints."""
        names = {"ours": "audit"}
        if self.peer:
            names["peer"] = "CleanVision"
        with contextlib.ExitStack() as stack:
            folder = self.work_dir or pathlib.Path(
                stack.enter_context(
                    tempfile.TemporaryDirectory(prefix="tp_keras_")
                )
            )
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / TRUTH).exists():
                draw(folder, self.count)
            found = {name: [] for name in names}
            for _ in range(self.rounds):
                for name in names:
                    found[name].append(run_stage(name, folder, self.count))
            with np.load(folder / TRUTH) as file:
                truth = dict(file)
        last = {names[name]: runs[-1] for name, runs in found.items()}
        print(f"\n{self.count:,} portraits, {os.cpu_count()} cores.\n")
        print_markdown(["planted", "number", *last], found_rows(truth, last))
        print()
        print_markdown(["found", *last], precision_rows(truth, last))
        print()
        header = ["", "portraits/s", "seconds", "processor s", "own peak MB"]
        rows = [
            time_row(names[name], runs, self.count)
            for name, runs in found.items()
        ]
        print_markdown(header, rows)
        steps = found["ours"][-1]["steps"].items()
        print("\nSteps: " + ", ".join(f"{n} {s:.1f} s" for n, s in steps))
        if self.peer:
            for key, what in (
                ("seconds", "a second"),
                ("cpu_seconds", "a processor second"),
            ):
                theirs, ours = (
                    [one[key] for one in found[name]]
                    for name in ("peer", "ours")
                )
                ratio = median_ratio(theirs, ours)
                print(f"\nThe audit looks at {ratio:.1f} times as many {what}.")


def found_rows(truth: dict, found: dict) -> list[list[str]]:
    """Returns a row of each kind that was planted: how many were found.

    Args:
        truth: `copy:<kind>` -> pairs, `outlier:<kind>` -> rows.
        found: Name -> dict of `pairs` and `odd`, in lists.
    """
    rows = []
    for key, planted in truth.items():
        is_copy = key.startswith("copy:")
        wanted = _pairs(planted) if is_copy else set(planted.tolist())
        cells = [
            f"{len(wanted & _told(one, is_copy)):,}" for one in found.values()
        ]
        rows.append([key.replace(":", ", "), f"{len(wanted):,}", *cells])
    return rows


def precision_rows(truth: dict, found: dict) -> list[list[str]]:
    """Returns precision and recall of near duplicates and of outliers.

    What the pack itself holds of both is right where it is found, and the
    recall is told without it and with it.
    """
    rows = []
    for key, title in (("copy:", "near duplicates"), ("outlier:", "outliers")):
        is_copy = key == "copy:"
        both = [set(), set()]
        for name, planted in truth.items():
            if name.startswith(key):
                wanted = _pairs(planted) if is_copy else set(planted.tolist())
                both[_DRAWN in name] |= wanted
        planted, drawn = both
        cells = {"precision": [], "recall": [], "recall with drawn ones": []}
        for one in found.values():
            told, all_of = _told(one, is_copy), planted | drawn
            for name, hits, total in (
                ("precision", told & all_of, told),
                ("recall", told & planted, planted),
                ("recall with drawn ones", told & all_of, all_of),
            ):
                share = len(hits) / max(len(total), 1)
                cells[name].append(f"{share:.3f} (n = {len(total):,})")
        rows += [[f"{title}: {name}", *texts] for name, texts in cells.items()]
    return rows


def _told(one, is_copy):
    return _pairs(one["pairs"]) if is_copy else set(one["odd"])


def _pairs(pairs):
    return {tuple(sorted(map(int, pair))) for pair in pairs}


def time_row(name: str, runs: list[dict], count: int) -> list[str]:
    """Returns the medians of some runs, and their largest peak."""
    seconds, busy = (
        statistics.median(one[key] for one in runs)
        for key in ("seconds", "cpu_seconds")
    )
    peak = max(one["peak"] for one in runs)
    cells = count / seconds, seconds, busy, peak / 1e6
    return [name, *(f"{cell:,.0f}" for cell in cells)]


if __name__ == "__main__":
    run(Audit)
