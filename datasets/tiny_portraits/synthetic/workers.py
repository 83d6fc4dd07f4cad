"""Draws portraits in several processes, in the order asked for."""

import functools

from ...building.drawing.png import encode_png
from ...building.drawing.portrait import draw_portrait
from ...building.workers import map_in_order
from . import labels
from .portrait import Appearance
from .portrait import draw_counterfactual

_CHUNK = 32  # portraits asked for at once


def draw_files(table, seed, indices, pairs) -> list[tuple[int, bytes, bytes]]:
    """Draws some portraits of a pack.

    Args:
        table: The `LabelTable` of the seed.
        seed: The seed of the pack.
        indices: The image indices to draw.
        pairs: Booleans, whether a portrait has a counterfactual.

    Returns:
        For each its index, its PNG file, and that of its counterfactual
        (empty without one).
    """
    files = []
    for index, paired in zip(indices, pairs, strict=True):
        appearance = Appearance.of(table, seed, index)
        other_png = b""
        if paired:
            source = int(table.source[index])
            shown = int(table.shown[index, 0])
            other = appearance.with_cues_of(
                seed, source, labels.GENDERS[1 - shown]
            )
            picture, changed = draw_counterfactual(appearance, other)
            other_png = encode_png(changed)
        else:
            picture = draw_portrait(appearance)
        files.append((int(index), encode_png(picture), other_png))
    return files


def draw_in_order(seed, indices, pairs, workers, table=None):
    """Draws a pack's portraits.

    Args:
        seed: The seed of the pack.
        indices: int array of the image indices.
        pairs: bool array, whether a portrait has a counterfactual.
        workers: The number of processes; 1 draws in this one.
        table: The `LabelTable` of the seed, if it is at hand.

    Yields:
        What `draw_files` returns, one portrait after the other.
    """
    starts = range(0, len(indices), _CHUNK)
    slices = [slice(start, start + _CHUNK) for start in starts]
    chunks = [(indices[part].tolist(), pairs[part].tolist()) for part in slices]
    table = table or labels.LabelTable.draw(seed)
    draw = functools.partial(draw_files, table, seed)
    for files in map_in_order(draw, chunks, workers):
        yield from files
