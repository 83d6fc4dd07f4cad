"""A ranking as sentences, tables and a plot, made from its records alone."""

from collections.abc import Sequence

import pandas as pd

from tp_keras.ranking import summary
from tp_keras.ranking.measures import FEW_EXPECTED
from tp_keras.ranking.rank import BY_REGRESSION
from tp_keras.ranking.rank import BY_SCIKIT_LEARN
from tp_keras.ranking.rank import BY_TABLE
from tp_keras.ranking.rank_plot import draw_ranks
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Report
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.table import figure_table
from tp_keras.records.table import format_count

_METHOD = """\
<p>Each attribute is held against the target in two ways. <b>By itself</b>, in
the table of counts of its levels and the classes of the target: chi-square says
whether the two go together at all, Cramer's V how strongly (0 not, 1 wholly),
mutual information the same in bits, and of two levels the odds ratio in which
direction. <b>Beside all others</b>, in a logistic regression of the target on
all attributes at once (standardised, L2 penalty, classes balanced by weights):
there, what several attributes say is shared between them.</p>
<p>Intervals of ranks are the middle 95 % over draws of the rows. Where they
overlap, the order is not settled. Adjusted p-values are those of Benjamini and
Hochberg: of all attributes below 5 %, about one in twenty is there by
chance.</p>"""

_SCIKIT_LEARN = """\
<p><code>sklearn.feature_selection.chi2</code> is often taken for the chi-square
of the table. Of a column of 0 and 1 it counts the ones alone, and so is exactly
that chi-square <i>times one minus the share of ones</i>: an attribute that nine
rows of ten have loses nine tenths, and with its absence coded as 1 it would
have another rank. It stands here for comparison only.</p>"""

_LIMITS = """\
<ul>
<li>What goes with the target need not cause it: it may stand for something that
the table does not hold.</li>
<li>Cramer's V of an attribute that few rows have is small even where all of
these fall into one class: read the odds ratio there.</li>
<li>The regression takes an attribute that is not known for an average one, and
numbers as straight lines; the table has the known rows alone, and numbers in
bins.</li>
<li>Where so few rows are expected in a cell that p is a rough one, it is marked
with ~.</li>
</ul>"""

# Metric, or way to a rank -> heading.
_RANKING = {
    f"rank {BY_TABLE}": "rank by table",
    f"rank {BY_REGRESSION}": "by regression",
    BY_TABLE: "Cramer's V",
    "adjusted_p_value": "adjusted p",
    "odds_ratio": "odds ratio",
    f"rank {BY_SCIKIT_LEARN}": "by scikit-learn",
}
_MEASURES = {
    "levels": "levels",
    "chi_square": "chi-square",
    "degrees_of_freedom": "degrees",
    "p_value": "p",
    "mutual_information": "bits",
    BY_REGRESSION: "adds to logits",
    "nearest_correlation": "nearest",
    BY_SCIKIT_LEARN: "scikit-learn's chi2",
}


def make_report(records: Sequence[Record]) -> Report:
    """Makes a report of what `rank_attributes` returned."""
    target = records[0].task
    odds = find(records, metric="odds_ratio")
    note = "Ranks, 1 the strongest, with 95 % intervals."
    if odds:
        note += (
            f" Odds ratio: the odds of {target} {odds[0].predicted_class} with "
            "the attribute divided by those without it."
        )
    plot = Plot(
        "ranks.png",
        f"Which attributes go with {target}?",
        "Each row is an attribute, the strongest on top. The marks are its "
        "ranks, the lines through them 95 % intervals. Where the two filled "
        "marks lie far apart, other attributes say the same. The hollow mark "
        "is the rank by scikit-learn's column.",
        draw_ranks(records),
    )
    tables = [
        Table(
            "Measures",
            "Bits: mutual information. Adds to logits: the standard deviation "
            "of that. Nearest: the attribute that correlates most.",
            ranking_table(records, _MEASURES),
        ),
        Table(
            f"Shares of {target}",
            "Of the rows with each level.",
            figure_table(
                [
                    record
                    for record in find(records, metric="class_share")
                    if record.class_name
                ],
                {"attribute": "class_name", "level": "variant"},
                columns="predicted_class",
                more={"n": format_count},
            ),
        ),
    ]
    found = {"sentences": [*summary.sentences(records)], "plots": [plot]}
    ranking = Table("Ranking", note, ranking_table(records))
    sections = [
        Section("What was found", summary=ranking, **found),
        Section("How attributes are ranked", _METHOD),
        Section("Why scikit-learn's chi2 differs", _SCIKIT_LEARN),
        Section("All figures", tables=tables),
        Section("What these figures can't tell", _LIMITS),
    ]
    return Report(f"What goes with {target}?", sections, shows_people=False)


def ranking_table(records: Sequence[Record], titles=None) -> pd.DataFrame:
    """Returns a row an attribute, the strongest first.

    Args:
        records: What `rank_attributes` returned.
        titles: Metric -> heading; ranks are `"rank cramers_v"` and so on.
            None: what everybody should read.
    """
    titles = titles or _RANKING
    rough = {
        record.class_name
        for record in find(records, metric="smallest_expected")
        if record.value < FEW_EXPECTED
    }

    def title(record):
        rank = record.metric == "rank"
        return titles.get(f"rank {record.variant}" if rank else record.metric)

    def text(record):
        return _text(record, record.class_name in rough)

    names = [record.class_name for record in summary.by_rank(records)]
    names += summary.unsupported(records)
    shown = [
        record
        for name in names
        for record in find(records, class_name=name)
        if title(record)
    ]
    more = {"n": format_count}
    rows = {"attribute": "class_name"}
    frame = figure_table(shown, rows, title, form=text, more=more)
    columns = ["attribute", *titles.values(), "n"]
    return frame[[column for column in columns if column in frame]]


def _text(record, is_rough):
    """Returns the text of a figure, in the digits that its kind needs."""
    if record.value is None:
        return f"not supported ({record.variant})"
    if record.metric in ("p_value", "adjusted_p_value"):
        return "~" * is_rough + f"{record.value:.2g}"
    if record.metric == "nearest_correlation":
        return f"{record.variant} ({record.value:.2f})"
    if record.metric == "levels":
        return f"{record.value:.0f}, {record.variant}"
    digits = {"rank": 0, "degrees_of_freedom": 0, "odds_ratio": 2}
    digits |= {"chi_square": 1, BY_SCIKIT_LEARN: 1}
    form = f".{digits.get(record.metric, 3)}f"
    if record.low is None:
        return f"{record.value:{form}}"
    return f"{record.value:{form}} [{record.low:{form}}, {record.high:{form}}]"
