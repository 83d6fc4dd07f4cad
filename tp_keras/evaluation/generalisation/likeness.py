"""Pictures of another origin made like those of a training, by pixels alone."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from tp_keras.evaluation.figures import figure
from tp_keras.evaluation.generalisation.framing import Framing
from tp_keras.evaluation.generalisation.framing import covered
from tp_keras.evaluation.generalisation.framing import find_framing
from tp_keras.evaluation.generalisation.framing import frame

# How other pictures are shown to the model.
AS_IS, FRAMED, COLOURED, BOTH = "as_is", "framed", "coloured", "both"
TREATMENTS = (AS_IS, FRAMED, COLOURED, BOTH)

# What has hardly any contrast, in levels, is not blown up.
_LEAST_DEVIATION = 1.0

_BLOCK = 512


@dataclasses.dataclass(frozen=True)
class Likeness:
    """What makes the pictures of a data set like those of a training.

    Attributes:
        framing: `Framing` in which faces are as large and lie where they do
            there.
        correlations: Of the mean faces as they are and in that framing.
        inside: Share of that view that lies inside of the pictures.
        colour: Gain and offset, in levels of 255, of red, green and blue:
            `[2, 3]`. See `find_colour`.
        images: Treatment -> uint8 array `[count, height, width, 3]`.
        faces: uint8 `[4, height, width, 3]`: the mean picture as it is, framed,
            framed and coloured, and that of the training.
    """

    framing: Framing
    correlations: tuple[float, float]
    inside: float
    colour: np.ndarray
    images: dict[str, np.ndarray]
    faces: np.ndarray

    def figures(self) -> Iterator[dict]:
        """Yields the fields of records, of which none rests on a label."""
        count = len(self.images[AS_IS])
        for name, value in vars(self.framing).items():
            yield figure(f"view_{name}", value, count)
        yield figure("view_inside", self.inside, count)
        for name, value in zip((AS_IS, FRAMED), self.correlations, strict=True):
            yield figure("face_correlation", value, count, variant=name)
        for name, values in zip(("gain", "offset"), self.colour, strict=True):
            pairs = zip(("red", "green", "blue"), values, strict=True)
            for channel, value in pairs:
                where = {"class_name": channel}
                yield figure(f"colour_{name}", value, count, **where)


def find_likeness(wanted, images) -> Likeness:
    """Finds framing and colours, without any label.

    Args:
        wanted: uint8 array `[n, height, width, 3]`, pictures of the training.
        images: uint8 array `[count, h, w, 3]`, others, of any size.
    """
    size, face = wanted.shape[1:3], wanted.mean(0)
    framing, *correlations = find_framing(face, images.mean(0))
    as_is = frame(images, size, title="framing")
    framed = frame(images, size, framing, title="framing")
    # Only where eyes lie on eyes do colours tell of the light.
    pixels = covered(framing, images.shape[1:3], size)
    colour = find_colour(wanted, framed, pixels)
    both = recolour(framed, colour)
    shown = as_is, framed, recolour(as_is, colour), both
    faces = [*(part.mean(0) for part in (as_is, framed, both)), face]
    return Likeness(
        framing,
        tuple(correlations),
        face[pixels].size / face.size,
        colour,
        dict(zip(TREATMENTS, shown, strict=True)),
        np.rint(faces).astype(np.uint8),
    )


def find_colour(wanted, images, pixels) -> np.ndarray:
    """Returns what gives images the mean and deviation of others, by channel.

    One straight line for all images of a set. One for each would also take away
    what tells people apart: a white wall, dark skin.

    Args:
        wanted: uint8 array `[n, height, width, 3]`.
        images: uint8 array `[count, height, width, 3]`, framed like them.
        pixels: Rows and columns to look at in both: those that show a picture,
            so that a face isn't compared with a wall.

    Returns:
        Gains and offsets, a float array `[2, 3]`.
    """
    true_mean, true_deviation = _statistics(wanted, pixels)
    mean, deviation = _statistics(images, pixels)
    plain = np.minimum(deviation, true_deviation) < _LEAST_DEVIATION
    gain = np.where(plain, 1.0, true_deviation / np.where(plain, 1, deviation))
    return np.stack([gain, true_mean - gain * mean])


def recolour(images, colour) -> np.ndarray:
    """Returns uint8 images whose levels are `level * gain + offset`."""
    gain, offset = colour
    levels = np.arange(256)[:, None] * gain + offset
    table = np.rint(levels).clip(0, 255).astype(np.uint8)
    changed = np.empty(images.shape, np.uint8)
    for channel in range(3):
        changed[..., channel] = table[images[..., channel], channel]
    return changed


def _statistics(images, pixels):
    """Returns mean and standard deviation of each channel."""
    sums = np.zeros((2, 3))
    for first in range(0, len(images), _BLOCK):
        values = np.float64(images[first : first + _BLOCK, *pixels])
        sums += values.sum((0, 1, 2)), (values**2).sum((0, 1, 2))
    mean, squared = sums / images[:, *pixels, 0].size
    return mean, np.sqrt(np.maximum(squared - mean**2, 0))
