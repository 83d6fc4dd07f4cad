"""Measures of one run what a sweep compares."""

from tp_keras.data.portraits import Portraits
from tp_keras.evaluation import figures
from tp_keras.fairness import representations
from tp_keras.fairness.group_counts import count_outcomes
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.fairness.sweep.outcome import COMPARED
from tp_keras.fairness.task_figures import measure_task
from tp_keras.records.record import ALL
from tp_keras.records.record import Record


def measure(
    classifier,
    portraits: Portraits,
    twins: Portraits | None,
    settings: FairnessSettings,
    seed: int,
) -> list[Record]:
    """Measures what a sweep compares, in seconds.

    The accuracy of the protected head and, of each guarded task, those figures
    of a fairness report that `Outcome` reads, without controls and with probes
    of the task's own part of the embedding alone.

    Args:
        classifier: `PortraitClassifier` with guarded tasks.
        portraits: `Portraits` to measure on.
        twins: `Portraits` with the cues of another group, by `indices` those
            of some of `portraits`; or None.
        settings: How it is measured.
        seed: Where chance starts.

    Raises:
        UserError: If there is no guarded task, or the classifier makes numbers
            that are not finite.
    """
    found = representations.represent(
        classifier, portraits.images, progress=False
    )
    pairs = None
    if twins is not None:
        pairs = representations.represent_twins(
            classifier, portraits, twins, progress=False
        )
    protected = portraits.schema.protected_task
    measured = []
    if protected.name in found.predictions:
        (counts,) = count_outcomes(
            protected,
            portraits.groups,
            found.predictions[protected.name],
            0 * portraits.groups,
            1,
        )
        hits, rows = counts.trace(), counts.sum()
        measured = [
            (protected, figures.share("accuracy", hits, rows, group=ALL))
        ]
    for task in portraits.schema.guarded_tasks:
        if task.name in classifier.embedding_parts:
            measured += [
                (task, fields)
                for stage in measure_task(
                    task, portraits, found, pairs, settings, seed, True
                ).values()
                for fields in stage
                if fields["metric"] in COMPARED
            ]
    return [
        Record(
            task=task.name,
            seed=seed,
            split=portraits.split,
            dataset=portraits.dataset,
            **fields,
        )
        for task, fields in measured
    ]
