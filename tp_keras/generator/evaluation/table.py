"""The records of a generator's evaluation as tables."""

from collections.abc import Sequence

from tp_keras import tasks
from tp_keras.generator.evaluation.attributes import all_cells
from tp_keras.generator.evaluation.candidates import CANDIDATES
from tp_keras.generator.evaluation.candidates import EIGENFACES
from tp_keras.generator.evaluation.candidates import GENERATED
from tp_keras.generator.evaluation.candidates import REAL
from tp_keras.generator.evaluation.distance_table import distance_table
from tp_keras.generator.evaluation.distance_table import raw_distance_table
from tp_keras.generator.evaluation.summary import summarize
from tp_keras.records.page_parts import Table
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.table import describe
from tp_keras.records.table import format_figure

_COPIES = (
    "nearest_ratio",
    "nearer_than_1_percent",
    "nearer_than_5_percent",
    "authentic",
    "nearer_to_training",
    "copying_score",
    "nearer_test",
)


def full_report(records: Sequence[Record]) -> str:
    """Returns all tables as Markdown, the summary first."""
    parts = ["# Generated portraits", "", describe(records), ""]
    for item in (summary_table(records), *detail_tables(records)):
        parts += [f"## {item.title}", "", item.note, "", item.markdown()]
    return "\n".join(parts)


def summary_table(records: Sequence[Record]) -> Table:
    """Returns the figures that a reader must know."""
    return Table(
        "Summary",
        "Brackets hold 95 % intervals, n is the number of portraits that a "
        "figure rests on; - means not defined.",
        ("figure", "found", "to compare with", "n"),
        [
            [
                item.title,
                format_figure(item.record),
                item.compare,
                f"{item.record.count:,}",
            ]
            for item in summarize(records)
        ],
    )


def detail_tables(records: Sequence[Record]) -> list[Table]:
    """Returns all tables but the summary."""
    return [
        distance_table(records),
        attribute_table(records),
        cell_table(records),
        training_table(records),
        edit_table(records),
        leak_table(records),
        copy_table(records),
        raw_distance_table(records),
    ]


def attribute_table(records: Sequence[Record]) -> Table:
    """Returns what the judge reads rightly of each candidate."""
    rows = []
    for task in tasks.TASKS:
        for name in CANDIDATES:
            where = {"task": task.name, "variant": name}
            if find(records, metric="judge_accuracy", **where):
                rows.append(
                    [
                        task.name,
                        name,
                        _cell(records, metric="judge_accuracy", **where),
                        _cell(records, metric="fidelity", **where),
                        _count(records, metric="judge_accuracy", **where),
                    ]
                )
    return Table(
        "Attributes",
        "The judge's accuracy on what was asked for; fidelity divides it by "
        "that on real portraits.",
        ("task", "candidate", "judge's accuracy", "fidelity", "n"),
        rows,
    )


def cell_table(records: Sequence[Record]) -> Table:
    """Returns what is right in each cell, and how diverse it is."""
    rows = []
    for record in find(records, metric="cell_fidelity"):
        where = {
            "group": record.group,
            "class_name": record.class_name,
        }
        same = {"task": record.task, **where}
        cell_task = _task_of_cell(record)
        rows.append(
            [
                f"{record.class_name}, {record.group}",
                record.task,
                _cell(
                    records, metric="cell_accuracy", variant=GENERATED, **same
                ),
                _cell(records, metric="cell_accuracy", variant=REAL, **same),
                _count(records, metric="cell_accuracy", variant=REAL, **same),
                format_figure(record),
                *(
                    _cell(records, metric=metric, task=cell_task, **where)
                    if record.task == cell_task
                    else ""
                    for metric in ("ms_ssim_diversity", "feature_diversity")
                ),
            ]
        )
    return Table(
        "Cells",
        "Generated for each gender and hair colour, and each hair type. "
        "Fidelity and diversity are defined where there are enough real "
        "portraits. Diversity divides how far pairs of a cell are apart by "
        "that of real pairs, by MS-SSIM and by the judge's features: 1 is as "
        "diverse as real portraits.",
        (
            "cell",
            "judged",
            "generated",
            "real",
            "n real",
            "fidelity",
            "diversity (MS-SSIM)",
            "diversity (features)",
        ),
        rows,
    )


def training_table(records: Sequence[Record]) -> Table:
    """Returns the accuracies of classifiers trained on candidates."""
    return Table(
        "Classifiers trained on it",
        "Accuracy on real test portraits of a small network that was trained "
        "on nothing but the candidate's portraits, with the labels of the "
        "training portraits.",
        ("trained on", *tasks.TASK_NAMES),
        [
            [
                name,
                *(
                    _cell(
                        records,
                        metric="classification_score",
                        task=task,
                        variant=name,
                    )
                    for task in tasks.TASK_NAMES
                ),
            ]
            for name in (REAL, GENERATED, EIGENFACES)
        ],
    )


def edit_table(records: Sequence[Record]) -> Table:
    """Returns how often edits succeed, and what else they change."""
    rows = []
    for record in find(records, metric="swap_success"):
        whole = record.class_name is None
        rows.append(
            [
                record.task if whole else "",
                record.class_name or "any other",
                format_figure(record),
                _cell(
                    records, metric="swap_kept", task=record.task, variant=None
                )
                if whole
                else "",
                ", ".join(
                    f"{other} "
                    + _cell(
                        records,
                        metric="swap_kept",
                        task=record.task,
                        variant=other,
                    )
                    for other in tasks.TASK_NAMES
                    if other != record.task
                )
                if whole
                else "",
                f"{record.count:,}",
            ]
        )
    unedited = find(records, metric="unedited_kept")
    return Table(
        "Edits",
        "Of test portraits that the judge reads rightly in all attributes, "
        "none of them bald: how often it sees the new class, and how often its "
        "other answers stay. Only decoded, without an edit, all answers stay "
        f"in {format_figure(unedited[0]) if unedited else '-'}: more can't be "
        "kept.",
        ("edited", "to", "success", "others kept", "each of them", "n"),
        rows,
    )


def leak_table(records: Sequence[Record]) -> Table:
    """Returns what the latents tell of the labels."""
    rows = []
    for record in find(records, metric="latent_probe"):
        same = {"task": record.task, "variant": record.variant}
        rows.append(
            [
                record.task,
                record.variant or "labels known",
                format_figure(record),
                _cell(records, metric="latent_majority", **same),
                f"{record.count:,}",
            ]
        )
    return Table(
        "Leaks",
        "How well a linear probe reads a label from the latent means. Where it "
        "does so much better than the majority, the decoder may read it there, "
        "and edits of it fail.",
        ("label", "encoder's input", "probe", "majority", "n"),
        rows,
    )


def copy_table(records: Sequence[Record]) -> Table:
    """Returns how near generated portraits are to training portraits."""
    return Table(
        "Copies",
        "Distances to the nearest training portrait, in the judge's features "
        "and in pixels of the central 40 x 40, against those of test "
        "portraits. nearest_ratio: of the medians. nearer_than: the share "
        "nearer than that quantile of test. authentic: farther from its "
        "nearest training portrait than that is from the next one. "
        "nearer_to_training: nearer to training portraits than to as many "
        "others, .5 without copying. copying_score: C_T, below -3 is copying. "
        "nearer_test: p-value of not being nearer than test. Smooth portraits "
        "are near to everything; only nearer_to_training isn't misled by it.",
        ("portraits", *_COPIES),
        [
            [
                variant,
                *(
                    _cell(records, metric=metric, variant=variant)
                    for metric in _COPIES
                ),
            ]
            for variant in dict.fromkeys(
                record.variant for record in find(records, metric="authentic")
            )
        ],
    )


def _task_of_cell(record):
    """Returns the hair task whose class a cell is."""
    if record.group != ALL:
        return tasks.HAIR_COLOR.name
    return next(
        cell.task.name
        for cell in all_cells()
        if cell.gender is None and cell.class_name == record.class_name
    )


def _cell(records, **criteria):
    found = find(records, **criteria)
    return format_figure(found[0]) if found else "-"


def _count(records, **criteria):
    found = find(records, **criteria)
    return f"{found[0].count:,}" if found else "0"
