"""How the light falls on skin, hair and cloth."""

import numpy as np

from .camera import Light
from .canvas import Pose
from .hair import Hair
from .hair import shade_strands
from .outfit import Outfit
from .relief import lay_relief

_single = np.float32


def light_surfaces(
    colors: np.ndarray,
    regions: np.ndarray,
    pose: Pose,
    light: Light,
    hair: Hair,
    outfit: Outfit,
    blush: float,
) -> None:
    """Lets the light fall on a portrait, in place.

    The planes of the relief take the results step by step: they stay in the
    cache of the processor, where fresh arrays would push each other out.

    Args:
        colors: The colours at full light, float32 [3, height, width].
        regions: The shares of skin, hair and cloth, float32 [3, height, width].
        pose: The pose of the head.
        light: The light.
        hair: The hair, for its strands.
        outfit: The outfit, for its stripes.
        blush: How red the cheeks are.
    """
    skin, hairy, cloth = regions
    right, down, open_, cheeks = lay_relief(pose)
    lit = _light_relief(right, down, light)
    on_skin = open_
    on_skin *= lit
    on_skin *= _hair_shadow(hairy, pose)
    on_skin -= 1
    on_skin *= skin
    on_cloth = lit
    on_cloth += _single(0.02)
    if outfit.stripes:
        pixels = np.flatnonzero(cloth > 0)
        _, y = pose.face_points(pixels)
        on_cloth.ravel()[pixels] -= _single(0.35 * outfit.stripes) * (
            np.sin(y * _single(26)) > 0
        )
    on_cloth -= 1
    on_cloth *= cloth
    # Strands are costly and lie on a fifth of the picture.
    pixels = np.flatnonzero(hairy > 0)
    share = hairy.ravel()[pixels]
    x, y = pose.face_points(pixels)
    on_hair, streaks = shade_strands(hair, light.direction, x, y)
    factor = on_skin
    factor += 1
    on_cloth.ravel()[pixels] += share * (on_hair - 1)
    factor += on_cloth
    colors *= factor
    step = np.array(hair.highlight, np.float32)
    step -= np.array(hair.color, np.float32)
    streaks *= share
    streaks *= on_hair
    for plane, change in zip(colors, step, strict=True):
        plane.ravel()[pixels] += streaks * change
    cheeks *= skin
    cheeks *= _single(blush)
    colors[0] += cheeks * _single(60)
    colors[1:] *= 1 - cheeks


def _light_relief(right, down, light: Light) -> np.ndarray:
    """Returns the light on a surface of the given normals, and spoils them."""
    facing = 1 - right * right
    facing -= down * down
    np.maximum(facing, _single(0.05), out=facing)
    np.sqrt(facing, out=facing)
    to_right, to_down, to_viewer = (_single(part) for part in light.direction)
    right *= to_right
    down *= to_down
    facing *= to_viewer
    lit = right
    lit += down
    lit += facing
    np.maximum(lit, 0, out=lit)
    ambient = _single(light.ambient)
    lit *= _single(1.06) - ambient
    lit += ambient
    return lit


def _hair_shadow(hairy: np.ndarray, pose: Pose) -> np.ndarray:
    """Returns the soft shadow that hair throws down, a factor up to 1."""
    reach = max(1, round(pose.unit * 0.12))
    shadow = np.zeros_like(hairy)
    for step in range(1, reach + 2):
        shadow[step:] += hairy[:-step]
    shadow *= _single(0.34 / (reach + 1))
    return np.subtract(1, shadow, out=shadow)
