"""Which portraits a pack holds, what each shows and what its label says.

Everything here is settled by the seed alone for all possible indices at once,
so a portrait is the same in a pack of any size.
"""

import dataclasses

import numpy as np

from .. import facts

GENDERS = facts.CLASSES["gender"]
COLORS = facts.CLASSES["hair_color"]
TYPES = facts.CLASSES["hair_type"]

# The stand-in for `n/a`, after the real classes.
MISSING = -1

# How many of the 134,734 real rows carry each pair of hair labels, for women
# and for men. Rows: `COLORS`, then `n/a`; columns: `TYPES`, then `n/a`.
JOINT_COUNTS = np.array(
    [
        [
            [3440, 6726, 0, 6341],
            [2996, 12245, 0, 6029],
            [3848, 9817, 0, 5949],
            [58, 413, 1, 358],
            [0, 0, 8, 0],
            [3990, 11414, 0, 10599],
        ],
        [
            [5709, 2149, 29, 8183],
            [2217, 2267, 0, 3772],
            [299, 235, 1, 381],
            [800, 299, 548, 2203],
            [10, 4, 1803, 0],
            [4006, 2636, 0, 12951],
        ],
    ]
)

# How many portraits of each split there are in the real data set.
SPLIT_COUNTS = {"train": 107_818, "validation": 13_536, "test": 13_380}

# The share of the labels that contradict the picture. A hair label is only
# ever mistaken for its neighbour, and bald is never mistaken.
LABEL_NOISE = {"gender": 0.01, "hair_color": 0.03, "hair_type": 0.04}
_MISTAKEN_COLORS = {
    "black": ("brown", "brown"),
    "brown": ("black", "blond"),
    "blond": ("brown", "brown"),
    "gray": ("black", "blond"),
}

# The share of pictures that are a second shot of the portrait one index before.
NEAR_DUPLICATE_RATE = 0.01

# The share of pictures that nobody can label well, by what is wrong with them.
OUTLIER_RATES = {"grayscale": 0.01, "empty": 0.0015, "ruined": 0.0015}


@dataclasses.dataclass(frozen=True)
class LabelTable:
    """Labels and content of every index from 0 to `facts.INDEX_END` - 1.

    Attributes:
        labels: int8 array [index, 3]: gender, hair_color and hair_type as the
            attribute file has them, -1 where missing.
        shown: int8 array [index, 3]: what the picture shows, never missing.
        source: int32 array [index]: the index whose person is portrayed; the
            index itself, or one less for a near duplicate.
        outlier: int8 array [index]: position in `OUTLIER_RATES`, or -1.
    """

    labels: np.ndarray
    shown: np.ndarray
    source: np.ndarray
    outlier: np.ndarray

    @classmethod
    def draw(cls, seed: int) -> "LabelTable":
        """Draws the table of `seed`."""
        generator = np.random.default_rng([seed, 1])
        size = facts.INDEX_END
        cell = _pick(JOINT_COUNTS.ravel(), generator.random(size))
        gender, color, hair = np.unravel_index(cell, JOINT_COUNTS.shape)
        labels = np.stack([gender, color, hair], axis=1).astype(np.int8)
        labels[labels[:, 1] == len(COLORS), 1] = MISSING
        labels[labels[:, 2] == len(TYPES), 2] = MISSING
        source = _draw_sources(generator.random(size))
        labels = labels[source]
        shown = _fill_missing(labels, generator.random(size)[source])
        shown = _mistake(labels, shown, generator.random((4, size)))
        rates = [*OUTLIER_RATES.values(), 1 - sum(OUTLIER_RATES.values())]
        outlier = _pick(np.array(rates), generator.random(size)).astype(np.int8)
        outlier[outlier == len(OUTLIER_RATES)] = -1
        return cls(labels, shown, source, outlier)


def _pick(weights: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Turns uniform numbers into positions in `weights`, by their shares."""
    cumulative = np.cumsum(weights / weights.sum())
    return np.searchsorted(cumulative[:-1], uniform, side="right")


def _draw_sources(uniform: np.ndarray) -> np.ndarray:
    """Returns the index portrayed by each index; no chains, no mixed splits."""
    second_shot = uniform < NEAR_DUPLICATE_RATE
    second_shot[[begin for begin, _ in facts.SPLIT_RANGES.values()]] = False
    second_shot[1:] &= ~second_shot[:-1]
    return np.arange(len(uniform), dtype=np.int32) - second_shot


def _fill_missing(labels: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Draws a class for every missing label, given the row's other labels."""
    shown = labels.copy()
    labelled = JOINT_COUNTS[:, :-1, :-1].astype(float)
    for gender in range(len(GENDERS)):
        of_gender = labels[:, 0] == gender
        for color in range(-1, len(COLORS)):
            for hair in range(-1, len(TYPES)):
                rows = np.flatnonzero(
                    of_gender & (labels[:, 1] == color) & (labels[:, 2] == hair)
                )
                if min(color, hair) > MISSING or not len(rows):
                    continue
                weights = np.zeros_like(labelled[gender])
                box = (
                    slice(None) if color < 0 else color,
                    slice(None) if hair < 0 else hair,
                )
                weights[box] = labelled[gender][box]
                picked = _pick(weights.ravel(), uniform[rows])
                shown[rows, 1], shown[rows, 2] = np.unravel_index(
                    picked, weights.shape
                )
    return shown


def _mistake(labels, shown, uniform) -> np.ndarray:
    """Lets the picture show another class than its label says, at times."""
    shown = shown.copy()
    wrong = uniform[0] < LABEL_NOISE["gender"]
    shown[wrong, 0] = 1 - shown[wrong, 0]
    for color, mistaken in _MISTAKEN_COLORS.items():
        wrong = labels[:, 1] == COLORS.index(color)
        wrong &= uniform[1] < LABEL_NOISE["hair_color"]
        shown[wrong, 1] = np.where(
            uniform[3][wrong] < 0.5, *(COLORS.index(name) for name in mistaken)
        )
    wrong = np.isin(labels[:, 2], (0, 1))
    wrong &= uniform[2] < LABEL_NOISE["hair_type"]
    shown[wrong, 2] = 1 - shown[wrong, 2]
    return shown


def choose_indices(count: int, seed: int, source: np.ndarray) -> np.ndarray:
    """Chooses the ascending indices of a pack, in the real split proportions.

    Args:
        count: The number of portraits, 1 to 134,734.
        seed: The seed of the pack.
        source: `LabelTable.source`; a near duplicate is chosen right after its
            source, so that small packs hold their share of them.

    Returns:
        An int32 array [count].
    """
    priority = np.random.default_rng([seed, 2]).random(facts.INDEX_END)
    priority = priority[source]
    chosen = []
    for split, share in _share_out(count).items():
        begin, end = facts.SPLIT_RANGES[split]
        order = np.argsort(priority[begin:end], kind="stable")[:share]
        chosen.append(np.sort(order) + begin)
    return np.concatenate(chosen).astype(np.int32)


def _share_out(count: int) -> dict[str, int]:
    """Splits `count` by largest remainders in the real proportions."""
    total = sum(SPLIT_COUNTS.values())
    shares = {name: count * n // total for name, n in SPLIT_COUNTS.items()}
    by_remainder = sorted(
        SPLIT_COUNTS, key=lambda name: -(count * SPLIT_COUNTS[name] % total)
    )
    for name in by_remainder[: count - sum(shares.values())]:
        shares[name] += 1
    return shares


def label_names(row) -> tuple[str, str, str]:
    """Returns the words that the attribute file has for a row of labels."""
    names = (GENDERS, COLORS, TYPES)
    return tuple(
        facts.MISSING_LABEL if value == MISSING else classes[value]
        for classes, value in zip(names, row, strict=True)
    )
