"""The figures of one run that a sweep compares."""

from collections.abc import Iterator

from tp_keras import tasks
from tp_keras.data.portraits import Portraits
from tp_keras.evaluation import figures
from tp_keras.evaluation.fairness import counterfactual
from tp_keras.evaluation.fairness import group_counts
from tp_keras.evaluation.fairness import group_metrics
from tp_keras.evaluation.fairness import leakage_counts
from tp_keras.evaluation.fairness import probe_models
from tp_keras.evaluation.fairness import probes
from tp_keras.evaluation.fairness import representations
from tp_keras.evaluation.fairness import retrieval
from tp_keras.evaluation.fairness.settings import FairnessSettings
from tp_keras.evaluation.records import ALL
from tp_keras.evaluation.records import Record

# The length of the lists of neighbours.
NEIGHBORS = 20

_GROUP_METRICS = (
    "accuracy",
    "group_recall",
    "worst_group_recall",
    "equalized_odds_difference_max",
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
    own, genders = labels[task.name], labels[tasks.GENDER.name]
    if task is tasks.GENDER:
        known = own != tasks.MISSING
        hits = (found.predictions(task) == own)[known].sum()
        yield figures.share("accuracy", hits, known.sum(), group=ALL)
        return
    predictions, embedding = found.predictions(task), found.embedding(task)
    for fields in group_metrics.measure_groups(
        task, own, predictions, genders, settings, seed
    ):
        if fields["metric"] in _GROUP_METRICS:
            yield fields
    yield from _leakage(
        task, own, predictions, embedding, genders, settings, seed
    )
    for fields in retrieval.measure_retrieval(
        task, own, embedding, genders, settings, seed
    ):
        wanted = _RETRIEVAL_METRICS.get(fields["metric"])
        if fields["group"] == ALL and fields["variant"] == wanted:
            yield fields
    if pairs is None:
        return
    rows, twin = pairs
    for fields in counterfactual.measure_counterfactuals(
        task,
        own[rows],
        predictions[rows],
        twin.predictions(task),
        embedding[rows],
        twin.embedding(task),
        settings,
        seed,
    ):
        if fields["metric"] == "counterfactual_flips":
            yield fields


def _leakage(task, labels, predictions, embedding, genders, settings, seed):
    """Yields the band, and what probes read from the embedding."""
    outcomes = group_counts.count_outcomes(
        labels, predictions, genders, task.num_classes
    )
    supported = (outcomes.sum((1, 2)) >= settings.min_count).all()
    for metric, value_of in (
        ("leakage_band_low", leakage_counts.lower_band),
        ("leakage_band_high", leakage_counts.label_leakage),
    ):
        value = value_of(outcomes) if supported else None
        yield figures.figure(metric, value, outcomes.sum(), group=ALL)
    known = genders != tasks.MISSING
    for metric, classes, train_only in (
        ("gender_probe", None, (labels == tasks.MISSING)[known]),
        ("conditional_gender_probe", labels[known], None),
    ):
        for kind in probe_models.KINDS:
            result = probes.probe_gender(
                embedding[known],
                genders[known],
                classes,
                kind=kind,
                settings=settings,
                seed=seed,
                train_only=train_only,
            )
            yield figures.figure(
                metric,
                result.value,
                result.count,
                result.interval,
                group=ALL,
                variant=f"{kind} {representations.embedding_name(task)}",
            )
