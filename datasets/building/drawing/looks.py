"""How looks go with race, gender and age, with overlap: no cue tells alone."""

import dataclasses
from typing import NamedTuple

from .canvas import mix
from .canvas import shade
from .dice import Dice
from .hair import Hair
from .head import SKIN_TONES
from .head import GenderCues
from .head import Head


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


# By the race that a person is taken for.
LOOKS = {
    "white": Looks((0.7, 0.7), {"black": 1, "brown": 4, "blond": 3}, 0.4, 0.6,
                   1.0, 0.02, 0.97, 0.2),
    "black": Looks((4.2, 0.6), {"black": 8, "brown": 2}, 0.75, 0.04,
                   1.03, 0.015, 1.2, -0.8),
    "asian": Looks((1.4, 0.6), {"black": 7, "brown": 2}, 0.12, 0.03,
                   0.86, 0.055, 1.02, 0.1),
    "indian": Looks((3.1, 0.7), {"black": 7, "brown": 2}, 0.4, 0.06,
                    1.06, 0.025, 1.05, -0.1),
    "others": Looks((2.3, 0.9), {"black": 5, "brown": 4, "blond": 1}, 0.5, 0.2,
                    1.0, 0.03, 1.05, -0.2),
}  # fmt: skip
_DARK_EYES = ((74, 50, 34), (58, 38, 28))
_LIGHT_EYES = ((104, 72, 40), (78, 104, 74), (74, 112, 148))


class Stage(NamedTuple):
    """How much of a child and of an old person there is, 0 to 1 each."""

    child: float
    old: float

    @classmethod
    def draw(cls, dice: Dice, age: float) -> "Stage":
        """Draws how far a person of some years has come."""
        return cls(
            clip(1 - (age - 1) / 16 + dice.normal(0, 0.1)),
            clip((age - 32) / 50 + dice.normal(0, 0.1)),
        )


def clip(value: float) -> float:
    """Returns a number made at least 0 and at most 1."""
    return min(1.0, max(0.0, value))


def draw_head(dice: Dice, looks: Looks, stage: Stage) -> Head:
    """Draws a head of some looks and age."""
    child, old = stage
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
        wrinkles=clip(old * 0.95 + dice.normal(-0.03, 0.12)),
    )


def draw_cues(
    dice: Dice, looks: Looks, gender: str, child: float
) -> GenderCues:
    """Draws the cues of a gender, for some looks and age."""
    cues = GenderCues.draw(dice, gender)
    # Children differ less.
    share = 1 - 0.65 * child
    return GenderCues(
        brow=cues.brow * share - child,
        jaw=cues.jaw * share,
        lips=cues.lips * share + looks.lips,
        lashes=cues.lashes * share,
        beard="none" if child > 0.1 else cues.beard,
    )


def turn_gray(dice: Dice, hair: Hair, old: float) -> Hair:
    """Returns hair that has turned gray with age, or begun to."""
    gray = clip(1.3 * old + dice.normal(-0.15, 0.2))
    level = dice.uniform(120, 215)
    color = mix(hair.color, (level, level, level), gray)
    return dataclasses.replace(
        hair,
        color=color,
        highlight=shade(color, dice.uniform(1.2, 1.5)),
    )


def age_hair(hair: Hair, gender: str, age: float, old: float) -> Hair:
    """Returns hair as it lies at an age in years, in its own colour."""
    return dataclasses.replace(
        hair,
        hairline=hair.hairline
        - 0.28 * old * (1.0 if gender == "male" else 0.3),
        fringe=hair.fringe * (1 - old),
        volume=hair.volume * (0.5 if age < 3 else 1 - 0.5 * old),
        # The hair of babies is short.
        **({"length": -0.2, "locks": 0.0} if age < 3 else {}),
    )
