"""The relief of a face, sculpted once: what the light falls on.

A height map of skull, nose, sockets, lips, chin and neck gives the normals of
the surface. It is kept for a few turns of the head, and laid into a portrait
by one affine transformation.
"""

import functools
import math

import numpy as np
from PIL import Image

from .canvas import Pose

_RESOLUTION = 32  # samples per face unit
_LEFT, _RIGHT, _TOP, _BOTTOM = -1.7, 1.7, -2.1, 2.9
_TURNS = 9


def lay_relief(pose: Pose) -> np.ndarray:
    """Returns the relief as the pose shows it.

    Returns:
        float32 [4, height, width]: the x and the y component of the normal,
        from -1 to 1; the share of the ambient light that reaches the place,
        from 0 to 1; and the blush, from 0 to 1.
    """
    turn = round((pose.yaw + 1) / 2 * (_TURNS - 1))
    cosine = math.cos(pose.roll) / pose.unit
    sine = math.sin(pose.roll) / pose.unit
    right = -cosine * pose.x - sine * pose.y - _LEFT
    down = sine * pose.x - cosine * pose.y - _TOP
    affine = [cosine, sine, right, -sine, cosine, down]
    laid = _relief(min(max(turn, 0), _TURNS - 1)).transform(
        pose.size[::-1],
        Image.Transform.AFFINE,
        [value * _RESOLUTION for value in affine],
        # Enough samples for a small face, too few for a large one.
        Image.Resampling.NEAREST
        if pose.unit < _RESOLUTION
        else Image.Resampling.BILINEAR,
        fillcolor=(128, 128, 215, 0),
    )
    planes = np.asarray(laid).transpose(2, 0, 1)
    relief = planes.astype(np.float32, order="C")
    relief *= np.float32(1 / 255)
    relief[:2] *= 2
    relief[:2] -= 1
    return relief


@functools.cache
def _relief(turn: int) -> Image.Image:
    """Returns normals, ambient light and blush of one turn as one image."""
    yaw = turn / (_TURNS - 1) * 2 - 1
    x, y = np.meshgrid(
        np.arange(_LEFT, _RIGHT, 1 / _RESOLUTION),
        np.arange(_TOP, _BOTTOM, 1 / _RESOLUTION),
    )

    def bump(cx, cy, width, height, depth=0.0):
        # What stands out of the face moves further when the head turns.
        cx = cx + yaw * (0.16 + depth)
        return np.exp(-(((x - cx) / width) ** 2) - ((y - cy) / height) ** 2)

    skull = 1 - (x / 1.1) ** 2 - ((y + 0.1) / 1.72) ** 2
    height = np.sqrt(np.maximum(skull, 0.02))
    bridge = np.clip((y + 0.45) / 0.9, 0, 1) * (y < 0.5) * 0.20
    height += bridge * np.exp(-(((x - yaw * 0.24) / 0.13) ** 2))
    height += 0.13 * bump(0, 0.38, 0.2, 0.13, 0.08)
    height += 0.05 * (
        bump(0.5, -0.52, 0.35, 0.12) + bump(-0.5, -0.52, 0.35, 0.12)
    )
    height -= 0.10 * (
        bump(0.46, -0.2, 0.27, 0.16) + bump(-0.46, -0.2, 0.27, 0.16)
    )
    height += 0.07 * (bump(0.55, 0.3, 0.3, 0.28) + bump(-0.55, 0.3, 0.3, 0.28))
    height += 0.06 * bump(0, 0.78, 0.3, 0.16) + 0.08 * bump(0, 1.2, 0.25, 0.18)
    height -= 0.05 * bump(0, 1.0, 0.3, 0.06)
    neck = np.sqrt(np.maximum(1 - (x / 0.8) ** 2, 0.02)) * 0.55 - 0.35
    on_neck = (y > 1.0) & (neck > height)
    height = np.where(on_neck, neck, height)
    down, right = np.gradient(_soften(height, 1.4), 1 / _RESOLUTION)
    length = np.sqrt(1 + down**2 + right**2)
    ambient = 1 - 0.20 * sum(
        bump(side * 0.47, -0.27, 0.3, 0.14) for side in (-1, 1)
    )
    ambient -= 0.16 * bump(0, 0.52, 0.2, 0.06, 0.05)
    ambient -= 0.14 * bump(0, 1.0, 0.28, 0.06)
    chin = np.clip((y - 1.05) / 0.25, 0, 1) * np.clip((2.2 - y) / 0.8, 0, 1)
    ambient = np.where(on_neck, 1 - 0.45 * chin, ambient)
    blush = bump(0.55, 0.32, 0.3, 0.22) + bump(-0.55, 0.32, 0.3, 0.22)
    blush += 0.6 * bump(0, 0.36, 0.18, 0.12, 0.08)
    channels = [
        -right / length / 2 + 0.5,
        -down / length / 2 + 0.5,
        _soften(ambient, 2.3),
        np.clip(blush, 0, 1),
    ]
    pixels = np.clip(np.stack(channels, axis=-1) * 255, 0, 255)
    # Four channels without a meaning: an RGBA image would be transformed with
    # its colours weighted by the last channel.
    size = (pixels.shape[1], pixels.shape[0])
    return Image.frombytes(
        "CMYK", size, pixels.round().astype(np.uint8).tobytes()
    )


def _soften(values: np.ndarray, spread: float) -> np.ndarray:
    """Blurs by a Gaussian of `spread` samples, along both axes."""
    reach = int(3 * spread)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / spread) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        padding = [(0, 0), (0, 0)]
        padding[axis] = (reach, reach)
        padded = np.pad(values, padding, mode="edge")
        values = np.apply_along_axis(
            np.convolve, axis, padded, kernel, mode="valid"
        )
    return values
