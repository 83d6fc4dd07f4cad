"""Near duplicates: clusters, labels that contradict each other, leaks."""

import numpy as np
import pandas as pd

from tp_keras.audit import pairs as pairs_module
from tp_keras.audit.check import Measured
from tp_keras.audit.looks import Looks
from tp_keras.audit.portrait_set import PortraitSet
from tp_keras.evaluation.figures import figure
from tp_keras.evaluation.figures import share
from tp_keras.records.record import ALL
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task

_MOST_DRAWN = 24

_ALL = {"task": ALL, "group": ALL}


def measure_duplicates(
    portraits: PortraitSet, looks: Looks, seed: int = 0
) -> Measured:
    """Finds near duplicates, and what their labels and splits say of them.

    Returns:
        Records: `duplicate_share` of the portraits and of those of each split,
        `duplicate_clusters` and `largest_cluster`; of each split
        `leaked_share`, the portraits that another split has as well (their
        cluster is in both); of each task
        `contradicting_clusters`, among those with two labels or more, and
        `contradicting_strangers`, the same of portraits drawn at random into
        clusters of the same sizes. The list `near_duplicates` holds the pairs:
        those that contradict each other first, then those across splits.
        As drawn, `clusters`, of each portrait, -1 for those that stand alone.
    """
    pairs, similarities = pairs_module.find_pairs(portraits, looks)
    clusters = pairs_module.find_clusters(len(portraits), pairs)
    rng = np.random.default_rng(seed)
    contradicting = {
        task.name: _contradicting_pairs(task, portraits, pairs)
        for task in portraits.schema.tasks
    }
    frame = _list_pairs(portraits, pairs, similarities, clusters, contradicting)
    rows = frame[["row", "other_row"]].to_numpy()[:_MOST_DRAWN]
    return Measured(
        [
            *_count(portraits, clusters),
            *_contradictions(portraits, clusters, rng),
        ],
        {"near_duplicates": frame.drop(columns=["row", "other_row"])},
        {"near_duplicates": rows, "clusters": clusters},
    )


def _count(portraits, clusters):
    """Yields the figures of portraits, clusters and splits."""
    sizes = np.bincount(clusters[clusters >= 0])
    count = len(clusters)
    yield share("duplicate_share", sizes.sum(), count, **_ALL)
    yield figure("duplicate_clusters", len(sizes), count, **_ALL)
    yield figure("largest_cluster", max(sizes, default=0), count, **_ALL)
    members = np.flatnonzero(clusters >= 0)
    splits = portraits.splits
    met = np.zeros((len(sizes), len(portraits.split_names)), bool)
    met[clusters[members], splits[members]] = True
    leaked = members[met.sum(1)[clusters[members]] > 1]
    for number, name in enumerate(portraits.split_names):
        own = (splits == number).sum()
        for metric, rows in (
            ("duplicate_share", members),
            ("leaked_share", leaked),
        ):
            hits = (splits[rows] == number).sum()
            yield share(metric, hits, own, **{**_ALL, "split": name})


def _contradictions(portraits, clusters, rng):
    """Yields how often labels contradict each other, of each task."""
    members = np.flatnonzero(clusters >= 0)
    # In their places portraits that have nothing to do with each other.
    strangers = rng.permutation(len(clusters))[: len(members)]
    for task in portraits.schema.tasks:
        labels = portraits.labels[task.name]
        for metric, rows in (
            ("contradicting_clusters", members),
            ("contradicting_strangers", strangers),
        ):
            found = _contradict(task, labels[rows], clusters[members])
            yield share(
                metric, found.sum(), len(found), task=task.name, group=ALL
            )


def _contradict(task: Task, labels, clusters) -> np.ndarray:
    """Returns of each cluster with two labels whether they contradict."""
    columns = (labels if labels.ndim > 1 else labels[:, None]).astype(float)
    if task.kind != REGRESSION:
        columns[columns < 0] = np.nan
    frame = pd.DataFrame(columns).groupby(clusters)
    spread = frame.max() - frame.min()
    most = task.tolerance if task.kind == REGRESSION else 0
    counted = frame.count().max(axis=1) > 1
    return (spread > most).any(axis=1)[counted].to_numpy()


def _contradicting_pairs(task, portraits, pairs):
    labels = portraits.labels[task.name]
    first, second = labels[pairs[:, 0]], labels[pairs[:, 1]]
    if task.kind == REGRESSION:
        return np.abs(first - second) > task.tolerance
    differ = (first != second) & (first >= 0) & (second >= 0)
    return differ.any(1) if task.kind == MULTI_LABEL else differ


def _list_pairs(portraits, pairs, similarities, clusters, contradicting):
    """Returns the pairs as a table, those that matter most first."""
    names = np.array(portraits.split_names)
    first, second = pairs.T
    frame = pd.DataFrame(
        {
            "cluster": clusters[first],
            "split": names[portraits.splits[first]],
            "index": portraits.indices[first],
            "other_split": names[portraits.splits[second]],
            "other_index": portraits.indices[second],
            "similarity": similarities.round(4),
            "row": first,
            "other_row": second,
        }
    )
    differ = pd.DataFrame(contradicting, dtype=bool)
    frame["contradicting"] = [
        " ".join(differ.columns[row]) for row in differ.to_numpy()
    ]
    across = frame["split"] != frame["other_split"]
    order = np.lexsort(
        (-frame["similarity"], ~across, -differ.to_numpy().sum(1))
    )
    return frame.iloc[order].reset_index(drop=True)
