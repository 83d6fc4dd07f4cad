"""Where face, hair, clothes and background of portraits are."""

from collections.abc import Iterable
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tqdm

from .drawing.portrait import Appearance
from .drawing.portrait import render
from .drawing.shot import Shot
from .errors import DatasetInputError
from .pictures import cut_planes
from .prepare import find_builder_class

# As `render` tells them, and what is none of these.
_NAMES = ("face", "hair", "clothes", "background")

# Portraits that a mean is made of.
_DRAWN = 300


class Regions(NamedTuple):
    """The share of each pixel that belongs to each region.

    Attributes:
        shares: Name -> float32 [count, height, width]; they add up to 1.
        face: None where there is one for each portrait, as it was drawn; else
            `count` is 1, and this the mean of drawn portraits that they are
            of, float64 [height, width, 3], of any size.
    """

    shares: dict[str, np.ndarray]
    face: np.ndarray | None


def find_regions(dataset: str, indices: Sequence[int]) -> Regions | None:
    """Returns where the regions of some portraits are.

    Drawn portraits are drawn again, so nothing of it lies in the data set. Of
    others it is the mean of portraits that are drawn in their place: face is
    all skin, clothes are glasses and hats as well.

    Args:
        dataset: Name such as `"tiny_portraits/synthetic"`.
        indices: The `image_index` of each portrait.

    Returns:
        The regions, or None where the data set draws no portraits, or is none
        of the folders here.
    """
    name, variant, *_ = f"{dataset}/".split("/")
    try:
        builder = find_builder_class(name)
        config = builder.VARIANTS.find(variant)
    except DatasetInputError:
        return None
    if not builder.VARIANTS.counts:
        return None
    if config.is_synthetic:
        return Regions(builder.draw_regions(config, indices), None)
    sizes = builder.VARIANTS.sizes
    size = f"{config.size[0]}x{config.size[1]}" if len(sizes) > 1 else None
    drawn = builder.VARIANTS.find(count=_DRAWN, image_size=size)
    shares = builder.draw_regions(drawn, range(_DRAWN))
    means = {name: x.mean(0, keepdims=True) for name, x in shares.items()}
    return Regions(means, np.mean(builder.draw_samples(_DRAWN), axis=0))


def regions_of(
    appearances: Iterable[Appearance], count: int
) -> dict[str, np.ndarray]:
    """Returns name -> shares of the pixels of drawn portraits.

    Args:
        appearances: What they show.
        count: How many there are.

    Returns:
        Float32 arrays [count, height, width].
    """
    drawn = []
    for look in tqdm.tqdm(
        appearances, "regions", count, delay=2, leave=False, unit=" portraits"
    ):
        _, shares = render(look)
        # Rounding makes a little more than 1 of them.
        shares = np.clip(shares, 0, 1)
        rest = np.clip(1 - shares.sum(0), 0, 1)
        shares = np.stack([*shares, rest])
        drawn.append(shares / shares.sum(0))
    return dict(zip(_NAMES, np.stack(drawn, axis=1), strict=True))


def regions_of_shots(
    shots: Sequence[Shot], size: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Returns name -> shares of the pixels of pictures, as `convert` cuts them.

    Args:
        shots: The pictures.
        size: Height and width.

    Returns:
        Float32 arrays [count, height, width].
    """
    shares = regions_of((shot.appearance for shot in shots), len(shots))
    regions = {}
    for name, planes in shares.items():
        pairs = zip(shots, planes, strict=True)
        placed = np.stack([shot.place(plane, axis=1) for shot, plane in pairs])
        regions[name] = cut_planes(placed, *size)
    return regions
