"""Light and camera: what happens to a portrait on its way to the file."""

import dataclasses
import functools
import io
import math

import numpy as np
from PIL import Image
from PIL import ImageFilter

from .dice import Dice


@dataclasses.dataclass(frozen=True)
class Light:
    """The light on a portrait.

    Attributes:
        direction: Unit vector to the light: right, down, to the viewer.
        ambient: The share of light that comes from everywhere.
        tint: Factors of red, green and blue.
    """

    direction: tuple[float, float, float]
    ambient: float
    tint: tuple[float, float, float]

    @classmethod
    def draw(cls, dice: Dice) -> "Light":
        """Draws a light from any side, mostly from above."""
        x, y = dice.normal(0, 0.6), dice.normal(-0.35, 0.4)
        z = dice.uniform(0.45, 1.1)
        length = math.sqrt(x * x + y * y + z * z)
        warmth, green = dice.normal(0, 0.06), dice.normal(0, 0.02)
        return cls(
            direction=(x / length, y / length, z / length),
            ambient=dice.uniform(0.4, 0.75),
            tint=(1 + warmth, 1 + green, 1 - 1.2 * warmth),
        )


@dataclasses.dataclass(frozen=True)
class Camera:
    """What the camera does.

    Attributes:
        exposure: The factor of brightness.
        contrast: The factor of contrast around middle gray.
        blur: The radius of the blur in pixels, 0 for none.
        noise: The standard deviation of the noise, of 255.
        noise_x: Where in the stock of noise it begins.
        noise_y: Likewise.
        jpeg: The quality of a JPEG on the way, 0 for none.
        fault: None, or one of grayscale, empty and ruined.
    """

    exposure: float
    contrast: float
    blur: float
    noise: float
    noise_x: int
    noise_y: int
    jpeg: int
    fault: str | None

    @classmethod
    def draw(
        cls, dice: Dice, size: tuple[int, int], fault: str | None = None
    ) -> "Camera":
        """Draws a camera for pictures of a height and a width."""
        return cls(
            exposure=math.exp(dice.normal(-0.01, 0.16)),
            contrast=math.exp(dice.normal(0.03, 0.14)),
            blur=dice.uniform(0.35, 1.0) if dice.chance(0.35) else 0.0,
            noise=dice.uniform(1.0, 3.5)
            + (dice.uniform(0, 9) if dice.chance(0.2) else 0.0),
            noise_x=dice.integer(_NOISE_SIZE - size[1]),
            noise_y=dice.integer(_NOISE_SIZE - size[0]),
            jpeg=40 + dice.integer(50) if dice.chance(0.3) else 0,
            fault=fault,
        )


_NOISE_SIZE = 400


@functools.cache
def _noise_stock() -> np.ndarray:
    """Sensor noise of deviation 1, float32 [3, 400, 400]."""
    generator = np.random.default_rng(40)
    gray = generator.standard_normal((1, _NOISE_SIZE, _NOISE_SIZE))
    color = generator.standard_normal((3, _NOISE_SIZE, _NOISE_SIZE))
    return (0.8 * gray + 0.6 * color).astype(np.float32)


def take(picture: np.ndarray, light: Light, camera: Camera) -> np.ndarray:
    """Takes the photograph.

    Args:
        picture: What is before the camera, float32 [3, height, width],
            0 to 255.
        light: Its tint colours the whole picture.
        camera: What happens to the picture.

    Returns:
        The photograph, uint8 [height, width, 3].
    """
    gain = np.array(light.tint) * camera.exposure * camera.contrast
    picture = picture * gain.astype(np.float32)[:, None, None]
    picture += np.float32(118 * (1 - camera.contrast))
    _, height, width = picture.shape
    noise = _noise_stock()[
        :,
        camera.noise_y : camera.noise_y + height,
        camera.noise_x : camera.noise_x + width,
    ]
    if camera.fault == "grayscale":
        picture[:] = picture.mean(axis=0)
        noise = noise[:1]
    if camera.blur:
        # The blur comes before the noise, as the lens before the sensor.
        blurred = Image.fromarray(_to_uint8(picture)).filter(
            ImageFilter.GaussianBlur(camera.blur)
        )
        picture = np.asarray(blurred).transpose(2, 0, 1)
    photograph = _to_uint8(noise * np.float32(camera.noise) + picture)
    if camera.jpeg:
        photograph = _through_jpeg(photograph, camera.jpeg)
    if camera.fault == "ruined":
        photograph = _ruin(photograph, camera)
    return photograph


def _to_uint8(picture: np.ndarray) -> np.ndarray:
    """Turns float32 [3, height, width] into uint8 [height, width, 3]."""
    photograph = np.empty((*picture.shape[1:], 3), np.uint8)
    # Plane by plane is faster than one transposition.
    for channel, plane in enumerate(np.clip(picture, 0, 255)):
        photograph[..., channel] = plane
    return photograph


def _through_jpeg(photograph: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(photograph).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


def _ruin(photograph: np.ndarray, camera: Camera) -> np.ndarray:
    """Damages a photograph: torn rows, burnt out, or all but black."""
    kind = (camera.noise_x + camera.noise_y) % 3
    if kind == 0:
        rows, width = 10 + camera.noise_y % 60, photograph.shape[1]
        photograph[rows:] = np.roll(
            photograph[rows:], camera.noise_x % width, 1
        )
        photograph[rows + 20 :] = photograph[rows + 20 : rows + 21]
        return photograph
    if kind == 1:
        return 255 - (255 - photograph) // 6
    return photograph // 12
