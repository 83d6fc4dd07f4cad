"""How a fairness report measures."""

import dataclasses

from tp_keras.errors import UserError


@dataclasses.dataclass(frozen=True)
class FairnessSettings:
    """How much data a figure needs, and how often it is drawn anew."""

    min_count: int = 50
    """Portraits that a class of a group needs to count in maxima,
    minima, differences and probes; smaller groups are listed."""
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
        for name in (
            "min_count",
            "num_bootstraps",
            "num_permutations",
            "probe_seeds",
        ):
            self._require(name, 1)
        self._require("probe_folds", 2)
        if not self.neighbors or min(self.neighbors) < 1:
            raise UserError(
                "Expected at least one number of neighbours, all of at least "
                f"1. Received: neighbors={self.neighbors}"
            )

    def _require(self, name, least):
        if getattr(self, name) < least:
            raise UserError(
                f"Expected {name} of at least {least}. "
                f"Received: {name}={getattr(self, name)}"
            )
