"""Pictures of another origin made like those of a training, by pixels alone."""

import dataclasses
from collections.abc import Callable
from collections.abc import Iterator

import numpy as np

from tp_keras.evaluation.figures import figure
from tp_keras.evaluation.generalisation.framing import UNCHANGED
from tp_keras.evaluation.generalisation.framing import Framing
from tp_keras.evaluation.generalisation.framing import covered
from tp_keras.evaluation.generalisation.framing import find_framing
from tp_keras.evaluation.generalisation.framing import frame

# How other pictures are shown to the model.
AS_IS, FRAMED, COLOURED, BOTH = "as_is", "framed", "coloured", "both"
TREATMENTS = (AS_IS, FRAMED, COLOURED, BOTH)

# How the framing is called that the mean faces alone tell.
ALIGNED = "aligned"

# Shares of the way there that are looked at, by so many pictures.
_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_MOST_LOOKED_AT = 1000

# What has hardly any contrast, in levels, is not blown up.
_LEAST_DEVIATION = 1.0

_BLOCK = 512


@dataclasses.dataclass(frozen=True)
class Likeness:
    """What makes the pictures of a data set like those of a training.

    Attributes:
        aligned: `Framing` in which faces are as large and lie where they do
            there.
        correlations: Of the mean faces as they are and in that framing.
        framing: The framing on the way to it that looks most like them.
        inside: Share of that view that lies inside of the pictures.
        colour: Gain and offset, in levels of 255, of red, green and blue:
            `[2, 3]`. See `find_colour`.
        images: Treatment -> uint8 array `[count, height, width, 3]`.
        faces: uint8 `[4, height, width, 3]`: the mean picture as it is, framed,
            framed and coloured, and that of the training.
    """

    aligned: Framing
    correlations: tuple[float, float]
    framing: Framing
    inside: float
    colour: np.ndarray
    images: dict[str, np.ndarray]
    faces: np.ndarray

    def figures(self) -> Iterator[dict]:
        """Yields the fields of records, of which none rests on a label."""
        count = len(self.images[AS_IS])
        pairs = (ALIGNED, self.aligned), (FRAMED, self.framing)
        for variant, framing in pairs:
            for name, value in vars(framing).items():
                yield figure(f"view_{name}", value, count, variant=variant)
        yield figure("view_inside", self.inside, count)
        for name, value in zip((AS_IS, FRAMED), self.correlations, strict=True):
            yield figure("face_correlation", value, count, variant=name)
        for name, values in zip(("gain", "offset"), self.colour, strict=True):
            pairs = zip(("red", "green", "blue"), values, strict=True)
            for channel, value in pairs:
                where = {"class_name": channel}
                yield figure(f"colour_{name}", value, count, **where)


def find_likeness(wanted, images, look: Callable) -> Likeness:
    """Finds framing and colours, without any label.

    The mean faces tell how large faces are and where. Made as small as in the
    training, pictures that cut the hair off have wide borders without any. So
    of the framings on the way there that one is taken in which they look most
    like the training to the run: with the smallest Frechet distance of its
    features (Heusel et al., GANs trained by a two time-scale update rule
    converge to a local Nash equilibrium, 2017).

    Args:
        wanted: uint8 array `[n, height, width, 3]`, pictures of the training.
        images: uint8 array `[count, h, w, 3]`, others, of any size.
        look: Function from images of the training's size to features
            `[count, size]`.
    """
    size, face = wanted.shape[1:3], wanted.mean(0)
    aligned, *correlations = find_framing(face, images.mean(0))

    seen = spread(images, _MOST_LOOKED_AT)
    # Only where eyes lie on eyes do colours tell of the light.
    pixels = covered(aligned, images.shape[1:3], size)
    colour = find_colour(wanted, frame(seen, size, aligned), pixels)
    framing = aligned
    if aligned != UNCHANGED:
        true = look(spread(wanted, _MOST_LOOKED_AT))

        def distance(framing):
            # In the colours of the training, or these would decide.
            shown = recolour(frame(seen, size, framing), colour)
            return frechet_distance(look(shown), true)

        framing = min(map(aligned.part, _SHARES), key=distance)
    as_is = frame(images, size)
    framed = frame(images, size, framing, title="framing")
    both = recolour(framed, colour)
    faces = np.stack([as_is.mean(0), framed.mean(0), both.mean(0), face])
    shown = as_is, framed, recolour(as_is, colour), both
    rows, columns = covered(framing, images.shape[1:3], size)
    return Likeness(
        aligned,
        tuple(correlations),
        framing,
        face[rows, columns].size / face.size,
        colour,
        dict(zip(TREATMENTS, shown, strict=True)),
        np.rint(faces).astype(np.uint8),
    )


def spread(rows, most: int) -> np.ndarray:
    """Returns at most so many rows, evenly spread, in memory."""
    places = np.linspace(0, len(rows) - 1, min(len(rows), most))
    return np.array(rows[places.astype(int)])


def frechet_distance(rows, others) -> float:
    """Returns the squared Frechet distance of two sets, taken as normal.

    Arguments are float arrays `[n, size]` and `[m, size]`.
    """
    pair = np.float64(rows), np.float64(others)
    first, second = (np.atleast_2d(np.cov(x, rowvar=False)) for x in pair)
    # The eigenvalues of the product are real but for rounding.
    shared = np.sqrt(np.maximum(np.linalg.eigvals(first @ second).real, 0))
    apart = np.subtract(*(x.mean(0) for x in pair))
    return float(apart @ apart + np.trace(first + second) - 2 * shared.sum())


def find_colour(wanted, images, pixels) -> np.ndarray:
    """Returns what gives images the mean and deviation of others, by channel.

    One straight line for all images of a set. One for each would also take away
    what tells people apart: light hair, dark skin, a white wall.

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
