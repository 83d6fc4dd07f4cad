"""A portrait: all that is known about it, and its picture."""

import dataclasses

import numpy as np

from .camera import Camera
from .camera import Light
from .camera import take
from .canvas import Canvas
from .canvas import Pose
from .canvas import mix
from .canvas import shade
from .hair import Hair
from .hair import draw_hair_behind
from .hair import draw_hair_in_front
from .head import GenderCues
from .head import Head
from .head import draw_ears
from .head import draw_face
from .head import draw_neck
from .lighting import light_surfaces
from .outfit import Outfit
from .outfit import draw_clothes
from .outfit import draw_glasses
from .outfit import draw_hat
from .scene import Scene
from .scene import paint_scene


@dataclasses.dataclass(frozen=True)
class Appearance:
    """Everything that a portrait shows; a picture follows from it alone."""

    head: Head
    cues: GenderCues
    hair: Hair
    outfit: Outfit
    pose: Pose
    scene: Scene
    light: Light
    camera: Camera


def draw_portrait(appearance: Appearance) -> np.ndarray:
    """Draws a portrait.

    Returns:
        The picture, uint8 [height, width, 3].
    """
    picture, _ = render(appearance)
    return take(picture, appearance.light, appearance.camera)


def render(appearance: Appearance) -> tuple[np.ndarray, np.ndarray]:
    """Renders what is before the camera.

    Returns:
        The picture, float32 [3, height, width] from 0 to 255, and the shares of
        skin, hair and cloth of every pixel, float32 [3, height, width].
    """
    background = paint_scene(appearance.scene, appearance.pose.size)
    if appearance.camera.fault == "empty":
        return background, np.zeros_like(background)
    canvas = Canvas(appearance.pose)
    head, hair, outfit = appearance.head, appearance.hair, appearance.outfit
    brows = shade(mix(hair.color, (70, 50, 40), 0.35), 0.72)
    draw_hair_behind(canvas, hair)
    draw_neck(canvas, head)
    draw_clothes(canvas, outfit)
    draw_ears(canvas, head)
    draw_face(canvas, head, appearance.cues, brows)
    draw_glasses(canvas, outfit, head.width)
    draw_hair_in_front(canvas, hair)
    draw_hat(canvas, outfit, hair.volume)
    colors, regions = canvas.reduce()
    pose, light = appearance.pose, appearance.light
    light_surfaces(colors, regions, pose, light, hair, outfit, head.blush)
    covered = regions[0] + regions[1] + regions[2]
    background *= 1 - np.minimum(covered, 1, out=covered)
    colors += background
    return colors, regions
