"""What may be wrong with a portrait, as axes along which it gets worse."""

import dataclasses
import functools
import io
import math
from collections.abc import Callable
from collections.abc import Iterator

import cv2
import numpy as np
from PIL import Image

from tp_keras.data.augment import warp
from tp_keras.evaluation.generalisation.framing import Framing
from tp_keras.evaluation.generalisation.framing import frame
from tp_keras.evaluation.generalisation.likeness import recolour
from tp_keras.limits.filters import FILTERS
from tp_keras.limits.filters import apply_filter

# Rows and columns of the places that are hidden one by one.
GRID = 5, 4

# Names of axes that a photograph is compared with, see `safe_ranges`.
RESOLUTION, FACE_SIZE, ROTATION = "resolution", "face_size", "rotation"
BRIGHTNESS, SATURATION = "brightness", "saturation"
PLACE = "hidden_place"

_NOISE_SEED = 40

# How a face of the training gets to another place, in pixels.
Mover = Callable[[float], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Axis:
    """One thing that may be wrong.

    Attributes:
        name: Its name in records.
        title: What plots and tables call it.
        unit: What its values count; empty where they are names.
        values: Numbers in ascending order, or names.
        unchanged: The value at which a portrait stays as it is; None where
            values are names.
        change: Function of uint8 images `[count, height, width, 3]` and a value
            to changed ones of the same shape.
        move: Function of a value to the affine map float `[2, 3]` by which a
            point of the portrait, in pixels, is moved; None where none is.
        is_log: Whether a plot shows the values by their ratios.
    """

    name: str
    title: str
    unit: str
    values: tuple
    unchanged: float | None
    change: Callable
    move: Mover | None = None
    is_log: bool = False

    @property
    def has_order(self) -> bool:
        """Whether its values are numbers."""
        return self.unchanged is not None


def make_axes(image_shape) -> Iterator[Axis]:
    """Yields the axes for portraits of a height, a width and channels."""
    height, width, _ = image_shape
    shares = (1, 3 / 4, 1 / 2, 1 / 3, 1 / 4, 1 / 6, 1 / 9, 1 / 12, 1 / 18)
    heights = sorted({max(round(height * share), 2) for share in shares})
    yield Axis(
        RESOLUTION,
        "Resolution",
        "pixels of height",
        tuple(heights),
        height,
        lambda images, value: _each(images, _reduce, value),
        is_log=True,
    )
    yield Axis(
        FACE_SIZE,
        "Size of the face",
        "times that of the training",
        (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3, 1.5, 1.8, 2.2),
        1.0,
        _resize_face,
        lambda value: _about_middle(height, width, value, 0),
        is_log=True,
    )
    shifts = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
    for name, title, step in (
        ("shift_right", "Shift to the right", (1, 0)),
        ("shift_down", "Shift downwards", (0, 1)),
    ):
        yield Axis(
            name,
            title,
            "of the picture",
            (*(-shift for shift in shifts[::-1]), 0.0, *shifts),
            0.0,
            functools.partial(_shift, step=step),
            functools.partial(_shifted, size=(width, height), step=step),
        )
    yield Axis(
        ROTATION,
        "Rotation to the right",
        "degrees",
        (-180, -90, -60, -45, -30, -20, -15, -10, -5, 0)
        + (5, 10, 15, 20, 30, 45, 60, 90, 180),
        0,
        _rotate,
        lambda value: _about_middle(height, width, 1, value),
    )
    yield Axis(
        "blur",
        "Blur",
        "pixels (deviation)",
        (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0),
        0.0,
        lambda images, value: _each(images, _blur, value),
    )
    yield Axis(
        "noise",
        "Noise",
        "levels of 255 (deviation)",
        (0, 5, 10, 15, 20, 30, 40, 60, 80),
        0,
        _add_noise,
    )
    yield Axis(
        "jpeg_quality",
        "JPEG quality",
        "of 100",
        (2, 5, 10, 20, 30, 50, 70, 90, 101),
        101,
        lambda images, value: _each(images, _through_jpeg, value),
    )
    yield Axis(
        BRIGHTNESS,
        "Brightness",
        "times",
        (0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0, 1.25, 1.6, 2.0, 3.0, 4.0),
        1.0,
        lambda images, value: recolour(images, [[value] * 3, [0] * 3]),
        is_log=True,
    )
    yield Axis(
        SATURATION,
        "Saturation (0: grayscale)",
        "times",
        (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0),
        1.0,
        _saturate,
    )
    yield Axis(
        "filter",
        "Colour filters",
        "",
        tuple(FILTERS),
        None,
        apply_filter,
    )
    rows, columns = GRID
    yield Axis(
        PLACE,
        "Hidden places",
        "",
        tuple(
            f"row {row + 1} column {column + 1}"
            for row in range(rows)
            for column in range(columns)
        ),
        None,
        _hide,
    )


def place_box(name: str, height: int, width: int) -> tuple[slice, slice]:
    """Returns rows and columns of the pixels of a hidden place."""
    place = [int(word) - 1 for word in name.split()[1::2]]
    return tuple(
        slice(round(side * at / count), round(side * (at + 1) / count))
        for at, count, side in zip(place, GRID, (height, width), strict=True)
    )


def _each(images, function, value):
    return np.stack([function(image, value) for image in images])


def _reduce(image, height):
    """Returns an image as one of fewer pixels shows it."""
    size = image.shape[1::-1]
    if height >= size[1]:
        return image
    small = max(round(size[0] * height / size[1]), 1), height
    small = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)


def _resize_face(images, factor):
    return frame(images, images.shape[1:3], Framing(1 / factor))


def _shift(images, value, step):
    # A view that lies to the left shows the face to the right.
    right, down = (-value * part for part in step)
    return frame(images, images.shape[1:3], Framing(1, right, down))


def _shifted(value, size, step):
    """Returns the map of a shift, `size` being width and height."""
    moved = value * np.multiply(size, step)
    return np.column_stack([np.eye(2), moved])


def _about_middle(height, width, scale, degrees):
    """Returns the map that scales and turns to the right about the middle."""
    middle = (width - 1) / 2, (height - 1) / 2
    return cv2.getRotationMatrix2D(middle, -degrees, scale)


def _rotate(images, degrees):
    if not degrees:
        return images
    to_input = cv2.invertAffineTransform(
        _about_middle(*images.shape[1:3], 1, degrees)
    )
    return warp(images, [to_input] * len(images))


def _blur(image, deviation):
    return cv2.GaussianBlur(image, (0, 0), deviation) if deviation else image


def _add_noise(images, deviation):
    """Returns images with noise that is the same in all calls."""
    generator = np.random.default_rng(_NOISE_SEED)
    changed = np.empty_like(images)
    for row, image in enumerate(images):
        noise = generator.standard_normal(image.shape, np.float32)
        levels = image + np.float32(deviation) * noise
        changed[row] = np.rint(levels).clip(0, 255)
    return changed


def _through_jpeg(image, quality):
    if quality > 100:
        return image
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def _saturate(images, factor):
    gray = np.stack([cv2.cvtColor(x, cv2.COLOR_RGB2GRAY) for x in images])
    gray = gray[..., None].astype(np.float32)
    levels = np.rint(gray + factor * (images - gray))
    return levels.clip(0, 255).astype(np.uint8)


def _hide(images, name):
    """Returns images with a place filled with each one's mean colour."""
    box = place_box(name, *images.shape[1:3])
    changed = images.copy()
    means = np.rint(images.mean((1, 2)))
    changed[:, *box] = means[:, None, None]
    return changed


def nearest_first(axis: Axis) -> tuple[list, list]:
    """Returns the values below and above the unchanged one, nearest first."""
    below = [value for value in axis.values if value < axis.unchanged]
    above = [value for value in axis.values if value > axis.unchanged]
    return below[::-1], above


def distance(axis: Axis, value: float) -> float:
    """Returns where a plot shows a value: its logarithm where ratios count."""
    return math.log(value) if axis.is_log else value
