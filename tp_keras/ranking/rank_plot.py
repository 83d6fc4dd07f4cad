"""Ranks of attributes with their intervals, as a drawing."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tp_keras.ranking.rank import BY_REGRESSION
from tp_keras.ranking.rank import BY_SCIKIT_LEARN
from tp_keras.ranking.rank import BY_TABLE
from tp_keras.ranking.summary import by_rank
from tp_keras.records import plot_kit
from tp_keras.records.record import Record

_WAYS = {
    BY_TABLE: "by itself (table of counts)",
    BY_REGRESSION: "beside all others (regression)",
    BY_SCIKIT_LEARN: "scikit-learn's chi2",
}
# How far the marks of a row lie below its middle.
_SHIFTS = {BY_TABLE: -0.16, BY_REGRESSION: 0.16, BY_SCIKIT_LEARN: -0.16}

# Of more attributes the strongest are drawn.
_MOST = 50


def draw_ranks(records: Sequence[Record]) -> Figure:
    """Draws what `rank_attributes` returned, a row an attribute."""
    names = [record.class_name for record in by_rank(records)][:_MOST]
    figure = plot_kit.new_figure(8.5, 1.5 + 0.28 * len(names))
    panel = figure.subplots()
    styles = plot_kit.group_styles(_WAYS)
    for way, shift in _SHIFTS.items():
        style, fill = styles[way], {}
        if way == BY_SCIKIT_LEARN:
            fill = {"markerfacecolor": "none"}
        for record in by_rank(records, way):
            if record.class_name not in names:
                continue
            y = names.index(record.class_name) + shift
            if record.low is not None:
                line = {"color": style["color"], "linewidth": 1.6, "alpha": 0.6}
                panel.hlines(y, record.low, record.high, **line)
            panel.plot(record.value, y, **style, **fill, markersize=5)
    labels = [name.replace("$", r"\$") for name in names]  # No formulas.
    panel.set_yticks(range(len(names)), labels)
    panel.set_ylim(len(names) - 0.4, -0.6)
    panel.grid(color="0.93")
    panel.set_axisbelow(True)
    panel.tick_params(length=0)
    panel.set_xlabel("rank, 1 the strongest")
    handles = [
        Line2D([], [], **styles[way], linestyle="none", label=label)
        for way, label in _WAYS.items()
    ]
    handles[-1].set_markerfacecolor("none")
    plot_kit.add_title(figure, f"Target: {records[0].task}", handles)
    return figure
