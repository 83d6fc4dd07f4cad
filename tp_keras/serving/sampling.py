"""Samples a piece of a picture, moved, turned and scaled, without aliasing."""

import math

import numpy as np
from PIL import Image

# Beyond the piece, for the neighbours that interpolation looks at.
_MARGIN = 3


def sample(
    pixels: np.ndarray,
    matrix,
    size: tuple[int, int],
    border: str = "edge",
    fine: bool = True,
) -> np.ndarray:
    """Returns the piece of a picture that an affine map tells.

    Each pixel is the mean over the area that it covers: the picture is
    averaged by a whole number, interpolated (bicubic) at twice the size
    wanted, and averaged again. A rectangle of whole pixels at scale 1 keeps
    them all.

    Args:
        pixels: uint8 `[height, width, 3]`.
        matrix: Float `[2, 3]`, from `(x, y, 1)` in the piece to `(x, y)` in
            the picture, where `(0, 0)` is the corner of the first pixel.
        size: Height and width of the piece.
        border: How the picture goes on beyond its edges, a mode of `np.pad`.
        fine: Whether to average again, which takes most of the time.

    Returns:
        uint8 `[*size, 3]`.
    """
    height, width = size
    matrix = np.asarray(matrix, np.float64)
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1]])
    corners = corners @ matrix.T
    corners = np.vstack([corners, corners[1] + corners[2] - corners[0]])
    scale = math.sqrt(abs(np.linalg.det(matrix[:, :2])))
    shrink = max(int(scale), 1)
    low = np.floor(corners.min(0)).astype(int) - _MARGIN * shrink
    high = np.ceil(corners.max(0)).astype(int) + _MARGIN * shrink
    part = Image.fromarray(_padded(pixels, low, high, border))
    if shrink > 1:
        part = part.reduce(shrink)
    times = 2 if fine and scale > 1 + 1e-6 else 1
    local = matrix.copy()
    local[:, 2] -= low
    local /= shrink
    local[:, :2] /= times
    part = part.transform(
        (width * times, height * times),
        Image.Transform.AFFINE,
        local.ravel().tolist(),
        Image.Resampling.BICUBIC if fine else Image.Resampling.BILINEAR,
    )
    return np.asarray(part.reduce(times) if times > 1 else part)


def turned_square(center, side: float, angle: float, size: int) -> np.ndarray:
    """Returns the map, for `sample`, of a square that is turned.

    Args:
        center: `(x, y)` of its middle in the picture.
        side: Its side in the picture.
        angle: By how many degrees it is turned clockwise.
        size: Its side in the piece.
    """
    middle = size / 2, size / 2
    return turned(center, middle, side / size, angle)


def turned(center, middle, scale: float, angle: float) -> np.ndarray:
    """Returns the map, for `sample`, of a piece that is turned and scaled.

    Args:
        center: `(x, y)` in the picture.
        middle: `(x, y)` in the piece, where `center` comes to lie.
        scale: How long a pixel of the piece is in the picture.
        angle: By how many degrees the piece is turned clockwise.
    """
    radians = math.radians(angle)
    cosine, sine = scale * math.cos(radians), scale * math.sin(radians)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([turn, np.asarray(center) - turn @ middle])


def _padded(pixels, low, high, border):
    """Returns the rectangle from `low` to `high` (x, y), also beyond edges."""
    size = np.array(pixels.shape[1::-1])
    # A piece that lies wholly beside the picture goes on from its edge.
    inner_low = np.clip(low, 0, size - 1)
    inner_high = np.clip(high, inner_low + 1, size)
    part = pixels[inner_low[1] : inner_high[1], inner_low[0] : inner_high[0]]
    before = np.maximum(inner_low - low, 0)
    after = np.maximum(high - inner_high, 0)
    if not (before.any() or after.any()):
        return np.ascontiguousarray(part)
    pad = [(before[1], after[1]), (before[0], after[0]), (0, 0)]
    return np.pad(part, pad, mode=border)
