"""Measures of one run what a sweep compares."""

from tp_keras.data.portraits import Portraits
from tp_keras.evaluation import figures
from tp_keras.fairness.representations import represent
from tp_keras.fairness.representations import represent_twins
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.fairness.sweep.outcome import BY_GROUP
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

    The accuracy of the protected head, and those figures of a fairness report
    that `Outcome` reads, with probes of each task's own part alone.

    Args:
        classifier: `PortraitClassifier` with guarded tasks.
        portraits: `Portraits` to measure on.
        twins: `Portraits` of some of the same indices with the cues of another
            group, or None.
        settings: How it is measured.
        seed: Where chance starts.
    """
    found = represent(classifier, portraits.images, progress=False)
    pairs = None
    if twins is not None:
        pairs = represent_twins(classifier, portraits, twins, progress=False)
    head = portraits.schema.protected
    measured = []
    if head in found.predictions:
        known = portraits.groups >= 0
        hits = (found.predictions[head] == portraits.groups)[known].sum()
        accuracy = figures.share("accuracy", hits, known.sum(), group=ALL)
        measured.append((head, accuracy))
    for task in portraits.schema.guarded_tasks:
        if task.name in classifier.embedding_parts:
            stages = measure_task(
                task, portraits, found, pairs, settings, seed, True
            )
            measured += [
                (task.name, fields)
                for stage in stages.values()
                for fields in stage
                if fields["metric"] in BY_GROUP
                or fields["metric"] in COMPARED
                and fields["group"] == ALL
            ]
    place = {"split": portraits.split, "dataset": portraits.dataset}
    return [
        Record(task=name, seed=seed, **place, **fields)
        for name, fields in measured
    ]
