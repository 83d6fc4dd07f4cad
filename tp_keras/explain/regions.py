"""How much of the evidence lies in which region of a portrait.

What regions there are, and where, whoever calls must know.
"""

import dataclasses
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping

import numpy as np

from tp_keras.evaluation.figures import resampled
from tp_keras.evaluation.figures import share
from tp_keras.evaluation.generalisation.framing import find_framing
from tp_keras.evaluation.generalisation.framing import frame
from tp_keras.records import intervals
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task

# Metrics; `class_name` is the region.
EVIDENCE, AREA, CHANGED = "evidence_share", "area_share", "changed_answers"

_ROWS = ("top", "middle", "bottom")
_COLUMNS = ("left", "centre", "right")


@dataclasses.dataclass(frozen=True)
class Regions:
    """Where the regions of some portraits are.

    Attributes:
        shares: Name -> float32 `[count, height, width]`, how much of a pixel
            belongs to it; `count` may be 1, for all. They add up to 1.
        about: Where they come from, in a sentence.
    """

    shares: Mapping[str, np.ndarray]
    about: str

    def take(self, rows) -> "Regions":
        """Returns the regions of some portraits."""
        shares = {
            name: x if len(x) == 1 else x[rows]
            for name, x in self.shares.items()
        }
        return dataclasses.replace(self, shares=shares)


def places(size) -> Regions:
    """Returns nine places, for portraits of which no regions are known."""
    rows, columns = np.indices(size)
    cell = 3 * (3 * rows // size[0]) + 3 * columns // size[1]
    shares = {
        f"{row} {column}": np.float32(cell == 3 * i + j)[None]
        for i, row in enumerate(_ROWS)
        for j, column in enumerate(_COLUMNS)
    }
    return Regions(
        shares, "No regions are known: these are ninths of the view."
    )


def fit(shares, drawn_face, face) -> tuple[dict[str, np.ndarray], float]:
    """Moves mean regions of other portraits to where they are in these.

    Args:
        shares: Name -> float32 `[1, height, width]`.
        drawn_face: Float array `[h, w, 3]`, the mean of the portraits that
            they are of, of any size: its middle shows the regions.
        face: Likewise of those that are looked at.

    Returns:
        The regions, and the correlation of the two mean faces in that view.
    """
    size = next(iter(shares.values())).shape[1:]
    drawn_face = np.rint(drawn_face[None]).astype(np.uint8)
    framing, _, correlation = find_framing(face, frame(drawn_face, size)[0])
    moved = {}
    for name, plane in shares.items():
        levels = np.rint(255 * plane[..., None]).astype(np.uint8)
        levels = frame(np.repeat(levels, 3, -1), face.shape[:2], framing)
        moved[name] = levels[..., 0].astype(np.float32) / 255
    total = sum(moved.values())
    return {name: plane / total for name, plane in moved.items()}, correlation


def evidence_shares(heats, plane) -> np.ndarray:
    """Returns the share of each map that lies in a region: float `[count]`.

    Evidence for and against counts alike; NaN of a map of zeros.
    """
    heats = np.abs(np.asarray(heats, np.float64))
    total = heats.sum((1, 2))
    inside = (heats * plane).sum((1, 2))
    with np.errstate(invalid="ignore"):
        return inside / np.where(total > 0, total, np.nan)


def region_figures(
    heats, regions: Regions, generator, num_bootstraps=1000, **fields
) -> Iterator[dict]:
    """Yields the fields of the records of maps by region.

    `EVIDENCE`, the mean share of a map in the region, and `AREA`, the share of
    the picture that the region has: what evidence of everywhere alike would
    have. Intervals: the bootstrap over portraits.

    Args:
        heats: Float array `[count, height, width]`.
        regions: `Regions` of these portraits.
        generator: The source of chance.
        num_bootstraps: How often to resample.
        **fields: Further fields.
    """
    areas = np.ones_like(heats)
    for name, plane in regions.shares.items():
        for metric, maps in ((EVIDENCE, heats), (AREA, areas)):
            found = evidence_shares(maps, plane)
            found = found[np.isfinite(found)]
            count = len(found)
            blocks = intervals.resample_rows(count, num_bootstraps, generator)
            draws = [weights @ found / max(count, 1) for weights in blocks]
            mean = found.mean() if count else np.nan
            yield resampled(
                metric,
                mean,
                count,
                np.concatenate(draws) if count else np.array([np.nan]),
                class_name=name,
                **fields,
            )


def changed_answers(
    predict: Callable, images, tasks, answers, columns, regions: Regions, fill
) -> Iterator[tuple[Task, dict]]:
    """Yields a task and the fields of a record: what hiding a region changes.

    `CHANGED`: the share of answers that change when a region, and nothing else,
    is replaced. A number changes if it moves by more than its tolerance.

    Args:
        predict: Function from uint8 images to answers by task.
        images: uint8 array `[count, height, width, 3]`.
        tasks: The tasks.
        answers: What it answers to the images.
        columns: Task -> the class or flag that is explained.
        regions: `Regions` of these portraits.
        fill: Float array that broadcasts to the images: what takes their place.
    """
    images = np.asarray(images, np.float32)
    for name, plane in regions.shares.items():
        hidden = images + (fill - images) * plane[..., None]
        found = predict(np.rint(hidden).astype(np.uint8))
        for task in tasks:
            before, after = answers[task.name], found[task.name]
            rows = np.arange(len(before))
            if task.kind == REGRESSION:
                changed = np.abs(after - before) > task.tolerance
            elif task.kind == MULTI_LABEL:
                flags = columns[task.name]
                changed = (after >= 0.5) != (before >= 0.5)
                changed = changed[rows, flags]
            else:
                changed = task.predicted(after) != task.predicted(before)
            fields = share(CHANGED, changed.sum(), len(rows), class_name=name)
            yield task, fields
