"""How a ranking is made."""

import dataclasses
from typing import Literal

from tp_keras.errors import check_range

ONCE = "once"


@dataclasses.dataclass(frozen=True)
class RankingSettings:
    """How attributes are ranked.

    Raises:
        UserError: If a number is out of its range.
    """

    quantiles: int = 3
    """Bins of numbers, with equally many rows each; equal numbers share one."""

    top: str | None = None
    """Class of the target that odds are of. Default: the last one, of a number
    the highest bin."""

    ignore: tuple[str, ...] = ()
    """Columns to leave out, such as names, or what follows from the target."""

    training_share: float = 0.8
    """Share of the rows that is ranked, and whose quantiles are the edges of
    bins. The rest tells what a regression makes of it; 1 leaves no rest."""

    copies: Literal["once", "keep"] = ONCE
    """Whether rows that repeat another count once, or each. All copies of a row
    then lie in one part, but p-values are too small."""

    bootstraps: int = 200
    """How often rows are drawn again for the intervals of ranks."""

    seed: int = 0
    """Seed of the parts and of the drawing."""

    def __post_init__(self):
        check_range(
            self,
            quantiles=(2, 20),
            training_share=(0.05, 1),
            bootstraps=(10, 10_000),
        )
