"""How generated portraits are measured."""

import dataclasses

from tp_keras.errors import UserError


@dataclasses.dataclass(frozen=True)
class GenerationSettings:
    """How much is drawn for a figure, and where chance starts."""

    temperature: float = 1.0
    """Scale of the noise of the generated portraits; figures of others than 1
    don't compare."""
    samples_per_cell: int = 200
    """Portraits generated for each cell, a combination of the classes that the
    generator is told."""
    min_count: int = 20
    """Real test portraits that a cell needs for its fidelity to be measured."""
    network_epochs: int = 8
    """Passes in which the small networks are trained."""
    max_test: int = 2000
    """Test portraits used at most; as many are generated."""
    max_training: int = 5000
    """Training portraits used at most: by eigenfaces, by the classifiers that
    are trained on candidates, and by the search for copies."""
    seed: int = 0
    """Where chance starts."""

    def __post_init__(self):
        """Refuses what can't be measured."""
        if not 0 < self.temperature <= 10:
            raise UserError(
                "Expected a temperature above 0, at most 10; 1 is what "
                "training has learned. "
                f"Received: temperature={self.temperature}"
            )
        for name, least in (
            ("samples_per_cell", 2),
            ("min_count", 1),
            ("network_epochs", 1),
            ("max_test", 65),
            ("max_training", 65),
            ("seed", 0),
        ):
            if getattr(self, name) < least:
                raise UserError(
                    f"Expected {name} of at least {least}. "
                    f"Received: {name}={getattr(self, name)}"
                )

    @property
    def caption(self) -> str:
        """What stands on every picture of generated portraits."""
        return f"temperature {self.temperature:g}, seed {self.seed}"
