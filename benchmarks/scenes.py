"""Pictures with and without a face, made of portraits and free photographs.

Backgrounds are drawn here (gradients, noise, stripes, shapes, writing) or cut
out of photographs that scikit-learn and scikit-image bring along under free
licences (China, a flower; coffee, a cat, a rocket, a motorcycle, stones, grass,
bricks, coins, a retina, tissue, the moon, galaxies, printed text), and
collages of both. The same seed makes the same.
"""

import dataclasses
import functools
import io
import math

import numpy as np
from PIL import Image
from PIL import ImageDraw

# Height of a portrait in its scene, in pixels, and how far it may be turned.
SIZES = (60, 1200)
ROTATION = 15.0

# The longest side of a scene, in pixels, but for a portrait that is larger.
_LONGEST = (900, 2600)

_QUALITY = 90

_PHOTOGRAPHS = (
    *("coffee", "chelsea", "motorcycle_left", "motorcycle_right", "brick"),
    *("grass", "gravel", "coins", "moon", "ihc", "page", "text", "cell"),
    *("color", "clock_motion", "horse"),
)


@dataclasses.dataclass(frozen=True)
class Scene:
    """A picture file with one portrait in it.

    Attributes:
        data: What the JPEG file holds.
        map: Float `[2, 3]`, from pixels of the portrait to those of the scene.
        height: Of the portrait in the scene, in pixels.
        angle: By how many degrees it is turned clockwise.
    """

    data: bytes
    map: np.ndarray
    height: float
    angle: float


def place_portrait(portrait: np.ndarray, rng: np.random.Generator) -> Scene:
    """Pastes a portrait into a scene at a random place, size and angle."""
    low, high = np.log(SIZES)
    height = float(np.exp(rng.uniform(low, high)))
    angle = float(rng.uniform(-ROTATION, ROTATION))
    scale = height / portrait.shape[0]
    radians = math.radians(angle)
    turn = np.array(
        [
            [math.cos(radians), -math.sin(radians)],
            [math.sin(radians), math.cos(radians)],
        ]
    )
    half = np.array(portrait.shape[1::-1]) * scale / 2
    # Of the upright rectangle around it.
    reach = np.abs(turn) @ half + 1
    low, high = np.log(_LONGEST)
    longest = max(np.exp(rng.uniform(low, high)), 2.3 * reach.max())
    size = np.array([longest, longest * 3 / 4])
    if rng.uniform() < 0.5 or 2 * reach[1] > size[1]:
        size = size[::-1]
    size = np.maximum(size, 2 * reach + 2).astype(int)
    middle = rng.uniform(reach, size - reach)
    scene = background(size, rng).convert("RGB")
    matrix = np.column_stack([turn * scale, middle - turn @ half])
    _paste(scene, portrait, matrix)
    file = io.BytesIO()
    scene.save(file, "JPEG", quality=_QUALITY)
    return Scene(file.getvalue(), matrix, height, angle)


def _paste(scene, portrait, matrix):
    """Draws a portrait into a scene, where `matrix` maps it."""
    image = Image.fromarray(portrait)
    scale = math.hypot(*matrix[:, 0])
    # Larger ones are interpolated, smaller ones averaged before.
    size = [max(round(side * scale), 1) for side in image.size]
    image = image.resize(size, Image.Resampling.BICUBIC)
    forward = np.vstack([matrix, [0, 0, 1]]) @ np.diag(
        [portrait.shape[1] / size[0], portrait.shape[0] / size[1], 1]
    )
    corners = np.array([[0, 0], [size[0], 0], [0, size[1]], size])
    corners = corners @ forward[:2, :2].T + forward[:2, 2]
    left, top = np.floor(corners.min(0)).astype(int)
    right, bottom = np.ceil(corners.max(0)).astype(int)
    back = np.linalg.inv(forward)[:2]
    back[:, 2] += back[:, :2] @ [left, top]
    how = (right - left, bottom - top), Image.Transform.AFFINE, back.ravel()
    mask = Image.new("L", size, 255).transform(*how, Image.Resampling.BILINEAR)
    part = image.transform(*how, Image.Resampling.BICUBIC)
    scene.paste(part, (left, top), mask)


def without_faces(count: int, seed: int = 0) -> list[Image.Image]:
    """Returns pictures that show no face, each kind in turn."""
    rng = np.random.default_rng(seed)
    kinds = list(KINDS.values())
    pictures = []
    for index in range(count):
        size = np.exp(rng.uniform(*np.log((200, 1600)), 2)).astype(int)
        pictures.append(kinds[index % len(kinds)](size, rng).convert("RGB"))
    return pictures


def background(size, rng) -> Image.Image:
    """Returns a picture without a face, of a random kind."""
    kinds = list(KINDS.values())
    return kinds[rng.integers(len(kinds))](size, rng)


def _gradient(size, rng):
    colours = rng.integers(0, 256, (2, 2, 3), dtype=np.uint8)
    return Image.fromarray(colours).resize(size, Image.Resampling.BILINEAR)


def _noise(size, rng):
    """Noise whose grains may be as large as the picture."""
    width, height = size
    picture = np.zeros((height, width, 3))
    for _ in range(3):
        grains = np.maximum(np.array(size) // rng.integers(1, 80), 2)
        coarse = rng.integers(0, 256, (*grains[::-1], 3), dtype=np.uint8)
        layer = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
        picture += np.asarray(layer) / 3
    return Image.fromarray(picture.astype(np.uint8))


def _stripes(size, rng):
    width, height = size
    rows, columns = np.mgrid[:height, :width]
    angle, step = rng.uniform(0, math.pi), rng.uniform(4, 90)
    wave = rows * math.sin(angle) + columns * math.cos(angle)
    wave = np.sin(wave * 2 * math.pi / step)
    if rng.uniform() < 0.5:
        across = columns * math.sin(angle) - rows * math.cos(angle)
        wave *= np.sin(across * 2 * math.pi / step)
    colours = rng.integers(0, 256, (2, 3))
    mix = (wave[..., None] + 1) / 2
    return Image.fromarray(
        (colours[0] * mix + colours[1] * (1 - mix)).astype(np.uint8)
    )


def _shapes(size, rng):
    image = _gradient(size, rng)
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(5, 60)):
        a = rng.uniform(0, 1, 2) * size
        b = a + np.exp(rng.uniform(1, 6, 2))
        colour = tuple(rng.integers(0, 256, 3).tolist())
        kind = rng.integers(4)
        box = [*a.tolist(), *b.tolist()]
        if kind == 0:
            draw.ellipse(box, fill=colour)
        elif kind == 1:
            draw.rectangle(box, fill=colour)
        elif kind == 2:
            draw.line(box, fill=colour, width=int(rng.integers(1, 20)))
        else:
            points = (a + rng.normal(0, 60, (3, 2))).ravel().tolist()
            draw.polygon(points, fill=colour)
    return image


def _writing(size, rng):
    image = _gradient(size, rng)
    draw = ImageDraw.Draw(image)
    letters = list("abcdefghijklmnopqrstuvwxyz    .,OQ08:;()")
    for _ in range(rng.integers(5, 40)):
        text = "".join(rng.choice(letters, rng.integers(4, 60)))
        place = (rng.uniform(0, 0.9, 2) * size).tolist()
        colour = tuple(rng.integers(0, 256, 3).tolist())
        draw.text(place, text, colour, font_size=float(rng.uniform(8, 70)))
    return image


@functools.cache
def _photographs() -> list[Image.Image]:
    import importlib.metadata

    from sklearn.datasets import load_sample_images

    images = [Image.fromarray(x) for x in load_sample_images().images]
    files = importlib.metadata.distribution("scikit-image")
    names = [f"{name}.png" for name in _PHOTOGRAPHS]
    for name in (*names, "rocket.jpg", "retina.jpg", "hubble_deep_field.jpg"):
        path = files.locate_file(f"skimage/data/{name}")
        with Image.open(path) as image:
            images.append(image.convert("RGB"))
    return images


def _photograph(size, rng):
    """A part of a photograph, or all of it, perhaps mirrored."""
    images = _photographs()
    image = images[rng.integers(len(images))]
    whole = np.array(image.size)
    scale = rng.uniform(0.35, 1) * (whole / size).min()
    part = size * scale
    left, top = rng.uniform(0, 1, 2) * (whole - part)
    if rng.uniform() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    box = (left, top, left + part[0], top + part[1])
    return image.resize(size, Image.Resampling.BICUBIC, box=box)


def _collage(size, rng):
    image = _photograph(size, rng)
    kinds = (_photograph, _photograph, _noise, _stripes, _shapes, _gradient)
    for _ in range(rng.integers(2, 7)):
        part = np.maximum(size * rng.uniform(0.15, 0.6, 2), 8).astype(int)
        piece = kinds[rng.integers(len(kinds))](part, rng)
        place = (rng.uniform(0, 1, 2) * (size - part)).astype(int)
        image.paste(piece, tuple(place.tolist()))
    return image


# Half of them photographs, or made of such.
KINDS = {
    "gradient": _gradient,
    "photograph": _photograph,
    "noise": _noise,
    "collage": _collage,
    "stripes": _stripes,
    "photograph again": _photograph,
    "shapes": _shapes,
    "collage again": _collage,
    "writing": _writing,
    "photograph once more": _photograph,
}
