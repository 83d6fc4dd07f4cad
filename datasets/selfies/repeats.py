"""Which rows of the table repeat another: for work on the table alone.

The table repeats people of rare ages under other names. What is learned from
one of them, and judged by another, is judged by what it was shown.
"""

import numpy as np
import pandas as pd

from ..building.errors import DatasetInputError
from .table import COLUMNS


def group_rows(table: pd.DataFrame) -> np.ndarray:
    """Returns the group of each row; rows equal but for their name are one.

    Args:
        table: A column for each of `COLUMNS` but, maybe, the name; what else
            there is doesn't matter. Cells may be numbers or texts, flags that
            are not known 0 or missing.

    Returns:
        int64 [rows], counted from 0 in the order of the first rows.

    Raises:
        DatasetInputError: If a column is not there, or holds something else
            than numbers.

    Example:
        >>> groups = group_rows(read_table(path, layout))
        >>> train = groups % 5 > 0  # No group lies on both sides.
    """
    names = [*COLUMNS[1:]]
    if absent := [name for name in names if name not in table]:
        raise DatasetInputError(
            "Expected the columns of the Selfie data set. Received a table "
            f"without {', '.join(absent)}"
        )
    numbers = {}
    for name in names:
        try:
            numbers[name] = pd.to_numeric(table[name])
        except (ValueError, TypeError) as error:
            raise DatasetInputError(
                f"Expected numbers in the column {name}. Received: {error}"
            ) from None
    # What is not known is 0 in the file.
    rows = pd.DataFrame(numbers).astype(np.float64).fillna(0)
    return rows.groupby(names, sort=False).ngroup().to_numpy(np.int64)


def count_repeats(groups: np.ndarray) -> dict[str, int]:
    """Returns how many rows there are, in how many groups, and repeated.

    Args:
        groups: What `group_rows` returns.

    Returns:
        The numbers of `rows`, of `groups`, of `repeated rows` (those of groups
        of several) and of the rows of the `largest group`.

    Example:
        >>> count_repeats(np.array([0, 1, 0, 2]))["repeated rows"]
        2
    """
    sizes = np.bincount(groups)
    return {
        "rows": int(sizes.sum()),
        "groups": len(sizes),
        "repeated rows": int(sizes[sizes > 1].sum()),
        "largest group": int(sizes.max(initial=0)),
    }
