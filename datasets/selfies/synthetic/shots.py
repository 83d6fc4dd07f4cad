"""How a person looks, and how the picture is taken."""

import dataclasses
import math

from ...building.drawing.camera import Camera
from ...building.drawing.camera import Light
from ...building.drawing.canvas import Pose
from ...building.drawing.dice import Dice
from ...building.drawing.hair import Hair
from ...building.drawing.head import GenderCues
from ...building.drawing.head import Head
from ...building.drawing.looks import LOOKS
from ...building.drawing.looks import Stage
from ...building.drawing.looks import age_hair
from ...building.drawing.looks import draw_cues
from ...building.drawing.looks import draw_head
from ...building.drawing.outfit import HATS
from ...building.drawing.outfit import Outfit
from ...building.drawing.portrait import Appearance
from ...building.drawing.scene import Scene
from ...building.drawing.shot import Shot
from .. import facts
from .people import Person

_SIZE = (facts.SIZE, facts.SIZE)

# How much wider, longer below the eyes and more pointed a face of a shape is,
# and how much narrower its jaw.
_SHAPES = {
    "oval": (-0.05, 0.07, 0.4, 0.0),
    "round": (0.08, -0.09, -1.2, 0.6),
    "heart": (0.04, 0.02, 2.2, -1.6),
}

# Of lips the cue of gender, which lipstick makes far redder and fuller.
_PAINTED, _REDDEST = -3.4, -1.7

# How far the middle of a partial face lies from that of the picture.
_OFF = (28.0, 36.0)


def draw_shot(person: Person, seed: int, index: int) -> Shot:
    """Draws how the person of an index looks, and the picture is taken.

    A second picture of a person has another camera, and half of these are
    mirrored.

    Args:
        person: Who is portrayed.
        seed: Settles the picture, together with the index.
        index: That of the portrait.
    """
    appearance = _draw_appearance(person, Dice(seed, person.source, 2))
    if person.source == index:
        return Shot(appearance)
    again = Dice(seed, index, 3)
    camera = _draw_camera(again, person)
    appearance = dataclasses.replace(appearance, camera=camera)
    return Shot(appearance, is_mirrored=again.chance(0.5))


def _draw_appearance(person: Person, dice: Dice) -> Appearance:
    looks = LOOKS[person.race]
    stage = Stage.draw(dice, person.years)
    shape = _SHAPES[person.face_shape]
    return Appearance(
        head=_draw_head(
            dice, draw_head(dice, looks, stage), person.attributes, shape
        ),
        cues=_draw_cues(
            dice,
            draw_cues(dice, looks, person.gender, stage.child),
            person.attributes,
            shape,
        ),
        hair=_draw_hair(dice, person, stage),
        outfit=_draw_outfit(dice, person.attributes),
        # As large as that of the hidden criterion.
        pose=_draw_pose(dice, person.attributes),
        scene=Scene.draw(dice, _SIZE),
        light=_draw_light(dice, person.attributes),
        camera=_draw_camera(dice, person),
    )


def _draw_head(
    dice: Dice, head: Head, attributes: frozenset[str], shape: tuple
) -> Head:
    is_smiling = "smiling" in attributes
    ends = (0.5, 1.0) if is_smiling else (-0.35, 0.25)
    width, height, chin, _ = shape
    return dataclasses.replace(
        head,
        smile=dice.uniform(*ends),
        width=head.width + width,
        height=head.height + height,
        chin=0.4 * head.chin + chin,
    )


def _draw_cues(
    dice: Dice, cues: GenderCues, attributes: frozenset[str], shape: tuple
) -> GenderCues:
    lips = max(_REDDEST, cues.lips)
    painted = _PAINTED + dice.normal(0, 0.25)
    return dataclasses.replace(
        cues,
        jaw=cues.jaw + shape[3],
        lips=painted if "wearing_lipstick" in attributes else lips,
    )


def _draw_hair(dice: Dice, person: Person, stage: Stage) -> Hair:
    kind = "wavy" if "curly_hair" in person.attributes else "straight"
    if person.hair_color == "bald":
        kind = "bald"
    hair = Hair.draw(dice, person.gender, person.hair_color, kind)
    return age_hair(hair, person.gender, person.years, stage.old)


def _draw_outfit(dice: Dice, attributes: frozenset[str]) -> Outfit:
    outfit = Outfit.draw(dice, hat_rate=0)
    hat, frame = dice.choice(HATS), dice.choice(("round", "square"))
    glasses = "none"
    if "wearing_glasses" in attributes:
        glasses = frame
    if "wearing_sunglasses" in attributes:
        glasses = "sun"
    return dataclasses.replace(
        outfit,
        hat=hat if "wearing_hat" in attributes else "none",
        glasses=glasses,
    )


def _draw_pose(dice: Dice, attributes: frozenset[str]) -> Pose:
    x, side = dice.normal(0, 2.5), dice.choice((-1, 1))
    off = dice.uniform(*_OFF)
    return Pose(
        x=facts.SIZE * 0.5
        + (side * off if "partial_faces" in attributes else x),
        y=facts.SIZE * 0.53 + dice.normal(0, 2.5),
        unit=17.5 * math.exp(dice.normal(0, 0.085)),
        roll=dice.normal(0, 0.12),
        yaw=dice.normal(0, 0.5, limit=2.0),
        size=_SIZE,
    )


def _draw_light(dice: Dice, attributes: frozenset[str]) -> Light:
    light = Light.draw(dice)
    if "harsh_lighting" not in attributes:
        return light
    # From one side, and hardly any from elsewhere.
    x, y, z = light.direction
    x = math.copysign(max(abs(x), 0.7), x)
    length = math.sqrt(x * x + y * y + z * z)
    return dataclasses.replace(
        light,
        direction=(x / length, y / length, z / length),
        ambient=dice.uniform(0.15, 0.3),
    )


def _draw_camera(dice: Dice, person: Person) -> Camera:
    camera = Camera.draw(dice, _SIZE)
    if "harsh_lighting" in person.attributes:
        return dataclasses.replace(
            camera,
            contrast=camera.contrast * 1.5,
            exposure=camera.exposure * 1.15,
        )
    if "dim_lighting" in person.attributes:
        return dataclasses.replace(
            camera,
            exposure=camera.exposure * 0.4,
            # Where there is little light there is more noise.
            noise=camera.noise + 3.0,
        )
    return camera
