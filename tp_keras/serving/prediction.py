"""What a bundle says of one file."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The answer for one image file.

    Attributes:
        path: The file, as it was given.
        labels: The most probable class name of each task; empty on an error.
        probabilities: For each task, the probability of each class name; empty
            on an error.
        error: Why there is no answer, or None.
    """

    path: str
    labels: dict[str, str] = dataclasses.field(default_factory=dict)
    probabilities: dict[str, dict[str, float]] = dataclasses.field(
        default_factory=dict
    )
    error: str | None = None
