"""Who is portrayed: labels with overlapping cues in the picture.

A person is settled by seed and index alone, so it is the same in a pack of any
size. No cue tells a label alone, and some labels contradict their picture.
"""

import dataclasses
import math
from typing import NamedTuple

import numpy as np

from ...building.drawing.camera import Camera
from ...building.drawing.camera import Light
from ...building.drawing.canvas import Pose
from ...building.drawing.canvas import mix
from ...building.drawing.canvas import shade
from ...building.drawing.dice import Dice
from ...building.drawing.hair import Hair
from ...building.drawing.head import SKIN_TONES
from ...building.drawing.head import GenderCues
from ...building.drawing.head import Head
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


class Looks(NamedTuple):
    """The cues of a race: means of overlapping distributions.

    Attributes:
        tone: Position in `SKIN_TONES`, and its spread.
        hair: Weights of the hair colours.
        wavy: The share of wavy hair.
        light_eyes: The share of light eyes.
        eye_size: About 1.
        eye_tilt: In face units.
        nose: About 1.
        lips: Added to that cue of gender; negative is fuller.
    """

    tone: tuple[float, float]
    hair: dict[str, float]
    wavy: float
    light_eyes: float
    eye_size: float
    eye_tilt: float
    nose: float
    lips: float


_LOOKS = (
    Looks((0.7, 0.7), {"black": 1, "brown": 4, "blond": 3}, 0.4, 0.6,
          1.0, 0.02, 0.97, 0.2),
    Looks((4.2, 0.6), {"black": 8, "brown": 2}, 0.75, 0.04,
          1.03, 0.015, 1.2, -0.8),
    Looks((1.4, 0.6), {"black": 7, "brown": 2}, 0.12, 0.03,
          0.86, 0.055, 1.02, 0.1),
    Looks((3.1, 0.7), {"black": 7, "brown": 2}, 0.4, 0.06,
          1.06, 0.025, 1.05, -0.1),
    Looks((2.3, 0.9), {"black": 5, "brown": 4, "blond": 1}, 0.5, 0.2,
          1.0, 0.03, 1.05, -0.2),
)  # fmt: skip
_DARK_EYES = ((74, 50, 34), (58, 38, 28))
_LIGHT_EYES = ((104, 72, 40), (78, 104, 74), (74, 112, 148))


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
            shown_race = dice.integer(len(_LOOKS))
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
    # How much of a child and of an old person there is.
    child = _clip(1 - (age - 1) / 16 + dice.normal(0, 0.1))
    old = _clip((age - 32) / 50 + dice.normal(0, 0.1))
    looks = _LOOKS[race]
    fault = "grayscale" if dice.chance(GRAYSCALE_RATE) else None
    appearance = Appearance(
        head=_draw_head(dice, looks, child, old),
        cues=_draw_cues(dice, looks, gender, child),
        hair=_draw_hair(dice, looks, gender, age, old),
        outfit=dataclasses.replace(
            Outfit.draw(dice, hat_rate=0.03),
            **({"glasses": "none"} if age < 5 else {}),
        ),
        # Aligned by the eyes, and cut out tightly.
        pose=Pose(
            x=facts.SIZE * 0.5 + dice.normal(0, 4),
            y=facts.SIZE * (0.53 + 0.03 * child) + dice.normal(0, 4),
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


def _clip(value: float) -> float:
    return min(1.0, max(0.0, value))


def _draw_head(dice: Dice, looks: Looks, child: float, old: float) -> Head:
    head = Head.draw(dice)
    mean, spread = looks.tone
    tone = min(len(SKIN_TONES) - 1.001, max(0.0, dice.normal(mean, spread)))
    skin = mix(SKIN_TONES[int(tone)], SKIN_TONES[int(tone) + 1], tone % 1)
    tint = dice.normal(0, 0.02)
    is_light = dice.chance(looks.light_eyes)
    return dataclasses.replace(
        head,
        skin=(skin[0] * (1 + tint), skin[1], skin[2] * (1 - 2 * tint)),
        iris=dice.choice(_LIGHT_EYES if is_light else _DARK_EYES),
        width=head.width * (1 + 0.05 * child),
        height=head.height * (1 - 0.2 * child + 0.04 * old),
        eye_size=head.eye_size
        * looks.eye_size
        * (1 + 0.34 * child - 0.1 * old),
        eye_tilt=head.eye_tilt + looks.eye_tilt - 0.02 - 0.03 * old,
        nose=head.nose * looks.nose * (1 - 0.2 * child + 0.12 * old),
        blush=head.blush + 0.06 * child,
        wrinkles=_clip(old * 0.95 + dice.normal(-0.03, 0.12)),
    )


def _draw_cues(
    dice: Dice, looks: Looks, gender: int, child: float
) -> GenderCues:
    cues = GenderCues.draw(dice, facts.CLASSES["gender"][gender])
    # Children differ less.
    share = 1 - 0.65 * child
    return GenderCues(
        brow=cues.brow * share - child,
        jaw=cues.jaw * share,
        lips=cues.lips * share + looks.lips,
        lashes=cues.lashes * share,
        beard="none" if child > 0.1 else cues.beard,
    )


def _draw_hair(
    dice: Dice, looks: Looks, gender: int, age: float, old: float
) -> Hair:
    is_man = facts.CLASSES["gender"][gender] == "male"
    is_bald = dice.chance(0.35 if age < 2 else 0.3 * old * is_man)
    kind = "wavy" if dice.chance(looks.wavy) else "straight"
    hair = Hair.draw(
        dice,
        facts.CLASSES["gender"][gender],
        dice.weighted(looks.hair),
        "bald" if is_bald else kind,
    )
    gray = _clip(1.3 * old + dice.normal(-0.15, 0.2))
    level = dice.uniform(120, 215)
    color = mix(hair.color, (level, level, level), gray)
    return dataclasses.replace(
        hair,
        color=color,
        highlight=shade(color, dice.uniform(1.2, 1.5)),
        hairline=hair.hairline - 0.28 * old * (1.0 if is_man else 0.3),
        fringe=hair.fringe * (1 - old),
        volume=hair.volume * (0.5 if age < 3 else 1 - 0.5 * old),
        # The hair of babies is short.
        **({"length": -0.2, "locks": 0.0} if age < 3 else {}),
    )
