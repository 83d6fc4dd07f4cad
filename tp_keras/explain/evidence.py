"""Whether a label and attributes are told by the same places of portraits."""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
import tqdm

from tp_keras.evaluation.figures import figure
from tp_keras.explain.occlusion import hidden_patches
from tp_keras.explain.regions import EVIDENCE
from tp_keras.explain.regions import places
from tp_keras.explain.scores import score
from tp_keras.records import intervals
from tp_keras.records.record import ALL
from tp_keras.tasks import Task

# The metric, with a rule as `variant`.
LIKENESS = "evidence_likeness"

_NUM_BOOTSTRAPS = 500


def patch_evidence(
    predict: Callable[[np.ndarray], Mapping[str, np.ndarray]],
    images: np.ndarray,
    wanted: Mapping[str, tuple[Task, int]],
    title: str = "hidden patches",
) -> dict[str, np.ndarray]:
    """Returns by how much answers change where patches are hidden.

    Args:
        predict: Function from uint8 images `[batch, height, width, 3]` to
            answers by task, as `predict_answers`.
        images: uint8 array `[count, height, width, 3]`.
        wanted: Name -> `Task` and index of its class or flag.
        title: What the progress bar says.

    Returns:
        Name -> float array `[count, patches]`, each row of a sum of 1: sizes
        of the changes of what is explained (see `score`), for and against
        alike.
    """
    found: dict[str, list] = {name: [] for name in wanted}
    for image in tqdm.tqdm(images, title, delay=2, leave=False):
        hidden, _ = hidden_patches(image, overlap=False)
        answers = predict(hidden)
        for name, (task, index) in wanted.items():
            scores = score(task, answers[task.name], index)
            changes = np.abs(scores[1:] - scores[0])
            found[name].append(changes / (changes.sum() or 1.0))
    return {name: np.stack(rows) for name, rows in found.items()}


def likeness(
    label: np.ndarray,
    attributes: Mapping[str, np.ndarray],
    rules: Mapping[str, Sequence[str]],
) -> Iterator[dict]:
    """Yields how alike the places are that a label and a rule are told by.

    The correlation over patches of the mean evidence for the label and for the
    attributes of a rule together, with an interval by resampling portraits.

    Args:
        label: Float array `[count, patches]`, see `patch_evidence`.
        attributes: Name -> the same of an attribute.
        rules: Name of a rule -> names of its attributes.

    Yields:
        Fields of records, without a value where no network tells one of the
        attributes.
    """
    count = len(label)
    generator = np.random.default_rng(0)
    blocks = intervals.resample_rows(count, _NUM_BOOTSTRAPS, generator)
    counts = np.concatenate([np.ones((1, count)), *blocks])
    for name, parts in rules.items():
        about = {"group": ALL, "variant": name}
        if not all(part in attributes for part in parts):
            yield figure(LIKENESS, None, 0, **about)
            continue
        own = sum(attributes[part] for part in parts)
        value, *drawn = _correlations(counts @ label, counts @ own)
        interval = intervals.percentile_interval(drawn)
        yield figure(LIKENESS, value, count, interval, **about)


def _correlations(first, second) -> np.ndarray:
    """Returns the correlation of each row with its counterpart."""
    first, second = (
        rows - rows.mean(1, keepdims=True) for rows in (first, second)
    )
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return (first * second).sum(1) / np.where(lengths > 0, lengths, 1.0)


def evidence_by_place(label: np.ndarray, image: np.ndarray) -> Iterator[dict]:
    """Yields which share of the evidence lies in each ninth of the view.

    Args:
        label: As of `likeness`.
        image: One of the portraits, whose size counts.

    Yields:
        Fields of records of `EVIDENCE`, the place being the `class_name`.
    """
    _, boxes = hidden_patches(image, overlap=False)
    mean = label.mean(0)
    heat = np.zeros(image.shape[:2])
    for box, value in zip(boxes, mean, strict=True):
        heat[box] += value / heat[box].size
    for name, (plane,) in places(image.shape[:2]).shares.items():
        share = (heat * plane).sum() / (heat.sum() or 1.0)
        about = {"group": ALL, "class_name": name}
        yield figure(EVIDENCE, share, len(label), **about)
