"""The few figures that say how good a generator is, and what they mean."""

import dataclasses
from collections.abc import Sequence

from tp_keras import tasks
from tp_keras.generator.evaluation.candidates import EIGENFACES
from tp_keras.generator.evaluation.candidates import GENERATED
from tp_keras.generator.evaluation.candidates import REAL
from tp_keras.generator.evaluation.candidates import RECONSTRUCTIONS
from tp_keras.generator.evaluation.candidates import STANDARD_NORMAL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.table import format_figure

KERNEL_SCORE = "normalized_kernel_distance"


@dataclasses.dataclass(frozen=True)
class SummaryFigure:
    """One figure that a reader must know.

    Attributes:
        title: What it is.
        record: The figure.
        compare: What it is to be compared with.
    """

    title: str
    record: Record
    compare: str


def summarize(records: Sequence[Record]) -> list[SummaryFigure]:
    """Returns the figures that a reader must know, in order."""
    items = [*_scores(records), *_attributes(records), *_training(records)]
    items += [*_edits(records), *_leaks(records), *_copies(records)]
    return items


def _scores(records):
    for name, compare in (
        (GENERATED, "0 real portraits, 1 eigenfaces"),
        (STANDARD_NORMAL, "the same without the fitted prior"),
        (RECONSTRUCTIONS, "real portraits, encoded and decoded"),
    ):
        yield from _item(
            records,
            f"kernel score, {name}",
            compare,
            KERNEL_SCORE,
            f"{name} judge",
        )
    others = [
        f"{name} {_text(records, 'two_sample_accuracy', name)}"
        for name in (REAL, EIGENFACES)
    ]
    yield from _item(
        records,
        "told from real",
        "; ".join(others),
        "two_sample_accuracy",
        GENERATED,
    )


def _attributes(records):
    for task in tasks.TASKS:
        yield from _item(
            records,
            f"fidelity, {task.name}",
            f"1 as real; {EIGENFACES} "
            + _text(records, "fidelity", EIGENFACES, task=task.name),
            "fidelity",
            GENERATED,
            task=task.name,
        )
    yield from _item(
        records,
        "fidelity, mean of gender and hair_color",
        f"1 as real; {EIGENFACES} "
        + _text(records, "mean_fidelity", EIGENFACES),
        "mean_fidelity",
        GENERATED,
    )
    for record in find(records, metric="worst_cell_fidelity"):
        yield SummaryFigure(
            f"fidelity of the worst cell ({record.task} of "
            f"{record.class_name}, {record.group})",
            record,
            "1 as real",
        )


def _training(records):
    for task in tasks.TASKS:
        yield from _item(
            records,
            f"accuracy trained on it, {task.name}",
            "; ".join(
                f"{name} "
                + _text(records, "classification_score", name, task=task.name)
                for name in (REAL, EIGENFACES)
            ),
            "classification_score",
            GENERATED,
            task=task.name,
        )


def _edits(records):
    for task in tasks.TASKS:
        for metric, title, compare in (
            ("swap_success", "success", "1 always"),
            (
                "swap_kept",
                "others kept",
                "only decoded " + _text(records, "unedited_kept", None),
            ),
        ):
            yield from _item(
                records,
                f"edit of {task.name}, {title}",
                compare,
                metric,
                None,
                task=task.name,
                class_name=None,
            )


def _leaks(records):
    for task in tasks.TASKS:
        yield from _item(
            records,
            f"{task.name} read from latents",
            "majority "
            + _text(records, "latent_majority", None, task=task.name),
            "latent_probe",
            None,
            task=task.name,
        )


def _copies(records):
    for space in ("pixels", "features"):
        yield from _item(
            records,
            f"nearer to training than 99 % of test, {space}",
            "0.010 without copying",
            "nearer_than_1_percent",
            f"{GENERATED} {space}",
        )
    yield from _item(
        records,
        "nearer to training than to unseen, pixels",
        "test " + _text(records, "nearer_to_training", f"{REAL} pixels"),
        "nearer_to_training",
        f"{GENERATED} pixels",
    )


def _item(records, title, compare, metric, variant, **criteria):
    for record in find(records, metric=metric, variant=variant, **criteria):
        yield SummaryFigure(title, record, compare)


def _text(records, metric, variant, **criteria):
    found = find(records, metric=metric, variant=variant, **criteria)
    return format_figure(found[0]) if found else "-"
