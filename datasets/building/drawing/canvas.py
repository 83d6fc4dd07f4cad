"""The drawing board: polygons in face units, drawn large and reduced.

A face unit is half the width of the face, its origin lies between the eyes and
the nose; x points right, y points down.
"""

import cmath
import dataclasses
import functools
import itertools
import math

import numpy as np
from PIL import Image
from PIL import ImageDraw

from .dice import Dice

# Drawn this many times larger than the portrait, for smooth edges.
SUPERSAMPLING = 2
_NO_POINTS = np.empty((0, 2))

# What a polygon is made of; it decides how light falls on it. The sum of the
# numbers over a block of samples tells how many of them are of each material.
_SAMPLES = SUPERSAMPLING**2
SKIN = 1
HAIR = _SAMPLES + 1
CLOTH = (_SAMPLES + 1) ** 2


@dataclasses.dataclass(frozen=True)
class Pose:
    """Where the head is and how it is turned.

    Attributes:
        x: The column of the origin of the face units, in pixels.
        y: The row of that origin, in pixels.
        unit: The length of a face unit in pixels.
        roll: The tilt of the head in radians.
        yaw: How far the head turns to the right of the picture, -1 to 1.
        size: Height and width of the picture in pixels.
    """

    x: float
    y: float
    unit: float
    roll: float
    yaw: float
    size: tuple[int, int]

    def nudge(self, dice: Dice) -> "Pose":
        """Returns the pose of a second shot a moment later."""
        return Pose(
            self.x + dice.normal(0, 1),
            self.y + dice.normal(0, 1),
            self.unit * math.exp(dice.normal(0, 0.02)),
            self.roll + dice.normal(0, 0.02),
            self.yaw + dice.normal(0, 0.08),
            self.size,
        )

    @property
    def matrix(self) -> np.ndarray:
        """The float64 [2, 2] matrix from face units to pixels."""
        cosine = math.cos(self.roll) * self.unit
        sine = math.sin(self.roll) * self.unit
        return np.array([[cosine, -sine], [sine, cosine]])

    def face_points(self, pixels) -> tuple[np.ndarray, np.ndarray]:
        """Returns x and y in face units of some pixels.

        Args:
            pixels: int array [n], counted row after row.

        Returns:
            Two float32 arrays [n].
        """
        cosine = np.float32(math.cos(self.roll) / self.unit)
        sine = np.float32(math.sin(self.roll) / self.unit)
        columns, rows = _pixel_centers(self.size)
        dx = columns.take(pixels) - np.float32(self.x)
        dy = rows.take(pixels) - np.float32(self.y)
        return dx * cosine + dy * sine, dy * cosine - dx * sine


@functools.cache
def _pixel_centers(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The column and the row of every pixel's centre, float32 [n] each."""
    rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float32)
    return columns.ravel() + 0.5, rows.ravel() + 0.5


class Canvas:
    """Collects polygons from back to front, as colours and as materials.

    Args:
        pose: The place of the face units in the picture.
    """

    def __init__(self, pose: Pose):
        self.pose = pose
        # All are placed together at the end: points in face units, colour,
        # material or None, and the box of a disk, which has no points.
        self._shapes = []

    def polygon(self, points, color, material=None) -> None:
        """Fills a polygon.

        Args:
            points: Array [n, 2] in face units.
            color: Three numbers from 0 to 255.
            material: `SKIN`, `HAIR` or `CLOTH`; None keeps what is there, for
                details on top of it.
        """
        self._shapes.append((points, color, material, None))

    def ellipse(self, x, y, width, height, color, material=None) -> None:
        """Fills an ellipse of the given half axes around (x, y)."""
        points = _circle().copy()
        points[:, 0] = points[:, 0] * width + x
        points[:, 1] = points[:, 1] * height + y
        self.polygon(points, color, material)

    def disk(self, x, y, radius, color) -> None:
        """Fills a small disk, a detail on top of what is there."""
        pose = self.pose
        center = complex(x, y) * cmath.rect(pose.unit, pose.roll)
        center += complex(pose.x, pose.y)
        reach = radius * pose.unit * complex(1, 1)
        low = (center - reach) * SUPERSAMPLING
        high = (center + reach) * SUPERSAMPLING
        box = (low.real, low.imag, high.real, high.imag)
        self._shapes.append((_NO_POINTS, color, None, box))

    def line(self, points, width, color) -> None:
        """Draws a line of `width` face units through `points`."""
        places = as_complex(points)
        ahead = np.empty_like(places)
        np.subtract(places[2:], places[:-2], out=ahead[1:-1])
        ahead[0] = places[1] - places[0]
        ahead[-1] = places[-1] - places[-2]
        aside = ahead * (0.5j * width) / (np.abs(ahead) + 1e-9)
        edges = np.concatenate([places + aside, (places - aside)[::-1]])
        self.polygon(as_points(edges), color)

    def reduce(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the picture at its final size.

        Returns:
            The colours, float32 [3, height, width] from 0 to 255, already
            multiplied by how much of the pixel is covered; and the share of
            skin, hair and cloth, float32 [3, height, width] from 0 to 1.
        """
        height, width = self.pose.size
        size = (width * SUPERSAMPLING, height * SUPERSAMPLING)
        colors, materials = Image.new("RGB", size), Image.new("L", size)
        fill_color = ImageDraw.Draw(colors).polygon
        fill_disk = ImageDraw.Draw(colors).ellipse
        fill_material = ImageDraw.Draw(materials).polygon
        drawn = zip(self._shapes, self._places(), self._inks(), strict=True)
        for (_, _, material, box), place, color in drawn:
            if box:
                fill_disk(box, color)
                continue
            fill_color(place, color)
            if material:
                fill_material(place, material)
        # Whole planes: NumPy is many times slower where the innermost axis
        # has three elements.
        planes = np.asarray(colors.reduce(SUPERSAMPLING)).transpose(2, 0, 1)
        return planes.astype(np.float32, order="C"), _count(materials)

    def _inks(self) -> list[int]:
        """Returns the colour of every shape as Pillow's 0xBBGGRR."""
        colors = np.array([shape[1] for shape in self._shapes])
        # Nothing that is drawn has a negative colour.
        channels = np.minimum(colors, 255).astype(np.int32)
        return (channels @ (1, 1 << 8, 1 << 16)).tolist()

    def _places(self) -> list[list[int]]:
        """Returns the points of every shape in samples: x, y, x, y, ..."""
        points = np.concatenate([shape[0] for shape in self._shapes])
        scale = SUPERSAMPLING
        points = points @ (self.pose.matrix.T * scale)
        points += (self.pose.x * scale, self.pose.y * scale)
        # Pillow drops the fractions as well, only more slowly.
        flat = points.astype(np.int32).ravel().tolist()
        ends = itertools.accumulate(2 * len(shape[0]) for shape in self._shapes)
        begin, places = 0, []
        for end in ends:
            places.append(flat[begin:end])
            begin = end
        return places


def _count(materials: Image.Image) -> np.ndarray:
    """Returns the shares of the materials, float32 [3, height, width]."""
    samples = np.asarray(materials)
    sums = samples[::2] + samples[1::2]
    # Two neighbours as one number of 16 bits, whose halves are then added.
    pairs = sums.view(np.uint16)
    sums = (pairs + (pairs >> 8)) & 255
    return _shares().take(sums, axis=1)


@functools.cache
def _shares() -> np.ndarray:
    """The shares of the three materials for every sum, float32 [3, 125]."""
    sums = np.arange((_SAMPLES + 1) ** 3)
    counts = np.stack([sums // kind for kind in (SKIN, HAIR, CLOTH)])
    # As rounded to bytes, like the colours.
    covered = np.array([0, 64, 128, 191, 255], np.float32)
    return covered[counts % (_SAMPLES + 1)] * np.float32(1 / 255)


@functools.cache
def _circle() -> np.ndarray:
    angles = np.linspace(0, 2 * math.pi, 24, endpoint=False)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


@functools.cache
def _spline(count: int, steps: int, closed: bool) -> np.ndarray:
    """The matrix from control points to points on a Catmull-Rom spline."""
    segments = count if closed else count - 1
    rows = []
    for segment in range(segments):
        for step in range(steps):
            t = step / steps
            weights = (
                -0.5 * t + t**2 - 0.5 * t**3,
                1 - 2.5 * t**2 + 1.5 * t**3,
                0.5 * t + 2 * t**2 - 1.5 * t**3,
                -0.5 * t**2 + 0.5 * t**3,
            )
            row = np.zeros(count)
            for offset, weight in zip(range(-1, 3), weights, strict=True):
                place = segment + offset
                place = (
                    place % count if closed else min(max(place, 0), count - 1)
                )
                row[place] += weight
            rows.append(row)
    if not closed:
        rows.append(np.eye(count)[-1])
    return np.array(rows)


def smooth(points, steps: int = 4, closed: bool = True) -> np.ndarray:
    """Returns a smooth curve through `points`, array [n, 2]."""
    return _spline(len(points), steps, closed) @ np.asarray(points)


def as_complex(points) -> np.ndarray:
    """Returns points [n, 2] as complex numbers [n], which turn in one step."""
    points = np.ascontiguousarray(points, dtype=np.float64)
    return points.view(np.complex128)[:, 0]


def as_points(places: np.ndarray) -> np.ndarray:
    """Returns complex numbers [n] as points [n, 2]."""
    return places.view(np.float64).reshape(-1, 2)


def mirror(points) -> np.ndarray:
    """Closes a right half, listed from top to bottom, with its mirror image."""
    right = np.asarray(points)
    left = right[::-1].copy()
    left[:, 0] *= -1
    return np.concatenate([right, left])


def mix(first, second, share: float) -> tuple[float, ...]:
    """Returns the colour `share` of the way from `first` to `second`."""
    return tuple(
        a + (b - a) * share for a, b in zip(first, second, strict=True)
    )


def shade(color, factor: float) -> tuple[float, ...]:
    """Returns the colour made darker (below 1) or brighter (above 1)."""
    return tuple(channel * factor for channel in color)
