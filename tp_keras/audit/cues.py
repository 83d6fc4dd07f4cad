"""What tells a label though it should not: light, sharpness, the background.

A statistic of the picture, and a classifier that sees only its outer band,
are each asked for every class against the rest. What tells a label there, a
network may use as well, and be wrong on portraits where it tells nothing.
"""

import math
from collections.abc import Iterator

import numpy as np
import scipy.stats

from tp_keras.audit.check import Measured
from tp_keras.audit.looks import Looks
from tp_keras.audit.out_of_fold import cross_fit
from tp_keras.audit.out_of_fold import draw_folds
from tp_keras.audit.patch_features import standardise
from tp_keras.audit.portrait_set import PortraitSet
from tp_keras.audit.questions import LEAST_ROWS
from tp_keras.audit.questions import Question
from tp_keras.audit.questions import ask
from tp_keras.evaluation.figures import figure
from tp_keras.records.intervals import wilson_interval
from tp_keras.records.record import ALL

# What a classifier sees: the outer band, and of it the two upper corners,
# where nothing of a person is as a rule.
BORDER, CORNERS = "border alone", "upper corners alone"

# Width of the band, and of the corners, as shares of height and width.
_BAND = 0.1
_CORNER = 0.25, 0.2

# Units of the one hidden layer, which stays as it is drawn.
_NUM_UNITS = 384


def measure_cues(
    *,
    portraits: PortraitSet,
    looks: Looks,
    clusters: np.ndarray | None = None,
    seed: int = 0,
) -> Measured:
    """Measures how well cues beside the face tell each label.

    Records `cue_auc` of each class, flag or number (above its median) and cue,
    whose name is the `variant`: the area under the ROC curve, 0.5 where the cue
    tells nothing; below it where small values tell the class. The interval is
    that of DeLong. A statistic that is the same in all portraits has no value.

    Args:
        portraits: What is audited.
        looks: What `measure_looks` has made of it.
        clusters: int `[count]` of near duplicates; see `foretell`.
        seed: Of folds and of what the classifiers see.
    """
    count = len(portraits)
    clusters = np.full(count, -1) if clusters is None else clusters
    folds = draw_folds(clusters, seed)
    questions = ask(portraits.schema, portraits.labels)
    regions = {
        cue: cross_fit(_hidden(looks.thumbnails, mask, seed), questions, folds)
        for cue, mask in region_masks(looks.thumbnails.shape[1:3]).items()
    }
    records = []
    for place, question in enumerate(questions):
        rows = question.usable
        if not rows.any():
            known = question.known.sum()
            records.append(figure("cue_auc", None, known, **_fields(question)))
            continue
        for fields, positive, column in _classes(question):
            cues = dict(looks.statistics)
            for cue, scores in regions.items():
                cues[cue] = scores[place][:, column]
            for cue, values in cues.items():
                own = {"variant": cue, **fields}
                records.append(_auc(values[rows], positive[rows], own))
    return Measured(records)


def region_masks(size: tuple[int, int]) -> dict[str, np.ndarray]:
    """Returns what each classifier sees of a picture, as bool masks."""
    height, width = size
    band = max(round(_BAND * height), 1), max(round(_BAND * width), 1)
    border = np.ones(size, bool)
    border[band[0] : height - band[0], band[1] : width - band[1]] = False
    tall, wide = (
        max(round(part * side), 1)
        for part, side in zip(_CORNER, size, strict=True)
    )
    corners = np.zeros(size, bool)
    corners[:tall, :wide] = corners[:tall, width - wide :] = True
    return {BORDER: border, CORNERS: corners}


def _hidden(thumbnails, mask, seed):
    """Returns a region as the units of a hidden layer see it, standardised."""
    pixels = thumbnails[:, mask].reshape(len(thumbnails), -1)
    generator = np.random.default_rng([seed, 5])
    weights = generator.normal(size=(pixels.shape[1], _NUM_UNITS))
    weights = (weights / np.sqrt(pixels.shape[1])).astype(np.float32)
    offsets = generator.normal(size=_NUM_UNITS).astype(np.float32) / 2
    mean = pixels.mean(0, dtype=np.float32)
    spread = np.maximum(pixels.std(0, dtype=np.float32), 1)
    features = np.empty((len(pixels), _NUM_UNITS), np.float32)
    for start in range(0, len(pixels), 4096):
        block = slice(start, start + 4096)
        own = ((pixels[block] - mean) / spread) @ weights
        features[block] = np.maximum(own + offsets, 0)
    return standardise(features)


def _classes(question: Question) -> Iterator[tuple[dict, np.ndarray, int]]:
    """Yields fields, rows of the class, and the column of its scores."""
    fields, labels = _fields(question), question.labels
    if question.is_number:
        middle = np.median(labels[question.known])
        name = f"above {question.describe(middle)}"
        yield {**fields, "class_name": name}, labels > middle, 0
        return
    # Of two classes one tells the other.
    first = int(len(question.classes) == 2)
    for column, label in list(enumerate(question.supported))[first:]:
        own = {**fields, "class_name": question.classes[label]}
        yield own, labels == label, column


def _fields(question):
    return {"task": question.name, "group": ALL}


def _auc(values, positive, fields) -> dict:
    """Makes the record of an area under the ROC curve."""
    count, hits = len(values), np.count_nonzero(positive)
    fewest = min(hits, count - hits)
    if fewest < LEAST_ROWS or np.ptp(values) == 0:
        return figure("cue_auc", None, count, **fields)
    value, variance = auc_and_variance(values, positive)
    radius = 1.96 * math.sqrt(variance)
    low, high = max(value - radius, 0.0), min(value + radius, 1.0)
    if variance == 0:
        # As of a share whose rows are all hits: no interval is a point.
        low, high = wilson_interval(round(value * fewest), fewest)
    return figure("cue_auc", value, count, (low, high), **fields)


def auc_and_variance(values, positive) -> tuple[float, float]:
    """Returns the area under the ROC curve of values, and its variance.

    By ranks, in n log n. DeLong, DeLong and Clarke-Pearson, Comparing the
    areas under two or more correlated receiver operating characteristic
    curves, 1988.

    Args:
        values: Float `[count]`; large ones are to tell the positive rows.
        positive: bool `[count]`, two or more rows of each kind.
    """
    ranks = scipy.stats.rankdata(values)
    shares = []
    for own in (positive, ~positive):
        # Of each row the share of the other kind below it, ties by half.
        below = ranks[own] - scipy.stats.rankdata(values[own])
        shares.append(below / np.count_nonzero(~own))
    variance = sum(part.var(ddof=1) / len(part) for part in shares)
    return float(shares[0].mean()), float(variance)
