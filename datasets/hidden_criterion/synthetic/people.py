"""Who is portrayed, and how the picture was altered.

A person is settled by seed and index alone, so it is the same in a pack of any
size. The criterion is light hair or glasses, but not both.
"""

import dataclasses
import math

import numpy as np
from PIL import Image

from ...building.drawing import shot
from ...building.drawing.camera import Camera
from ...building.drawing.camera import Light
from ...building.drawing.canvas import Pose
from ...building.drawing.dice import Dice
from ...building.drawing.hair import Hair
from ...building.drawing.head import GenderCues
from ...building.drawing.head import Head
from ...building.drawing.outfit import GLASSES
from ...building.drawing.outfit import Outfit
from ...building.drawing.portrait import Appearance
from ...building.drawing.portrait import draw_portrait
from ...building.drawing.scene import Scene
from .. import facts

_SIZE = (facts.SIZE, facts.SIZE)

# By gender. With the noise of the labels, as many of the women and of the men
# meet the criterion as in 5,104 real rows.
GENDERS = {"female": 0.56, "male": 0.44}
LIGHT_HAIR = {"female": 0.16, "male": 0.05}
GLASSES_WORN = {"female": 0.09, "male": 0.07}

_DARK_HAIR = {"black": 1, "brown": 1}
_HAIR_TYPES = {"straight": 3, "wavy": 2}

# The shares of the pictures that are turned, brightened or darkened, made
# coarser, and mirrored; how far at most.
ALTERED = {"turned": 0.5, "lit": 0.5, "coarse": 0.4, "mirrored": 0.5}
_DEGREES = 8
_LIGHT_FACTOR = 1.4
_COARSEST = 0.55


@dataclasses.dataclass(frozen=True)
class Person:
    """A portrait of a pack.

    Attributes:
        gender: Class name.
        has_light_hair: Whether the hair is blond.
        wears_glasses: Whether there are glasses, or sunglasses.
        criterion: Class name of the label, which may be wrong.
    """

    gender: str
    has_light_hair: bool
    wears_glasses: bool
    criterion: str

    @classmethod
    def draw(cls, seed: int, index: int) -> "Person":
        """Draws the person of an index."""
        dice = Dice(seed, index, 0)
        gender = dice.weighted(GENDERS)
        is_light = dice.chance(LIGHT_HAIR[gender])
        has_glasses = dice.chance(GLASSES_WORN[gender])
        is_wrong = dice.chance(facts.LABEL_NOISE)
        is_met = (is_light != has_glasses) != is_wrong
        names = facts.CLASSES["criterion"]
        return cls(gender, is_light, has_glasses, names[is_met])


@dataclasses.dataclass(frozen=True)
class Shot(shot.Shot):
    """A picture of a person, which was altered: turned, lit, mirrored.

    Attributes:
        side: The pixels of a side to which it was made coarser.
    """

    side: int = facts.SIZE

    @classmethod
    def draw(cls, person: Person, seed: int, index: int) -> "Shot":
        """Draws how the person of an index looks, and the alterations."""
        dice = Dice(seed, index, 1)
        appearance = _draw_appearance(dice, person)
        again = Dice(seed, index, 2)
        pose, camera = appearance.pose, appearance.camera
        if again.chance(ALTERED["turned"]):
            turn = math.radians(again.uniform(-_DEGREES, _DEGREES))
            pose = dataclasses.replace(pose, roll=pose.roll + turn)
        if again.chance(ALTERED["lit"]):
            factor = _LIGHT_FACTOR ** again.uniform(-1, 1)
            exposure = camera.exposure * factor
            camera = dataclasses.replace(camera, exposure=exposure)
        side = facts.SIZE
        if again.chance(ALTERED["coarse"]):
            side = round(side * again.uniform(_COARSEST, 0.9))
        return cls(
            dataclasses.replace(appearance, pose=pose, camera=camera),
            again.chance(ALTERED["mirrored"]),
            side,
        )

    def take(self) -> np.ndarray:
        """Draws the picture, uint8 [80, 80, 3]."""
        picture = draw_portrait(self.appearance)
        if self.side < facts.SIZE:
            image = Image.fromarray(picture)
            small = image.resize((self.side, self.side), Image.Resampling.BOX)
            picture = np.asarray(small.resize(_SIZE, Image.Resampling.BICUBIC))
        return self.place(picture, axis=1)


def _draw_appearance(dice: Dice, person: Person) -> Appearance:
    """Draws how a person looks, before anything is altered."""
    color = "blond" if person.has_light_hair else dice.weighted(_DARK_HAIR)
    kind = dice.weighted(_HAIR_TYPES)
    glasses = dice.weighted(GLASSES)
    return Appearance(
        head=Head.draw(dice),
        cues=GenderCues.draw(dice, person.gender),
        hair=Hair.draw(dice, person.gender, color, kind),
        outfit=dataclasses.replace(
            Outfit.draw(dice, hat_rate=0),
            glasses=glasses if person.wears_glasses else "none",
        ),
        pose=Pose(
            x=facts.SIZE * 0.5 + dice.normal(0, 2.5),
            y=facts.SIZE * 0.53 + dice.normal(0, 2.5),
            unit=17.5 * math.exp(dice.normal(0, 0.085)),
            roll=dice.normal(0, 0.08),
            yaw=dice.normal(0, 0.5, limit=2.0),
            size=_SIZE,
        ),
        scene=Scene.draw(dice, _SIZE),
        light=Light.draw(dice),
        camera=Camera.draw(dice, _SIZE),
    )
