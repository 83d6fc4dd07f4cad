"""What `benchmarks.audit` runs, each part in a process of its own.

A stage prints JSON in its last line: seconds of the clock and of the
processors, the peak of the memory that is its own (not that of the mapped
file), and what it found.
"""

import contextlib
import dataclasses
import functools
import json
import pathlib
import subprocess
import sys
import threading
import time

import cv2
import numpy as np

from benchmarks.processor_time import processor_seconds
from tp_keras.errors import UserError
from training.command import run

PIXELS, TRUTH = "pixels.npy", "truth.npz"
PICTURES = "pictures"

# Of each kind of copy and of outlier, one of so many portraits.
_ONE_OF = 3000


@dataclasses.dataclass(frozen=True)
class AuditStage:
    """Runs one part of the benchmark."""

    stage: str
    """ours or peer."""
    folder: pathlib.Path
    """Where the portraits lie."""
    count: int
    """The number of portraits."""

    def execute(self) -> None:
        """Does it, and prints what it took."""
        work = _STAGES[self.stage](self)
        with _own_memory() as peak:
            start, before = time.perf_counter(), processor_seconds()
            found = work()
            seconds = time.perf_counter() - start
            busy = processor_seconds() - before
        taken = {"seconds": seconds, "cpu_seconds": busy, "peak": max(peak)}
        print("\n" + json.dumps({**taken, **found}))


def run_stage(stage: str, folder: pathlib.Path, count: int) -> dict:
    """Runs a stage in a process, and returns what it printed."""
    command = [sys.executable, "-m", __name__, "--stage", stage]
    command += ["--folder", str(folder), "--count", str(count)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"The stage `{stage}` failed: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


@contextlib.contextmanager
def _own_memory():
    """Yields a list that fills with the bytes that the process has."""
    sizes, stop = [0], threading.Event()

    def watch():
        status = pathlib.Path("/proc/self/status")
        while not stop.wait(0.02):
            line = status.read_text().split("RssAnon:")[1]
            sizes.append(int(line.split()[0]) * 1024)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield sizes
    finally:
        stop.set()
        thread.join()


def draw(folder: pathlib.Path, count: int) -> None:
    """Draws portraits into a mapped file, plants, and writes pictures."""
    from benchmarks.planted_portraits import plant
    from datasets.building.drawing.folder import draw_in_order
    from datasets.tiny_portraits import facts
    from datasets.tiny_portraits.synthetic import labels

    table = labels.LabelTable.draw(0)
    indices = labels.choose_indices(count, 0, table.source)
    images = np.lib.format.open_memmap(
        folder / PIXELS,
        mode="w+",
        dtype=np.uint8,
        shape=(count, facts.HEIGHT, facts.WIDTH, 3),
    )
    draw = functools.partial(_draw_portraits, table)
    drawn = draw_in_order(draw, indices.tolist(), None, True)
    for row, image in enumerate(drawn):
        images[row] = image
    # What the pack itself has of both stays as it is.
    place = {int(index): row for row, index in enumerate(indices)}
    seconds = np.flatnonzero(table.source[indices] != indices)
    pairs = [(place[int(indices[row]) - 1], row) for row in seconds]
    own = {
        f"drawn {name}": np.flatnonzero(table.outlier[indices] == number)
        for number, name in enumerate(labels.OUTLIER_RATES)
    }
    spared = np.concatenate([np.ravel(pairs).astype(int), *own.values()])
    each = max(count // _ONE_OF, 1)
    planted = plant(images, 0, each, each, spared)
    copies = planted.copies | {"drawn second shots": np.array(pairs)}
    outliers = planted.outliers | own
    np.savez(
        folder / TRUTH,
        **{f"copy:{kind}": rows for kind, rows in copies.items()},
        **{f"outlier:{kind}": rows for kind, rows in outliers.items()},
    )
    # Without compression, so that the peer needn't decode.
    (folder / PICTURES).mkdir(exist_ok=True)
    for row, image in enumerate(images):
        path = folder / PICTURES / f"{row:06}.bmp"
        cv2.imwrite(str(path), image[..., ::-1])


def _draw_portraits(table, rows):
    """Returns the portraits of some indices."""
    from datasets.building.drawing.portrait import draw_portrait
    from datasets.tiny_portraits.synthetic.portrait import Appearance

    return [draw_portrait(Appearance.of(table, 0, index)) for index in rows]


def _ours(command: AuditStage):
    from benchmarks.portraits_schema import PORTRAITS
    from tp_keras.audit.looks import measure_looks
    from tp_keras.audit.outliers import measure_outliers
    from tp_keras.audit.pairs import find_pairs
    from tp_keras.audit.portrait_set import PortraitSet
    from tp_keras.data.portraits import Portraits

    images = np.load(command.folder / PIXELS, mmap_mode="r")[: command.count]
    indices = np.arange(len(images))
    missing = np.full(len(images), -1, np.int32)
    labels = dict.fromkeys(PORTRAITS.task_names, missing)
    about = "planted", "all", "disk", "", PORTRAITS
    portraits = PortraitSet((Portraits(images, labels, indices, *about),))

    def stage():
        steps, start = {}, time.perf_counter()

        def step(name, value):
            nonlocal start
            steps[name] = time.perf_counter() - start
            start = time.perf_counter()
            return value

        looks = step("looks", measure_looks(portraits))
        points = step("embedding", looks.components.points)
        pairs, _ = step("near duplicates", find_pairs(portraits, looks))
        found = step("outliers", measure_outliers(portraits, looks, points))
        listed = found.lists["outliers"]["index"].tolist()
        return {"pairs": pairs.tolist(), "odd": listed, "steps": steps}

    return stage


def _peer(command: AuditStage):
    try:
        from cleanvision import Imagelab
    except ImportError as error:
        raise UserError(
            "CleanVision is not installed: pip install -r "
            "requirements-benchmarks.txt"
        ) from error

    folder = command.folder / PICTURES
    paths = sorted(map(str, folder.iterdir()))[: command.count]

    def stage():
        lab = Imagelab(filepaths=paths)
        lab.find_issues(verbose=False)
        rows = {path: row for row, path in enumerate(paths)}
        pairs = []
        for kind in ("exact_duplicates", "near_duplicates"):
            for group in lab.info[kind]["sets"]:
                members = sorted(rows[path] for path in group)
                pairs += [(a, b) for a in members for b in members if a < b]
        flags = lab.issues.filter(regex="is_(?!.*duplicates).*_issue")
        odd = flags.index[flags.any(axis=1)]
        return {"pairs": pairs, "odd": [rows[path] for path in odd]}

    return stage


_STAGES = {"ours": _ours, "peer": _peer}


if __name__ == "__main__":
    run(AuditStage)
