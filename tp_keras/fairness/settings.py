"""How a fairness report measures."""

import dataclasses

from tp_keras.config import check_range
from tp_keras.errors import UserError


@dataclasses.dataclass(frozen=True)
class FairnessSettings:
    """How much data a figure needs, and how often it is drawn anew."""

    min_count: int = 50
    """Portraits that a class of a group needs to count in maxima, minima,
    differences and probes; smaller ones are listed."""
    num_bootstraps: int = 1000
    """Resamples of an interval."""
    num_permutations: int = 1000
    """Permutations for what a figure is when the group means nothing."""
    probe_folds: int = 5
    """Parts of the held-out portraits; a probe is tested on each, trained on
    the others."""
    probe_seeds: int = 3
    """Probes that a figure is the mean of."""
    neighbors: tuple[int, ...] = (1, 5, 10, 20, 50)
    """The lengths k of the lists of neighbours."""

    def __post_init__(self):
        """Refuses what can't be measured."""
        ranges = dict.fromkeys(vars(self), (1, 10**6))
        del ranges["neighbors"]
        check_range(self, **ranges | {"probe_folds": (2, 10**6)})
        if not self.neighbors or min(self.neighbors) < 1:
            raise UserError(
                "Expected one or more numbers of neighbours of at least 1. "
                f"Received: neighbors={self.neighbors}"
            )
