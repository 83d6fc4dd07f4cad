"""Portraits into which near duplicates and outliers are planted, and the truth.

The same seed plants the same into the same portraits.
"""

import dataclasses

import cv2
import numpy as np

# Copies that somebody may have made of a picture, and pictures that nobody
# wants: name -> function of a picture and a random generator.
COPIES = {
    "exact": lambda image, rng: image,
    "brighter": lambda image, rng: _scaled(image, 1.25),
    "darker": lambda image, rng: _scaled(image, 0.75),
    "JPEG": lambda image, rng: _through_jpeg(image, 40),
    "shifted": lambda image, rng: _moved(image, *_offset(rng)),
    "rescaled": lambda image, rng: _through_size(image, 0.6),
    "zoomed": lambda image, rng: _moved(image, zoom=1.03),
    "several": lambda image, rng: _through_jpeg(
        _scaled(_moved(image, *_offset(rng)), 0.85), 60
    ),
}

OUTLIERS = {
    "no face": lambda image, rng: _no_face(image.shape, rng),
    "noise": lambda image, rng: _clipped(
        image + rng.normal(0, 55, image.shape)
    ),
    "stripes": lambda image, rng: _striped(image, rng),
    "cut": lambda image, rng: _cut(image, rng),
    "grey": lambda image, rng: _grey(image),
    "over-exposed": lambda image, rng: _clipped(255 - (255 - image) * 0.2),
    "under-exposed": lambda image, rng: _scaled(image, 0.12),
    "blurred": lambda image, rng: cv2.GaussianBlur(
        image, None, max(image.shape) / 26
    ),
    "framed": lambda image, rng: _framed(image, rng),
    "drawing": lambda image, rng: _sketch(image),
}


@dataclasses.dataclass(frozen=True)
class Planted:
    """What was planted.

    Attributes:
        copies: Kind out of `COPIES` -> int64 `[count, 2]`: the row of the
            original and that of its copy.
        outliers: Kind out of `OUTLIERS` -> int64 `[count]`, their rows.
    """

    copies: dict[str, np.ndarray]
    outliers: dict[str, np.ndarray]

    @property
    def pairs(self) -> np.ndarray:
        """All copies, int64 `[count, 2]`."""
        return np.concatenate([*self.copies.values()])

    @property
    def odd(self) -> np.ndarray:
        """The rows of all outliers."""
        return np.concatenate([*self.outliers.values()])


def plant(images, seed=0, copies=10, outliers=10, spared=()) -> Planted:
    """Puts altered pictures in the place of others.

    Args:
        images: uint8 `[count, height, width, 3]`, changed in place.
        seed: Seed of all that is drawn.
        copies: How many copies of each kind; their originals stay as they are.
        outliers: How many outliers of each kind.
        spared: Rows that are neither changed nor copied.
    """
    rng = np.random.default_rng(seed)
    rows = np.setdiff1d(np.arange(len(images)), np.asarray(spared, int))
    rows = iter(rng.permutation(rows).tolist())
    planted_copies, planted_outliers = {}, {}
    for kind, alter in COPIES.items():
        pairs = [(next(rows), next(rows)) for _ in range(copies)]
        for original, copy in pairs:
            images[copy] = alter(images[original], rng)
        planted_copies[kind] = np.array(pairs, np.int64).reshape(-1, 2)
    for kind, alter in OUTLIERS.items():
        chosen = [next(rows) for _ in range(outliers)]
        for row in chosen:
            images[row] = alter(images[row], rng)
        planted_outliers[kind] = np.array(chosen, np.int64)
    return Planted(planted_copies, planted_outliers)


def _clipped(image):
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _scaled(image, factor):
    return _clipped(image * np.float32(factor))


def _through_jpeg(image, quality):
    _, data = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def _offset(rng):
    """Returns a shift of one or two pixels in each direction."""
    return rng.choice([-2, -1, 1, 2], 2)


def _moved(image, right=0, down=0, zoom=1.0):
    height, width, _ = image.shape
    center = np.array([width - 1, height - 1]) / 2
    shift = center * (1 - zoom) + [right, down]
    matrix = np.column_stack([np.eye(2) * zoom, shift])
    return cv2.warpAffine(
        image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE
    )


def _through_size(image, scale):
    height, width, _ = image.shape
    small = cv2.resize(
        image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
    )
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def _no_face(shape, rng):
    """Draws clouds, or boxes, in random colours."""
    height, width, _ = shape
    if rng.random() < 0.5:
        coarse = rng.uniform(0, 255, (6, 5, 3)).astype(np.float32)
        clouds = cv2.resize(
            coarse, (width, height), interpolation=cv2.INTER_CUBIC
        )
        return _clipped(clouds + rng.normal(0, 4, shape))
    image = np.full(shape, rng.integers(0, 256, 3), np.uint8)
    for _ in range(12):
        left, top = rng.integers(0, width), rng.integers(0, height)
        color = rng.integers(0, 256, 3)
        image[top : top + height // 3, left : left + width // 3] = color
    return _clipped(image + rng.normal(0, 4, shape))


def _striped(image, rng):
    """Loses every fourth pair of lines, lying or standing."""
    image = image.copy()
    lines = image if rng.random() < 0.5 else image.transpose(1, 0, 2)
    for start in range(2):
        lines[start::8] = rng.integers(0, 2) * 255
    return image


def _cut(image, rng):
    """Ends before the picture does, as a file that was cut off."""
    image = image.copy()
    height = len(image)
    image[rng.integers(height // 3, 2 * height // 3) :] = 128
    return image


def _grey(image):
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB)


def _framed(image, rng):
    height, width, _ = image.shape
    edge = max(height // 12, 2)
    inner = cv2.resize(
        image,
        (width - 2 * edge, height - 2 * edge),
        interpolation=cv2.INTER_AREA,
    )
    framed = np.full_like(image, rng.choice([0, 255]))
    framed[edge:-edge, edge:-edge] = inner
    return framed


def _sketch(image):
    """Draws the edges of a picture with a dark pen on paper."""
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    lines = cv2.adaptiveThreshold(
        cv2.medianBlur(gray, 3),
        255,
        cv2.ADAPTIVE_THRESH_MEAN_C,
        cv2.THRESH_BINARY,
        7,
        5,
    )
    paper = np.float32([235, 230, 215]) / 255
    return _clipped(lines[..., None] * paper + 10)
