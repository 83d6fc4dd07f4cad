"""A picture that may have been mirrored."""

import dataclasses

import numpy as np

from .portrait import Appearance
from .portrait import draw_portrait


@dataclasses.dataclass(frozen=True)
class Shot:
    """A picture of a person.

    Attributes:
        appearance: What is before the camera.
        is_mirrored: Whether left and right are exchanged.
    """

    appearance: Appearance
    is_mirrored: bool = False

    def take(self) -> np.ndarray:
        """Draws the picture, uint8 [height, width, 3]."""
        return self.place(draw_portrait(self.appearance), axis=1)

    def place(self, planes: np.ndarray, axis: int) -> np.ndarray:
        """Returns what was drawn as the picture shows it: mirrored or not.

        Args:
            planes: What was drawn.
            axis: That of the columns.
        """
        return np.flip(planes, axis) if self.is_mirrored else planes
