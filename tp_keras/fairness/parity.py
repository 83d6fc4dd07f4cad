"""How often the genders are called by a class, beside how often they are it."""

from collections.abc import Iterator

from tp_keras.evaluation import figures
from tp_keras.fairness import group_counts
from tp_keras.fairness.group_sample import GroupSample


def parity_figures(sample: GroupSample) -> Iterator[dict]:
    """Measures how often each class is said of a gender, and how often rightly.

    Args:
        sample: The predictions of a task.

    Yields:
        The fields of `selection_rate` and `label_rate` of each class and
        gender, and of `demographic_parity_difference`, its like of the labels
        and the excess of the first over the second.

    Source:
        Zhao et al., Men also like shopping: reducing gender bias
        amplification using corpus-level constraints, 2017.
    """
    for metric, hits in (
        ("selection_rate", sample.outcomes.sum(-2)),
        ("label_rate", sample.sizes),
    ):
        for index, gender, label, class_name in sample.groups():
            yield figures.share(
                metric,
                hits[index, label],
                sample.sizes[index].sum(),
                group=gender,
                class_name=class_name,
            )

    def predicted(outcomes):
        return group_counts.difference(group_counts.selection_rates(outcomes))

    def labelled(outcomes):
        return group_counts.difference(group_counts.label_rates(outcomes))

    def amplified(outcomes):
        return predicted(outcomes) - labelled(outcomes)

    # The labels are a matter of chance in the first two. In the third they are
    # what is compared with, and stay as they are, as they do in its null.
    by_gender = {"resampled": sample.by_gender}
    yield from _differences(
        sample, "demographic_parity_difference", predicted, **by_gender
    )
    # Permuting gender inside a class leaves the labels alone: no null.
    yield from _differences(
        sample, "label_parity_difference", labelled, tail=None, **by_gender
    )
    yield from _differences(
        sample, "parity_amplification", amplified, limits=(-1.0, 1.0)
    )


def _differences(sample, metric, values_of, **options):
    for label, class_name in enumerate(sample.task.classes):
        yield sample.figure(
            metric,
            lambda outcomes, label=label: values_of(outcomes)[..., label],
            sample.both_genders,
            class_name=class_name,
            **options,
        )
    yield sample.maximum(
        f"{metric}_max",
        values_of,
        sample.both_genders,
        sample.task.classes,
        **options,
    )
