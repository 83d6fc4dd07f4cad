"""The records of a fairness report as tables, for Markdown and for the page."""

from collections.abc import Sequence

from tp_keras import tasks
from tp_keras.evaluation.evaluator import GROUPS
from tp_keras.evaluation.table import evaluated_tasks
from tp_keras.fairness import leakage_figures
from tp_keras.fairness import summary
from tp_keras.fairness.group_sample import UNSUPPORTED
from tp_keras.records.page_parts import Table
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.table import describe
from tp_keras.records.table import markdown_table

_SUMMARY_HEADER = ("figure", "found", "if gender played no role", "n")

# Kinds of figures: title, how to read it, metrics. What is of no kind is listed
# all the same.
_KINDS = (
    (
        "Predictions by gender",
        "Score: the mean of women's and men's figure minus their difference, 1 "
        "is best. Equalised odds: how far apart women and men of the same "
        "class are called so, and those of other classes are; 0 is best.",
        {
            "accuracy",
            "accuracy_gap",
            "score",
            "macro_recall",
            "macro_recall_gap",
            "macro_score",
            "worst_group_recall",
            "true_positive_rate_difference",
            "false_positive_rate_difference",
            "equalized_odds_difference_max",
            "equalized_odds_difference_mean",
            "equal_opportunity_difference",
        },
    ),
    (
        "How often a class is said",
        "Rates that differ as those of the labels do are right: no "
        "amplification is best, not parity.",
        {
            "selection_rate",
            "label_rate",
            "demographic_parity_difference",
            "demographic_parity_difference_max",
            "label_parity_difference",
            "label_parity_difference_max",
            "parity_amplification",
            "parity_amplification_max",
        },
    ),
    (
        "Gender in labels, predictions and layers",
        "Balanced accuracies of guessing gender: 0.5 is nothing, 1 all. The "
        "band is what hair itself gives away: above it is what could be "
        "removed. Conditional probes know the class, and each class and gender "
        "weighs the same; 0.5 is best. Negative controls were given shuffled "
        "genders and must find 0.5. A broken probe can't be trusted.",
        {
            "label_leakage",
            "prediction_leakage",
            "leakage_amplification",
            "leakage_band_low",
            "leakage_band_high",
            "conditional_prediction_leakage",
            "gender_probe",
            "conditional_gender_probe",
            "negative_control",
            "conditional_negative_control",
            "broken_probe",
        },
    ),
    (
        "Neighbours in the embedding",
        "k is the length of a list. Excess: the share of the query's own "
        "gender minus what its label implies; 0 is best. Skew and NDKL: how "
        "far the genders of a list are from the target, to be compared with "
        "chance. Cross-gender preference: how often the same hair in the "
        "other gender is closer than other hair in the same gender; 1 is best.",
        {
            "neighbor_precision",
            "neighbor_precision_gap",
            "same_gender_share",
            "same_gender_excess",
            "same_gender_skew",
            "max_skew",
            "ndkl",
            "cross_gender_precision",
            "cross_gender_preference",
        },
    ),
    (
        "Counterfactual pairs",
        "The same portrait with the cues of the other gender. Distances are 1 "
        "minus the cosine; the ratio divides that within pairs by that to "
        "other portraits of the class. 0 is best.",
        {
            "counterfactual_flips",
            "counterfactual_distance",
            "class_distance",
            "counterfactual_distance_ratio",
        },
    ),
)


def full_report(records: Sequence[Record]) -> str:
    """Returns all tables as Markdown, the summaries first."""
    parts = ["# Fairness with respect to gender", "", describe(records), ""]
    evaluated = evaluated_tasks(records)
    parts += ["## Summary", "", summary_text(records), _LEGEND]
    for task in evaluated:
        parts += [f"## {task.name}", ""]
        for item in detail_tables(records, task):
            parts += [f"### {item.title}", "", item.note, "", item.markdown()]
    return "\n".join(parts)


_LEGEND = """\
Brackets hold 95 % intervals; n is the number of portraits. "By chance" is the
95 % quantile of the figure (5 % for a smallest recall and for scores) when
gender is permuted inside each class.
"""


def summary_text(records: Sequence[Record]) -> str:
    """Returns the summaries of all tasks as one Markdown table.

    Below it stands what was found of probes that can't be trusted.
    """
    rows, broken = [], []
    for task in evaluated_tasks(records):
        for row in summary_table(records, task).rows:
            rows.append([task.name, *row])
        broken += [
            f"A probe of {task.name} can't be trusted: {record.variant}.\n"
            for record in leakage_figures.broken_probes(records, task)
        ]
    return markdown_table(["task", *_SUMMARY_HEADER], rows) + "".join(broken)


def summary_table(records: Sequence[Record], task: tasks.Task) -> Table:
    """Returns the figures of one task that a reader must know."""
    return Table(
        "Summary",
        "",
        _SUMMARY_HEADER,
        [
            [
                item.title,
                format_figure(item.record),
                item.aim,
                f"{item.record.count:,}",
            ]
            for item in summary.summarize(records, task)
        ],
    )


def detail_tables(records: Sequence[Record], task: tasks.Task) -> list[Table]:
    """Returns every record of a task, a table for each kind of figure."""
    own = find(records, task=task.name)
    recalls = [record for record in own if record.metric == "group_recall"]
    tables = [_recall_table(recalls, task)]
    rest = [record for record in own if record.metric != "group_recall"]
    for title, note, metrics in _KINDS:
        chosen = [record for record in rest if record.metric in metrics]
        rest = [record for record in rest if record.metric not in metrics]
        tables.append(_group_table(title, note, chosen))
    tables.append(_group_table("Further figures", "", rest))
    return [item for item in tables if item.rows]


def format_figure(record: Record) -> str:
    """Returns `0.934 [0.912, 0.951]`, or `not supported (n = 7)`."""
    if record.value is None:
        return summary.not_supported(record)
    if record.low is None:
        return f"{record.value:.3f}"
    return f"{record.value:.3f} [{record.low:.3f}, {record.high:.3f}]"


def _recall_table(records, task):
    rows = []
    for class_name in task.classes:
        cells = [
            _with_count(record)
            for group in tasks.GENDER.classes
            for record in find(records, group=group, class_name=class_name)
        ]
        if cells:
            rows.append([class_name, *cells])
    return Table(
        "Recall of each class",
        "The share of the portraits of a class that is recognised.",
        ("class", *tasks.GENDER.classes),
        rows,
    )


def _group_table(title, note, records):
    """Makes a row of each figure, with a column for each group."""
    found = {}
    for record in records:
        key = (record.metric, record.class_name, record.variant)
        # The worst group is a class and a gender, and of one row all the same.
        found.setdefault(key, {})[record.group] = record
    rows = []
    for (metric, class_name, variant), groups in found.items():
        nulls = [
            groups[group].null
            for group in GROUPS
            if group in groups and groups[group].null is not None
        ]
        rows.append(
            [
                metric,
                ", ".join(filter(None, (class_name, variant))),
                *(
                    _with_count(groups[group]) if group in groups else ""
                    for group in GROUPS
                ),
                f"{nulls[0]:.3f}" if nulls else "",
            ]
        )
    return Table(title, note, ("figure", "of", *GROUPS, "by chance"), rows)


def _with_count(record):
    text = format_figure(record)
    if record.value is None:
        return text
    if record.variant == UNSUPPORTED:
        return f"{text} (n = {record.count:,}, not supported)"
    return f"{text} (n = {record.count:,})"
