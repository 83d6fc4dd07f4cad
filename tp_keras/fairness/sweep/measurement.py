"""The figures of one run that a sweep compares."""

from collections.abc import Iterator

from tp_keras import tasks
from tp_keras.data.portraits import Portraits
from tp_keras.evaluation import figures
from tp_keras.fairness import representations
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.fairness.stages import stages_of
from tp_keras.records.record import ALL
from tp_keras.records.record import Record

# The length of the lists of neighbours.
NEIGHBORS = 20

_GROUP_METRICS = (
    "accuracy",
    "group_recall",
    "worst_group_recall",
    "equalized_odds_difference_max",
)
_LEAKAGE_METRICS = (
    "leakage_band_low",
    "leakage_band_high",
    "gender_probe",
    "conditional_gender_probe",
)
_RETRIEVAL_METRICS = {
    "neighbor_precision": f"k={NEIGHBORS}",
    "same_gender_excess": f"k={NEIGHBORS}",
}


def measure(
    classifier,
    portraits: Portraits,
    twins: Portraits | None,
    settings: FairnessSettings,
    seed: int,
) -> list[Record]:
    """Measures what a sweep compares, in seconds.

    The accuracy of gender, and for each hair task accuracy, recall of each
    group, worst group, equalised odds; the probes of the part of the embedding
    that the task reads, with the band; precision and same-gender excess among
    20 neighbours; flips of counterfactual pairs. The figures are those of a
    fairness report, without controls and other layers.

    Args:
        classifier: `PortraitClassifier` with hair tasks.
        portraits: `Portraits` to measure on.
        twins: `Portraits` with the cues of the other gender, by `indices`
            those of some of `portraits`; or None.
        settings: How it is measured.
        seed: Where chance starts.

    Returns:
        Records.

    Raises:
        UserError: If there is no hair task, or the classifier makes numbers
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
    return [
        Record(
            task=task.name,
            seed=seed,
            split=portraits.split,
            dataset=portraits.dataset,
            **fields,
        )
        for task in classifier.tasks
        for fields in _figures(
            task, portraits.labels, found, pairs, settings, seed
        )
    ]


def _figures(task, labels, found, pairs, settings, seed) -> Iterator[dict]:
    if task is tasks.GENDER:
        own = labels[task.name]
        known = own != tasks.MISSING
        hits = (found.predictions(task) == own)[known].sum()
        yield figures.share("accuracy", hits, known.sum(), group=ALL)
        return
    stages = stages_of(
        task, labels, found, pairs, settings, seed, embedding_only=True
    )
    for stage in stages.values():
        for fields in stage():
            if _is_compared(fields):
                yield fields


def _is_compared(fields):
    metric, variant = fields["metric"], fields.get("variant")
    if metric in _GROUP_METRICS:
        return True
    if metric in _RETRIEVAL_METRICS and variant != _RETRIEVAL_METRICS[metric]:
        return False
    return fields["group"] == ALL and metric in (
        *_LEAKAGE_METRICS,
        *_RETRIEVAL_METRICS,
        "counterfactual_flips",
    )
