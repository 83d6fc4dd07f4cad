"""All figures of one guarded task, kind by kind."""

from collections.abc import Iterator

import numpy as np

from tp_keras.data.portraits import Portraits
from tp_keras.evaluation import metrics
from tp_keras.evaluation.figures import share
from tp_keras.fairness import group_figures
from tp_keras.fairness import group_neighbors
from tp_keras.fairness import leakage
from tp_keras.fairness.group_counts import GroupAnswers
from tp_keras.fairness.group_counts import differ
from tp_keras.fairness.representations import Representations
from tp_keras.fairness.representations import embedding_name
from tp_keras.fairness.settings import FairnessSettings
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
    answers = GroupAnswers(
        task,
        portraits.labels[task.name],
        found.predictions[task.name],
        portraits.groups,
        portraits.schema.protected_task,
    )
    embedding, layers = found.embedding(task), found.layers[task.name]
    if embedding_only:
        layers = {embedding_name(task): embedding}
    figures = {
        "groups": group_figures.measure_groups(answers, settings, seed),
        "leakage": leakage.measure_leakage(
            answers,
            layers,
            settings,
            seed,
            head_accuracy=_head_accuracy(found, answers, settings),
            controls=not embedding_only,
        ),
        "neighbours": group_neighbors.measure_neighbors(
            answers, embedding, settings, seed
        ),
    }
    if twins is not None:
        rows, twin = twins
        figures["counterfactuals"] = measure_flips(
            answers, rows, twin.predictions[task.name]
        )
    return figures


def measure_flips(
    answers: GroupAnswers, rows: np.ndarray, twin_predictions
) -> Iterator[dict]:
    """Yields the share of counterfactual pairs whose answers differ.

    By more than the tolerance of a number, or in any flag; of all pairs and of
    those of each group of the original. 0 is wanted.

    Args:
        answers: Answers to the originals.
        rows: Integer array [pairs]: those that have a twin.
        twin_predictions: Answers to the twins, in the form of labels.
    """
    flips = differ(answers.task, answers.predictions[rows], twin_predictions)
    flips = flips.reshape(len(flips), -1).any(-1)
    for group, own in answers.rows().items():
        own = own[rows]
        yield share(
            "counterfactual_flips", flips[own].sum(), own.sum(), group=group
        )


def _head_accuracy(found, answers, settings):
    """Returns the balanced accuracy of the protected head, None without."""
    head = answers.protected
    predictions = found.predictions.get(head.name)
    if predictions is None:
        return None
    counts = metrics.confusion_matrix(
        answers.groups, predictions, head.num_classes
    )
    supported = counts.sum(-1) >= settings.min_count
    return metrics.recall(counts)[supported].mean() if supported.any() else None
