"""Generates portraits a batch at a time, with a progress bar."""

from collections.abc import Iterator

import numpy as np
from tqdm import tqdm

_BATCH = 64


def iterate_portraits(
    generate, labels, seeds, temperature, progress: bool = True
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yields generated portraits, so that only a few are held at a time.

    Args:
        generate: Function of labels, seeds and temperature that returns
            images, such as `PortraitGenerator.generate`.
        labels: Dict of task name to class names, one a row.
        seeds: int64 `[count]`.
        temperature: Float above 0.
        progress: Whether a progress bar is shown.

    Yields:
        The rows of a batch as a slice, and their images.
    """
    with tqdm(
        total=len(seeds),
        desc="Generating",
        unit=" portraits",
        disable=not progress,
    ) as bar:
        for start in range(0, len(seeds), _BATCH):
            rows = slice(start, min(start + _BATCH, len(seeds)))
            part = {name: names[rows] for name, names in labels.items()}
            yield rows, generate(part, seeds[rows], temperature)
            bar.update(rows.stop - start)
