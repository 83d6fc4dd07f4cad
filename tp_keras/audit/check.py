"""What every check of an audit returns."""

import dataclasses
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
import pandas as pd


@dataclasses.dataclass(frozen=True)
class Measured:
    """What a check has found.

    Attributes:
        records: The fields of its records but seed and data set, as
            `tp_keras.evaluation.figures` makes them.
        lists: Name -> table, the worst first, which is written as
            `<name>.csv`. A portrait is told by the columns `split` and `index`
            (of pairs `other_split` and `other_index`).
        drawn: Name -> array that a plot needs beyond the records, such as
            the rows of a gallery or a mean face.
    """

    records: Sequence[Mapping]
    lists: Mapping[str, pd.DataFrame] = dataclasses.field(default_factory=dict)
    drawn: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Peculiarity:
    """One plain sentence on what is unusual about a data set.

    Attributes:
        weight: From 0, what one would expect, to 1; what is shown first.
        text: The sentence, with its figures.
    """

    weight: float
    text: str
