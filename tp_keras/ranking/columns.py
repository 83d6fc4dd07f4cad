"""Columns of a table as levels: classes as they are, numbers in bins."""

import dataclasses

import numpy as np
import pandas as pd

BINARY = "binary"
CATEGORICAL = "categorical"
NUMERIC = "numeric"

# Whole numbers of so few different values are classes.
_FEW_NUMBERS = 10

# Texts of more different values than that are names rather than classes, and
# so are those that hardly repeat.
_MOST_LEVELS = 50


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: Its name.
        kind: `"binary"` of two levels, `"categorical"` of more, `"numeric"`
            where they are bins of numbers.
        levels: Names of the levels that the training part has, in order.
        codes: Place of each row's level, int64 `[rows]`; -1 where it is not
            known, or none of those.
        numbers: The numbers, float64 `[rows]`, NaN where not known; None of
            texts.
        problem: Why nothing can be measured of it, or `""`.
    """

    name: str
    kind: str
    levels: tuple[str, ...]
    codes: np.ndarray
    numbers: np.ndarray | None = None
    problem: str = ""

    @property
    def known(self) -> np.ndarray:
        """Whether a row has a level, bool `[rows]`."""
        return self.codes >= 0


def read_column(texts: pd.Series, training: np.ndarray, bins: int) -> Column:
    """Reads a column by what its training part holds.

    Args:
        texts: Its cells as str, None where not known.
        training: Rows of the training part, bool `[rows]`. Levels and edges
            of bins are theirs.
        bins: How many bins of equally many rows a number is told by. Where
            rows tie there are fewer.
    """
    numbers = np.array(pd.to_numeric(texts, errors="coerce"), np.float64)
    is_known = texts.notna().to_numpy()
    if not np.isfinite(numbers[is_known]).all():
        own = texts[is_known & training]
        return _classes(str(texts.name), own.sort_values().unique(), texts)
    name, own = str(texts.name), numbers[is_known & training]
    values = np.unique(own)
    if len(values) <= 2 or (
        len(values) <= _FEW_NUMBERS and (values == np.rint(values)).all()
    ):
        read = _classes(name, values, numbers)
        return dataclasses.replace(read, numbers=numbers)
    edges = quantile_edges(own, bins)
    shown = [f"{edge:.4g}" for edge in edges]
    inner = map(" to ".join, zip(shown, shown[1:], strict=False))
    levels = f"up to {shown[0]}", *inner, f"above {shown[-1]}"
    codes = np.where(is_known, np.searchsorted(edges, numbers), -1)
    return Column(name, NUMERIC, levels, codes, numbers)


def quantile_edges(values: np.ndarray, bins: int) -> np.ndarray:
    """Returns the upper edges of all bins but the last, each in its bin.

    Each bin shall hold as many values as the others. Equal ones share a bin:
    then there are fewer, but two or more where two values differ.

    Args:
        values: Two or more different numbers.
        bins: How many bins are asked for, 2 or more.
    """
    edges = np.quantile(values, np.arange(1, bins) / bins)
    # An edge at the largest value would leave nothing above it.
    return np.unique(np.minimum(edges, np.unique(values)[-2]))


def _classes(name, values, cells):
    """Makes a column of which each value is a level."""
    codes = pd.Index(values).get_indexer(cells)
    is_text = isinstance(cells, pd.Series)
    levels = tuple(v if is_text else f"{v:g}" for v in values)
    repeated = len(values) <= max((codes >= 0).sum() / 2, 2)
    problem = ""
    if len(values) < 2:
        problem = "one value" if len(values) else "no value"
    elif len(values) > _MOST_LEVELS or not repeated:
        problem = f"{len(values):,} different texts"
    kind = BINARY if len(values) == 2 else CATEGORICAL
    return Column(name, kind, levels, codes.astype(np.int64), None, problem)
