"""Portraits unlike the others, ranked, each with a plain reason."""

import os
from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from tp_keras.audit.check import Measured
from tp_keras.audit.components import blocks
from tp_keras.audit.components import main_directions
from tp_keras.audit.components import small_pictures
from tp_keras.audit.looks import Looks
from tp_keras.audit.portrait_set import PortraitSet
from tp_keras.errors import UserError
from tp_keras.evaluation.figures import share
from tp_keras.records.record import ALL
from tp_keras.tasks import MISSING

# The share of the portraits that is flagged. What more have is no outlier.
FLAGGED = 0.02

# Kind -> why a portrait is one.
REASONS = {
    "no face": "shapes and colours of no face",
    "far": "far from all in the embedding",
    "badly redrawn": "the generator can't draw it",
    "plain": "hardly any contrast",
    "grey": "hardly any colour",
    "over-exposed": "nearly white",
    "under-exposed": "nearly black",
    "blurred": "hardly any sharp edge",
    "noisy": "grainy",
    "striped": "lines across the picture",
    "flat": "lines repeat each other, as in bars",
    "framed": "an even border",
    "sharp": "edges as sharp as lines",
}

_REFERENCES = 2000
_NEIGHBORS = 5
_DIRECTIONS = 32
_SAMPLED = 4096

# The upper half of values is measured by this quantile, so that odd portraits,
# if not more than the rest of it, don't count.
_QUANTILE, _NORMAL_QUANTILE = 0.95, 1.645

# Of a logarithm 2 %, of a share 2 points; and what 2 % of a normal distribution
# reach.
_LEAST_SPREAD = 0.02
_LEAST_EXTREME = 2.0

# Odd in two ways is odder than in one: the power of the mean over kinds.
_POWER = 8

_MOST_REASONS = 3
_MOST_DRAWN = 20

_ALL = {"task": ALL, "group": ALL}


def measure_outliers(
    portraits: PortraitSet,
    looks: Looks,
    embedding: np.ndarray,
    seed: int = 0,
    generator_run: str | os.PathLike | None = None,
) -> Measured:
    """Ranks portraits by how unlike the others they are.

    A kind is a figure, of the pixels, the embedding or what components (and a
    generator) can't redraw. Each is told in robust standard deviations above
    the median, as a share of what the most extreme `FLAGGED` reach; so no
    kind that many are of fills the list.

    Args:
        portraits: What to rank.
        looks: What `measure_looks` has made of them.
        embedding: Points `[count, directions]` of variance 1, of `embed`.
        seed: Seed of the portraits that distances are taken to.
        generator_run: Folder of a run of a generator of portraits this size.

    Returns:
        Records: `flagged_share` of each kind, of all portraits and of each
        split. The list `outliers` holds the flagged ones, the oddest first.
        Drawn are the rows of the worst of each kind.
    """
    signals = _signals(looks, embedding, seed)
    if generator_run is not None:
        errors = _redrawing_errors(portraits, generator_run)
        signals["badly redrawn"] = np.log(errors + 1e-3)
    kinds = list(signals)
    excess = np.stack([relative_excess(signals[kind]) for kind in kinds])
    scores = (np.maximum(excess, 0) ** _POWER).sum(0) ** (1 / _POWER)
    count = len(portraits)
    order = np.argsort(-scores, kind="stable")[: round(FLAGGED * count)]
    order = order[scores[order] > 0]
    kind_of = excess.argmax(0)
    frame = pd.DataFrame(
        {
            "split": np.array(portraits.split_names)[portraits.splits[order]],
            "index": portraits.indices[order],
            "score": scores[order].round(3),
            "kind": np.array(kinds)[kind_of[order]],
            "reason": [_reason(kinds, column) for column in excess[:, order].T],
        }
    )
    drawn = {
        f"outliers: {kind}": order[kind_of[order] == number][:_MOST_DRAWN]
        for number, kind in enumerate(kinds)
    }
    records = list(_count(portraits, order, kind_of, kinds))
    return Measured(records, {"outliers": frame}, drawn)


def _count(portraits, order, kind_of, kinds):
    """Yields how many of each kind are flagged, and of each split."""
    flagged = np.zeros(len(portraits), bool)
    flagged[order] = True
    yield share("flagged_share", len(order), len(flagged), **_ALL)
    for number, kind in enumerate(kinds):
        hits = (kind_of[order] == number).sum()
        fields = {**_ALL, "class_name": kind}
        yield share("flagged_share", hits, len(flagged), **fields)
    for number, name in enumerate(portraits.split_names):
        own = flagged[portraits.splits == number]
        fields = {**_ALL, "split": name}
        yield share("flagged_share", own.sum(), len(own), **fields)


def _reason(kinds, excess):
    """Returns what is odd about a portrait, most of all first."""
    most = np.argsort(-excess)[:_MOST_REASONS]
    shown = [place for place in most if excess[place] >= 1] or most[:1]
    return ", ".join(REASONS[kinds[place]] for place in shown)


def relative_excess(values: np.ndarray) -> np.ndarray:
    """Returns values above the median, as a share of what the top 2 % reach.

    Values that hardly vary are 0, and those of a few that do still count.
    """
    middle = np.median(values)
    upper = np.quantile(values, _QUANTILE) - middle
    above = (values - middle) / max(upper / _NORMAL_QUANTILE, _LEAST_SPREAD)
    return above / max(np.quantile(above, 1 - FLAGGED), _LEAST_EXTREME)


def _signals(looks: Looks, embedding, seed) -> Mapping[str, np.ndarray]:
    """Returns kind -> a number of each portrait, the higher the odder."""
    found = {
        name: values.astype(np.float64)
        for name, values in looks.statistics.items()
    }

    def low(name, least=1 / 255):
        return -np.log(found[name] + least)

    def high(name, least=1 / 255):
        return np.log(found[name] + least)

    unlike = [
        _in_deviations(np.log(looks.components.errors + 1)),
        _in_deviations(np.log(_unlike_faces(looks.thumbnails) + 1e-3)),
    ]
    return {
        "no face": np.mean(unlike, axis=0),
        "far": np.log(_distances(embedding, seed) + 1e-3),
        "plain": low("contrast"),
        "grey": low("colorfulness"),
        "over-exposed": -np.log(1.02 - found["brightness"]),
        "under-exposed": low("brightness", 0.02),
        "blurred": low("sharpness", 0.01),
        "noisy": high("noise", 2 / 255),
        "striped": high("stripes"),
        "flat": found["repeated_lines"],
        "framed": low("border_contrast"),
        "sharp": high("sharpness", 0.01),
    }


def _in_deviations(values):
    upper = np.quantile(values, _QUANTILE) - np.median(values)
    return (values - np.median(values)) / max(upper, 1e-6)


def _distances(embedding, seed):
    """Returns the mean distance of each row to the nearest of a sample."""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(embedding))[:_REFERENCES]
    count = min(_NEIGHBORS + 1, len(chosen))
    search = NearestNeighbors(n_neighbors=count, algorithm="brute")
    search.fit(embedding[chosen])
    distances = np.empty(len(embedding))
    for block in blocks(len(embedding)):
        found, _ = search.kneighbors(embedding[block])
        # Without the nearest, which may be itself.
        distances[block] = found[:, 1:].mean(1) if count > 1 else 0
    return distances


def _unlike_faces(thumbnails):
    """Returns the share of each picture that most pictures don't share.

    That is of its squares, once its mean and its contrast are taken away: as
    eigenfaces (Turk and Pentland, 1991), blind to the exposure.
    """
    pictures = small_pictures(thumbnails, gray=False)
    sample = pictures[:: max(len(pictures) // _SAMPLED, 1)]
    shared = pictures @ main_directions(sample, _DIRECTIONS)
    return np.maximum(1 - np.square(shared).sum(1), 0)


def _redrawing_errors(portraits, generator_run):
    """Returns how far each portrait is from what a generator makes of it."""
    # Imported here, as only a generator needs TensorFlow.
    from tp_keras.generator.training.folder import VaeRunFolder

    vae = VaeRunFolder(generator_run).load_model()
    if vae.schema.image_shape != portraits.schema.image_shape:
        raise UserError(
            f"Expected a generator of portraits of "
            f"{portraits.schema.image_shape}, as {portraits.dataset} has. "
            f"Received: {vae.schema.image_shape}, generator_run={generator_run}"
        )
    errors = np.empty(len(portraits))
    for rows, images in portraits.batches(256, "redraw portraits"):
        unknown = np.full(len(images), MISSING, np.int32)
        labels = {task.name: unknown for task in vae.schema.condition_tasks}
        redrawn = np.asarray(vae.reconstruct(images, labels))
        errors[rows] = np.abs(redrawn - images).mean((1, 2, 3))
    return errors
