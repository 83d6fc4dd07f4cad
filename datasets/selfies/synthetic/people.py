"""Who is portrayed, what the row of the table says, and how popular it is.

A person is settled by seed and index alone, so it is the same in a pack of any
size. What can't be drawn is not known in any row.
"""

import dataclasses

from ...building.drawing.dice import Dice
from .. import facts

# Shares of all, about those of 5,034, 5,317 and 5,500 real rows that say it.
GENDERS = {"female": 0.68, "male": 0.32}
AGES = {"baby": 0.145, "child": 0.115, "teenager": 0.205, "youth": 0.335,
        "middle_age": 0.105, "senior": 0.095}  # fmt: skip
RACES = {"white": 0.56, "black": 0.06, "asian": 0.08, "indian": 0.12,
         "others": 0.18}  # fmt: skip
FACE_SHAPES = {"oval": 0.62, "round": 0.25, "heart": 0.13}

# The years of each group.
YEARS = {
    "baby": (0, 2),
    "child": (4, 10),
    "teenager": (12, 19),
    "youth": (20, 35),
    "middle_age": (40, 58),
    "senior": (62, 88),
}

# Colours of hair by race, and what becomes of it at some ages.
_LIGHT_RACES = {"brown": 0.48, "blond": 0.24, "black": 0.16, "red": 0.12}
_DARK_RACES = {"black": 0.7, "brown": 0.27, "blond": 0.02, "red": 0.01}
_GRAY = {"middle_age": 0.15, "senior": 0.75}
_BALD = {"baby": 0.3, "middle_age": 0.06, "senior": 0.12}
_CURLY = 0.38

# How often an attribute is shown, of those whom it may be shown of.
SHOWN = {
    "smiling": 0.3,
    "wearing_glasses": 0.1,
    "wearing_sunglasses": 0.07,
    "wearing_lipstick": 0.25,
    "wearing_hat": 0.07,
    "partial_faces": 0.18,
    "harsh_lighting": 0.06,
    "dim_lighting": 0.06,
}
_DRESSED_UP = ("teenager", "youth", "middle_age", "senior")
DRAWN = (*SHOWN, "straight_hair", "curly_hair")

# What a row says instead of what is shown: the share of labels that say the
# contrary (of a group, another class); of rows without a class of a group, or
# with the next one as well; of genders not known.
LABEL_NOISE = 0.02
NONE_SET = {"age_group": 0.025, "face_shape": 0.18, "hair_color": 0.12}
SEVERAL_SET = {"age_group": 0.01, "hair_color": 0.005}
GENDER_UNKNOWN = 0.08

# So many babies and seniors are followed by a second picture of the same
# person, with the same row under another name.
REPEATED = ("baby", "senior")
REPEAT_RATE = 0.2

# Popularity is the sum of the base and of what is shown, and chance.
BASE = 4.1
EFFECTS = {"female": 0.4, "youth": 0.25, "teenager": 0.15, "baby": -0.35,
           "senior": -0.25, "straight_hair": 0.15, "wearing_lipstick": 0.15,
           "smiling": 0.1, "partial_faces": -0.2,
           "dim_lighting": -0.3}  # fmt: skip
CHANCE = 0.45  # its standard deviation, cut at 2.5 of them


@dataclasses.dataclass(frozen=True)
class Person:
    """A portrait of a pack.

    Attributes:
        source: The index whose person is portrayed: its own, or one less.
        gender: Class name.
        years: The age.
        age_group: Class name.
        race: Class name, or `"indian"` or `"others"`, which have no flag.
        face_shape: Class name.
        hair_color: Class name, or `"gray"` or `"bald"`, which have no flag.
        attributes: Which of `DRAWN` are shown.
        expected: The popularity without chance.
        popularity: As the row says it, of three decimals.
        flags: Of the row, by name; 0 is not known.
    """

    source: int
    gender: str
    years: float
    age_group: str
    race: str
    face_shape: str
    hair_color: str
    attributes: frozenset[str]
    expected: float
    popularity: float
    flags: dict[str, int]

    @classmethod
    def draw(cls, seed: int, index: int) -> "Person":
        """Draws the person of an index."""
        source = index - _is_repeat(seed, index)
        dice = Dice(seed, source, 0)
        shown = _draw_shown(dice)
        told = [shown["gender"], shown["age_group"], *shown["attributes"]]
        # Not in the order of a set, in which sums may differ.
        expected = BASE + sum(EFFECTS[e] for e in EFFECTS if e in told)
        popularity = round(expected + dice.normal(0, CHANCE), 3)
        flags = _draw_flags(dice, shown)
        return cls(
            source,
            **shown,
            expected=expected,
            popularity=popularity,
            flags=flags,
        )


def _is_repeat(seed: int, index: int) -> bool:
    return (
        index > 0
        and Dice(seed, index, 1).chance(REPEAT_RATE)
        and _draw_shown(Dice(seed, index - 1, 0))["age_group"] in REPEATED
        and not _is_repeat(seed, index - 1)
    )


def _draw_shown(dice: Dice) -> dict:
    """Draws what the picture shows, by the attributes of a `Person`."""
    gender, age_group = dice.weighted(GENDERS), dice.weighted(AGES)
    race = dice.weighted(RACES)
    color = dice.weighted(_LIGHT_RACES if race == "white" else _DARK_RACES)
    if dice.chance(_GRAY.get(age_group, 0)):
        color = "gray"
    may_be_bald = gender == "male" or age_group == "baby"
    if dice.chance(_BALD.get(age_group, 0) * may_be_bald):
        color = "bald"
    attributes = {name for name in SHOWN if dice.chance(SHOWN[name])}
    if age_group not in _DRESSED_UP:
        attributes -= {"wearing_glasses", "wearing_sunglasses"}
    if age_group not in _DRESSED_UP or gender == "male":
        attributes -= {"wearing_lipstick"}
    # Of what excludes each other one is left.
    if "wearing_sunglasses" in attributes:
        attributes -= {"wearing_glasses"}
    if "dim_lighting" in attributes:
        attributes -= {"harsh_lighting"}
    is_curly = dice.chance(_CURLY)
    if color != "bald":
        attributes.add("curly_hair" if is_curly else "straight_hair")
    return {
        "gender": gender,
        "years": dice.uniform(*YEARS[age_group]),
        "age_group": age_group,
        "race": race,
        "face_shape": dice.weighted(FACE_SHAPES),
        "hair_color": color,
        "attributes": frozenset(attributes),
    }


def _draw_flags(dice: Dice, shown: dict) -> dict[str, int]:
    """Draws what the row says of what is shown."""
    flags = dict.fromkeys(facts.FLAGS, 0)
    for name in DRAWN:
        is_right = not dice.chance(LABEL_NOISE)
        flags[name] = 1 if (name in shown["attributes"]) == is_right else -1
    is_right = not dice.chance(LABEL_NOISE)
    flags[facts.GENDER_FLAG] = (
        1 if (shown["gender"] == "female") == is_right else -1
    )
    if dice.chance(GENDER_UNKNOWN):
        flags[facts.GENDER_FLAG] = 0
    for task, names in facts.GROUPS.items():
        flags |= dict.fromkeys(names.values(), -1)
        classes, name = [*names], shown[task]
        if dice.chance(LABEL_NOISE):
            name = dice.choice(classes)
        if name not in classes or dice.chance(NONE_SET.get(task, 0)):
            continue
        flags[names[name]] = 1
        if dice.chance(SEVERAL_SET.get(task, 0)):
            place = (classes.index(name) + 1) % len(classes)
            flags[names[classes[place]]] = 1
    return flags
