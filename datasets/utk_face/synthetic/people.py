"""Who is portrayed: labels with overlapping cues in the picture.

A person is settled by seed and index alone, so it is the same in a pack of any
size. No cue tells a label alone, and some labels contradict their picture.
"""

import dataclasses
import math

import numpy as np

from ...building.drawing.camera import Camera
from ...building.drawing.camera import Light
from ...building.drawing.canvas import Pose
from ...building.drawing.dice import Dice
from ...building.drawing.hair import Hair
from ...building.drawing.looks import LOOKS
from ...building.drawing.looks import Looks
from ...building.drawing.looks import Stage
from ...building.drawing.looks import age_hair
from ...building.drawing.looks import draw_cues
from ...building.drawing.looks import draw_head
from ...building.drawing.looks import turn_gray
from ...building.drawing.outfit import Outfit
from ...building.drawing.portrait import Appearance
from ...building.drawing.scene import Scene
from .. import facts
from ..labels import MISSING

_SIZE = (facts.SIZE, facts.SIZE)

# Pictures of 9,003 real files by gender and race.
JOINT_COUNTS = ((2137, 809, 636, 805, 299), (1783, 848, 684, 629, 370))

# How many of them are of some ages, those between follow a line. Ages that end
# in 0 or 5 are given more often than the others, and one age above all.
_AGES = {
    0: 5, 1: 490, 2: 210, 4: 110, 7: 75, 8: 105, 12: 50, 18: 95, 21: 135,
    24: 260, 25: 160, 26: 290, 28: 300, 30: 160, 36: 150, 40: 105, 45: 70,
    60: 65, 70: 30, 85: 20, 92: 4, 116: 1,
}  # fmt: skip
_MODE, _MODE_FACTOR, _HEAP_FACTOR = 26, 2.6, 1.7

# How much more often than that children are of a race.
_CHILDREN = (1.0, 0.5, 1.7, 0.9, 1.4)

# The share of labels that contradict the picture, of names without a race, and
# of pictures that are a second shot of the person before.
LABEL_NOISE = {"gender": 0.01, "race": 0.03}
AGE_SPREAD = 0.08  # of the age, how far people look from it
NO_RACE_RATE = 0.005
NEAR_DUPLICATE_RATE = 0.01
GRAYSCALE_RATE = 0.03


@dataclasses.dataclass(frozen=True)
class Person:
    """A portrait of a pack.

    Attributes:
        age: In years.
        gender: Integer label.
        race: Integer label, -1 where the name leaves it out.
        shown: Age, gender and race that the picture shows.
        source: The index whose person is portrayed: its own, or one less.
    """

    age: int
    gender: int
    race: int
    shown: tuple[float, int, int]
    source: int

    @classmethod
    def draw(cls, seed: int, index: int) -> "Person":
        """Draws the person of an index."""
        source = index - _is_second_shot(seed, index)
        dice = Dice(seed, source, 0)
        cells = {(g, r): n for g, row in enumerate(JOINT_COUNTS)
                 for r, n in enumerate(row)}  # fmt: skip
        gender, race = dice.weighted(cells)
        age = dice.weighted(_AGE_WEIGHTS[race])
        look = max(0.0, age * (1 + dice.normal(0, AGE_SPREAD)))
        shown_gender, shown_race = gender, race
        if dice.chance(LABEL_NOISE["gender"]):
            shown_gender = 1 - gender
        if dice.chance(LABEL_NOISE["race"]):
            shown_race = dice.integer(len(LOOKS))
        if dice.chance(NO_RACE_RATE):
            race = MISSING
        return cls(age, gender, race, (look, shown_gender, shown_race), source)


def _is_second_shot(seed: int, index: int) -> bool:
    return (
        index > 0
        and Dice(seed, index, 1).chance(NEAR_DUPLICATE_RATE)
        and not _is_second_shot(seed, index - 1)
    )


def _weigh_ages(children: float) -> dict[int, float]:
    ages = np.arange(facts.OLDEST + 1)
    weights = np.interp(ages, list(_AGES), list(_AGES.values()))
    weights[5::5] *= _HEAP_FACTOR
    weights[_MODE] *= _MODE_FACTOR
    weights[:18] *= children
    return dict(enumerate(weights.tolist()))


_AGE_WEIGHTS = [_weigh_ages(children) for children in _CHILDREN]


def draw_appearance(person: Person, seed: int, index: int) -> Appearance:
    """Draws how the person of an index looks, and the picture is taken."""
    dice = Dice(seed, person.source, 2)
    age, gender, race = person.shown
    gender = facts.CLASSES["gender"][gender]
    stage = Stage.draw(dice, age)
    looks = LOOKS[facts.CLASSES["race"][race]]
    fault = "grayscale" if dice.chance(GRAYSCALE_RATE) else None
    appearance = Appearance(
        head=draw_head(dice, looks, stage),
        cues=draw_cues(dice, looks, gender, stage.child),
        hair=_draw_hair(dice, looks, gender, age, stage.old),
        outfit=dataclasses.replace(
            Outfit.draw(dice, hat_rate=0.03),
            **({"glasses": "none"} if age < 5 else {}),
        ),
        # Aligned by the eyes, and cut out tightly.
        pose=Pose(
            x=facts.SIZE * 0.5 + dice.normal(0, 4),
            y=facts.SIZE * (0.53 + 0.03 * stage.child) + dice.normal(0, 4),
            unit=67 * math.exp(dice.normal(0, 0.05)),
            roll=dice.normal(0, 0.05),
            yaw=dice.normal(0, 0.4, limit=2.0),
            size=_SIZE,
        ),
        scene=Scene.draw(dice, _SIZE),
        light=Light.draw(dice),
        camera=Camera.draw(dice, _SIZE, fault),
    )
    if person.source == index:
        return appearance
    again = Dice(seed, index, 3)
    return dataclasses.replace(
        appearance,
        camera=Camera.draw(again, _SIZE, fault),
    )


def _draw_hair(
    dice: Dice, looks: Looks, gender: str, age: float, old: float
) -> Hair:
    is_bald = dice.chance(0.35 if age < 2 else 0.3 * old * (gender == "male"))
    kind = "wavy" if dice.chance(looks.wavy) else "straight"
    kind = "bald" if is_bald else kind
    hair = Hair.draw(dice, gender, dice.weighted(looks.hair), kind)
    return age_hair(turn_gray(dice, hair, old), gender, age, old)
