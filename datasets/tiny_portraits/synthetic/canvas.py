"""The drawing board: polygons in face units, drawn large and reduced.

A face unit is half the width of the face, its origin lies between the eyes and
the nose; x points right, y points down.
"""

import dataclasses
import functools
import math

import numpy as np
from PIL import Image
from PIL import ImageDraw

from .. import facts
from .dice import Dice

# Drawn this many times larger than the portrait, for smooth edges.
SUPERSAMPLING = 2

# What a polygon is made of; it decides how light falls on it. The three
# materials are the three channels of the region image.
SKIN = (255, 0, 0)
HAIR = (0, 255, 0)
CLOTH = (0, 0, 255)


@dataclasses.dataclass(frozen=True)
class Pose:
    """Where the head is and how it is turned.

    Attributes:
        x: The column of the origin of the face units, in pixels.
        y: The row of that origin, in pixels.
        unit: The length of a face unit in pixels.
        roll: The tilt of the head in radians.
        yaw: How far the head turns to the right of the picture, -1 to 1.
    """

    x: float
    y: float
    unit: float
    roll: float
    yaw: float

    @classmethod
    def draw(cls, dice: Dice) -> "Pose":
        """Draws the framing of a thumbnail: centred, with some jitter."""
        return cls(
            x=facts.WIDTH / 2 + dice.normal(0, 2.4),
            y=facts.HEIGHT * 0.56 + dice.normal(0, 2.6),
            unit=20.2 * math.exp(dice.normal(0, 0.085)),
            roll=dice.normal(0, 0.13),
            yaw=dice.normal(0, 0.5, limit=2.0),
        )

    def nudge(self, dice: Dice) -> "Pose":
        """Returns the pose of a second shot a moment later."""
        return Pose(
            self.x + dice.normal(0, 1),
            self.y + dice.normal(0, 1),
            self.unit * math.exp(dice.normal(0, 0.02)),
            self.roll + dice.normal(0, 0.02),
            self.yaw + dice.normal(0, 0.08),
        )

    @property
    def matrix(self) -> np.ndarray:
        """The float64 [2, 2] matrix from face units to pixels."""
        cosine = math.cos(self.roll) * self.unit
        sine = math.sin(self.roll) * self.unit
        return np.array([[cosine, -sine], [sine, cosine]])

    def face_grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns x and y in face units of every pixel, float32 [108, 84]."""
        columns, rows = _pixel_grid()
        cosine = math.cos(self.roll) / self.unit
        sine = math.sin(self.roll) / self.unit
        dx = columns - np.float32(self.x)
        dy = rows - np.float32(self.y)
        return (
            dx * np.float32(cosine) + dy * np.float32(sine),
            dy * np.float32(cosine) - dx * np.float32(sine),
        )


@functools.cache
def _pixel_grid() -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.mgrid[: facts.HEIGHT, : facts.WIDTH].astype(np.float32)
    return columns[:1] + 0.5, rows[:, :1] + 0.5


class Canvas:
    """Collects polygons from back to front, as colours and as materials.

    Args:
        pose: The place of the face units in the picture.
    """

    def __init__(self, pose: Pose):
        size = (facts.WIDTH * SUPERSAMPLING, facts.HEIGHT * SUPERSAMPLING)
        self.pose = pose
        self._colors = Image.new("RGB", size)
        self._regions = Image.new("RGB", size)
        self._draw_color = ImageDraw.Draw(self._colors)
        self._draw_region = ImageDraw.Draw(self._regions)
        self._matrix = pose.matrix.T * SUPERSAMPLING
        self._rows = self._matrix.tolist()
        self._offset = (pose.x * SUPERSAMPLING, pose.y * SUPERSAMPLING)

    def polygon(self, points, color, material=None) -> None:
        """Fills a polygon.

        Args:
            points: Array [n, 2] in face units.
            color: Three numbers from 0 to 255.
            material: `SKIN`, `HAIR` or `CLOTH`; None keeps what is there, for
                details on top of it.
        """
        flat = self._place(points)
        self._draw_color.polygon(flat, fill=_to_bytes(color))
        if material is not None:
            self._draw_region.polygon(flat, fill=material)

    def ellipse(self, x, y, width, height, color, material=None) -> None:
        """Fills an ellipse of the given half axes around (x, y)."""
        points = _circle().copy()
        points[:, 0] = points[:, 0] * width + x
        points[:, 1] = points[:, 1] * height + y
        self.polygon(points, color, material)

    def disk(self, x, y, radius, color) -> None:
        """Fills a small disk, a detail on top of what is there."""
        (across, down), (tilt, rise) = self._rows
        column = x * across + y * tilt + self._offset[0]
        row = x * down + y * rise + self._offset[1]
        radius *= self.pose.unit * SUPERSAMPLING
        box = (column - radius, row - radius, column + radius, row + radius)
        self._draw_color.ellipse(box, fill=_to_bytes(color))

    def line(self, points, width, color) -> None:
        """Draws a line of `width` face units through `points`."""
        points = np.asarray(points)
        ahead = np.empty_like(points)
        ahead[1:-1] = points[2:] - points[:-2]
        ahead[0] = points[1] - points[0]
        ahead[-1] = points[-1] - points[-2]
        length = np.sqrt((ahead * ahead).sum(1, keepdims=True)) + 1e-9
        aside = ahead[:, ::-1] / length * (-0.5 * width, 0.5 * width)
        self.polygon(
            np.concatenate([points + aside, (points - aside)[::-1]]), color
        )

    def reduce(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the picture at its final size.

        Returns:
            The colours, float32 [3, 108, 84] from 0 to 255, already multiplied
            by how much of the pixel is covered; and the share of skin, hair
            and cloth, float32 [3, 108, 84] from 0 to 1.
        """
        # Whole planes: NumPy is many times slower where the innermost axis
        # has three elements.
        colors, regions = (
            np.asarray(image.reduce(SUPERSAMPLING))
            .transpose(2, 0, 1)
            .astype(np.float32, order="C")
            for image in (self._colors, self._regions)
        )
        return colors, regions * np.float32(1 / 255)

    def _place(self, points) -> list[float]:
        return (
            (np.asarray(points) @ self._matrix + self._offset).ravel().tolist()
        )


def _to_bytes(color) -> tuple[int, int, int]:
    red, green, blue = color
    # Nothing that is drawn has a negative colour.
    return min(255, int(red)), min(255, int(green)), min(255, int(blue))


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
