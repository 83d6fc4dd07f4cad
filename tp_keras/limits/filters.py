"""Twelve colour filters of the kind that photo apps offer, as matrices.

Written from what such filters do to a picture, not from any app: each mixes
the channels (saturation), weighs them, spreads levels about the middle and
lifts them. That is one matrix of three rows: red, green and blue of the
picture, and levels that are added.
"""

import dataclasses

import numpy as np

# How bright the channels look (ITU-R BT.601).
_LUMA = (0.299, 0.587, 0.114)

_MIDDLE = 127.5


@dataclasses.dataclass(frozen=True)
class Filter:
    """A filter by its effect.

    Attributes:
        saturation: 0 is gray, 1 leaves colours as they are.
        gains: Factors of red, green and blue.
        contrast: Factor of the distance from the middle.
        lift: Levels of 255 added to red, green and blue.
    """

    saturation: float = 1.0
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    contrast: float = 1.0
    lift: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def matrix(self) -> np.ndarray:
        """Returns the filter as a float64 matrix `[3, 4]`."""
        gray = np.tile(_LUMA, (3, 1))
        mixed = self.saturation * np.eye(3) + (1 - self.saturation) * gray
        mixed = self.contrast * np.diag(self.gains) @ mixed
        offset = _MIDDLE * (1 - self.contrast) + np.array(self.lift)
        return np.column_stack([mixed, offset])


FILTERS = {
    "warm": Filter(gains=(1.12, 1.02, 0.85)),
    "golden": Filter(1.1, (1.15, 1.05, 0.7), lift=(12, 6, 0)),
    "cool": Filter(gains=(0.88, 1.0, 1.14)),
    "rose": Filter(gains=(1.1, 0.92, 1.0), lift=(10, 0, 8)),
    "sepia": Filter(0.0, (1.08, 0.94, 0.74), lift=(14, 6, 0)),
    "faded": Filter(0.75, contrast=0.7, lift=(22, 22, 22)),
    "vintage": Filter(0.65, (1.06, 1.0, 0.85), 0.85, (16, 10, 18)),
    "muted": Filter(0.5, contrast=0.92),
    "vivid": Filter(1.6, contrast=1.15),
    "dramatic": Filter(0.7, contrast=1.55, lift=(-8, -8, -8)),
    "monochrome": Filter(0.0),
    "noir": Filter(0.0, contrast=1.6, lift=(-12, -12, -12)),
}


def apply_filter(images, name: str) -> np.ndarray:
    """Returns uint8 images `[..., 3]` seen through one of `FILTERS`."""
    matrix = FILTERS[name].matrix().astype(np.float32)
    levels = np.asarray(images, np.float32) @ matrix[:, :3].T + matrix[:, 3]
    return np.rint(levels).clip(0, 255).astype(np.uint8)
