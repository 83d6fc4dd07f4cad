"""Backgrounds: two colours and one of a stock of structures."""

import dataclasses
import functools

import numpy as np

from .canvas import shade
from .dice import Dice

_STOCK_SIZE = 256
_KINDS = ("plain", "clouds", "bokeh", "panels", "leaves", "stripes")


@dataclasses.dataclass(frozen=True)
class Scene:
    """A background.

    Attributes:
        kind: One of the structures, such as clouds or panels.
        first: The colour where the structure is 0.
        second: The colour where it is 1.
        x: The column of the structure at the left edge.
        y: The row of the structure at the upper edge.
        slope: How much brighter (or darker) the right edge is.
    """

    kind: str
    first: tuple[float, ...]
    second: tuple[float, ...]
    x: int
    y: int
    slope: float

    @classmethod
    def draw(cls, dice: Dice, size: tuple[int, int]) -> "Scene":
        """Draws a background for pictures of a height and a width."""

        def color():
            gray = dice.uniform(25, 225)
            strength = dice.uniform(0.0, 0.5) ** 1.3
            return tuple(
                gray * (1 + strength * dice.uniform(-1, 1)) for _ in range(3)
            )

        first = color()
        second = (
            color()
            if dice.chance(0.6)
            else shade(first, dice.uniform(0.5, 1.5))
        )
        return cls(
            kind=dice.choice(_KINDS),
            first=first,
            second=second,
            x=dice.integer(_STOCK_SIZE - size[1]),
            y=dice.integer(_STOCK_SIZE - size[0]),
            slope=dice.normal(0, 0.15),
        )


def paint_scene(scene: Scene, size: tuple[int, int]) -> np.ndarray:
    """Paints a background of a height and a width.

    Returns:
        float32 [3, height, width] from 0 to about 255.
    """
    height, width = size
    structure = _structures()[scene.kind][
        scene.y : scene.y + height, scene.x : scene.x + width
    ]
    first = np.array(scene.first, np.float32)[:, None, None]
    step = np.array(scene.second, np.float32)[:, None, None] - first
    slope = (1 + scene.slope * np.linspace(-1, 1, width)).astype(np.float32)
    picture = structure * step
    picture += first
    picture *= slope
    return picture


@functools.cache
def _structures() -> dict[str, np.ndarray]:
    """Every structure, float32 [256, 256] from 0 to 1."""
    generator = np.random.default_rng(30)
    rows, columns = np.mgrid[:_STOCK_SIZE, :_STOCK_SIZE] / _STOCK_SIZE

    def noise(reach):
        spectrum = np.fft.rfft2(generator.standard_normal(rows.shape))
        frequency = np.hypot(
            np.fft.fftfreq(_STOCK_SIZE)[:, None] * _STOCK_SIZE,
            np.fft.rfftfreq(_STOCK_SIZE)[None] * _STOCK_SIZE,
        )
        field = np.fft.irfft2(
            spectrum * np.exp(-((frequency / reach) ** 2)), s=rows.shape
        )
        return np.clip(0.5 + field / (4 * field.std()), 0, 1)

    bokeh = np.zeros(rows.shape)
    for _ in range(90):
        x, y = generator.random(2)
        radius = generator.uniform(0.015, 0.06)
        # Only the square around the disk: every worker waits for the stock.
        square = tuple(
            slice(
                max(0, int((center - 1.1 * radius) * _STOCK_SIZE)),
                int((center + 1.1 * radius) * _STOCK_SIZE) + 1,
            )
            for center in (y, x)
        )
        distance = np.hypot(columns[square] - x, rows[square] - y) / radius
        disk = np.clip((1.1 - distance) * 6, 0, 1) * generator.uniform(0.2, 0.8)
        np.maximum(bokeh[square], disk, out=bokeh[square])
    edges = np.cumsum(generator.uniform(0.03, 0.16, 24))
    levels = generator.random(25)
    panels = levels[np.searchsorted(edges, columns + 0 * rows)]
    leaves = np.clip((noise(22) - 0.5) * 2.5 + 0.5, 0, 1)
    stripes = 0.5 + 0.5 * np.sin(rows * 75 + noise(3) * 2)
    stock = {
        "plain": rows * 0.8 + 0.1 * noise(4),
        "clouds": noise(5),
        "bokeh": bokeh + 0.15 * noise(4),
        "panels": 0.8 * panels + 0.2 * rows,
        "leaves": leaves,
        "stripes": np.clip((stripes - 0.5) * 3 + 0.5, 0, 1),
    }
    return {name: field.astype(np.float32) for name, field in stock.items()}
