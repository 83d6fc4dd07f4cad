"""All figures of one guarded task, kind by kind."""

from collections.abc import Iterator

import numpy as np

from tp_keras.data.portraits import Portraits
from tp_keras.evaluation import metrics
from tp_keras.evaluation.figures import share
from tp_keras.fairness import group_figures
from tp_keras.fairness import group_neighbors
from tp_keras.fairness import leakage
from tp_keras.fairness.group_counts import differ
from tp_keras.fairness.representations import Representations
from tp_keras.fairness.representations import embedding_name
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records.record import ALL
from tp_keras.tasks import Task


def measure_task(
    task: Task,
    portraits: Portraits,
    found: Representations,
    twins: tuple[np.ndarray, Representations] | None,
    settings: FairnessSettings,
    seed: int,
    embedding_only: bool = False,
) -> dict[str, Iterator[dict]]:
    """Returns what is measured of a guarded task against the groups.

    Args:
        task: A guarded task of the portraits' schema.
        portraits: `Portraits`.
        found: What the classifier makes of them.
        twins: What `represent_twins` returned, or None.
        settings: How it is measured.
        seed: Where chance starts.
        embedding_only: Whether to probe only the layer that the head reads,
            and without controls: a tenth of the time.

    Returns:
        Dict: name of the kind -> fields of records, measured as they are
        asked for.
    """
    labels, groups = portraits.labels[task.name], portraits.groups
    protected = portraits.schema.protected_task
    predictions, embedding = found.predictions[task.name], found.embedding(task)
    layers = found.layers[task.name]
    if embedding_only:
        layers = {embedding_name(task): embedding}
    figures = {
        "groups": group_figures.measure_groups(
            task, labels, predictions, groups, protected, settings, seed
        ),
        "leakage": leakage.measure_leakage(
            task,
            labels,
            predictions,
            layers,
            groups,
            protected,
            settings,
            seed,
            head_accuracy=_head_accuracy(found, groups, protected, settings),
            controls=not embedding_only,
        ),
        "neighbours": group_neighbors.measure_neighbors(
            task, labels, embedding, groups, protected, settings, seed
        ),
    }
    if twins is not None:
        rows, twin = twins
        figures["counterfactuals"] = measure_flips(
            task,
            predictions[rows],
            twin.predictions[task.name],
            groups[rows],
            protected,
        )
    return figures


def measure_flips(
    task: Task, predictions, twin_predictions, groups, protected: Task
) -> Iterator[dict]:
    """Yields the share of counterfactual pairs whose answers differ.

    By more than the tolerance of a number, or in any flag; of all pairs and of
    those of each group of the original. 0 is wanted.

    Args:
        task: `Task`.
        predictions: Answers to the originals, in the form of labels.
        twin_predictions: Answers to their twins.
        groups: Integer array [N], the groups of the originals.
        protected: The task whose classes are the groups.
    """
    flips = differ(task, predictions, twin_predictions)
    flips = flips.reshape(len(flips), -1).any(-1)
    rows = {ALL: np.full(len(flips), True)}
    for index, group in enumerate(protected.classes):
        rows[group] = groups == index
    for group, own in rows.items():
        yield share(
            "counterfactual_flips", flips[own].sum(), own.sum(), group=group
        )


def _head_accuracy(found, groups, protected, settings):
    """Returns the balanced accuracy of the protected head, None without."""
    predictions = found.predictions.get(protected.name)
    if predictions is None:
        return None
    counts = metrics.confusion_matrix(
        groups, predictions, protected.num_classes
    )
    supported = counts.sum(-1) >= settings.min_count
    return metrics.recall(counts)[supported].mean() if supported.any() else None
