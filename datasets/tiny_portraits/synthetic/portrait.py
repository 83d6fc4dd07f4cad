"""A portrait: all that is known about it, and its picture."""

import dataclasses

import numpy as np

from . import labels
from .camera import Camera
from .camera import Light
from .camera import take
from .canvas import Canvas
from .canvas import Pose
from .canvas import mix
from .canvas import shade
from .dice import Dice
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

# The share of hats, by how many hair labels are missing: nobody can label hair
# that is not seen.
_HAT_RATES = (0.015, 0.05, 0.14)


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

    @classmethod
    def draw(
        cls,
        seed: int,
        index: int,
        gender: str,
        hair_color: str,
        hair_type: str,
        *,
        source: int | None = None,
        missing: int = 0,
        fault: str | None = None,
    ) -> "Appearance":
        """Draws the appearance of portrait `index` of `seed`.

        Args:
            seed: The seed of the pack.
            index: The image index.
            gender: The gender that the picture shows.
            hair_color: The hair colour that it shows.
            hair_type: The hair type that it shows.
            source: For a near duplicate, the index of the first shot.
            missing: The number of missing hair labels, 0 to 2; the more, the
                more hats.
            fault: None, or one of the names of `labels.OUTLIER_RATES`.
        """
        source = index if source is None else source
        person = Dice(seed, source, 0)
        looks = cls(
            head=Head.draw(person),
            cues=GenderCues.draw(Dice(seed, source, 1), gender),
            hair=Hair.draw(person, gender, hair_color, hair_type),
            outfit=Outfit.draw(person, _HAT_RATES[missing]),
            pose=Pose.draw(person),
            scene=Scene.draw(person),
            light=Light.draw(person),
            camera=Camera.draw(person, fault),
        )
        if source == index:
            return looks
        again = Dice(seed, index, 2)
        return dataclasses.replace(
            looks,
            pose=looks.pose.nudge(again),
            camera=Camera.draw(again, fault),
        )

    @classmethod
    def of(
        cls, table: labels.LabelTable, seed: int, index: int
    ) -> "Appearance":
        """Draws the appearance of portrait `index` of a table of labels."""
        fault = int(table.outlier[index])
        return cls.draw(
            seed,
            int(index),
            *labels.label_names(table.shown[index]),
            source=int(table.source[index]),
            missing=int((table.labels[index, 1:] == labels.MISSING).sum()),
            fault=None if fault < 0 else list(labels.OUTLIER_RATES)[fault],
        )

    def with_cues_of(self, seed: int, source: int, gender: str) -> "Appearance":
        """Returns the same portrait with the cues of another gender."""
        cues = GenderCues.draw(Dice(seed, source, 1), gender)
        return dataclasses.replace(self, cues=cues)


def draw_portrait(appearance: Appearance) -> np.ndarray:
    """Draws a portrait.

    Returns:
        The picture, uint8 [108, 84, 3].
    """
    picture, _ = render(appearance)
    return take(picture, appearance.light, appearance.camera)


def draw_counterfactual(
    appearance: Appearance, other: Appearance
) -> tuple[np.ndarray, np.ndarray]:
    """Draws a portrait and its counterfactual, which differ in the cues only.

    Blur and JPEG carry a change into its surroundings, so whatever the cues
    leave alone before the camera is taken over from the first picture.

    Args:
        appearance: A portrait.
        other: The same portrait with other gender cues.

    Returns:
        Both pictures, uint8 [108, 84, 3].
    """
    picture, regions = render(appearance)
    changed_picture, _ = render(other)
    photograph = take(picture, appearance.light, appearance.camera)
    changed = take(changed_picture, other.light, other.camera)
    touched = (picture != changed_picture).any(axis=0) & (regions[1] == 0)
    return photograph, np.where(touched[..., None], changed, photograph)


def hair_mask(appearance: Appearance) -> np.ndarray:
    """Returns the share of every pixel that is hair, float32 [108, 84]."""
    return render(appearance)[1][1]


def render(appearance: Appearance) -> tuple[np.ndarray, np.ndarray]:
    """Renders what is before the camera.

    Returns:
        The picture, float32 [3, 108, 84] from 0 to 255, and the shares of
        skin, hair and cloth of every pixel, float32 [3, 108, 84].
    """
    background = paint_scene(appearance.scene)
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
