"""Figures of classes in groups, as marks with intervals."""

from collections.abc import Callable
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from tp_keras.records.plot_kit import group_styles
from tp_keras.records.record import Record
from tp_keras.records.record import find

# Inches between the marks of a class, and between classes. Where there are
# many groups the numbers beside the marks are left out.
_CLOSE, _WIDE, _BETWEEN = 0.13, 0.2, 0.25
_MOST_WITH_TEXTS = 4


def rows_height(num_classes: int, num_groups: int) -> float:
    """Returns the inches that `draw_groups` needs."""
    return num_classes * (_step(num_groups) * num_groups + _BETWEEN)


def draw_groups(
    panel: Axes,
    records: Sequence[Record],
    groups: Sequence[str],
    text: Callable[[Record], str] = lambda record: (
        f"{record.value:.0%} of {record.count:,}"
    ),
    is_few: Callable[[Record], bool] = lambda record: False,
) -> None:
    """Draws a row for each class, in it a mark for each group.

    The shade behind the marks is as wide as the groups differ.

    Args:
        panel: Where to draw.
        records: Figures of one metric, of every class and group.
        groups: Names of the groups, in the order of the schema.
        text: What stands on the right of a record, where groups are few.
        is_few: Whether a record rests on too few rows, and is drawn hollow.
    """
    styles = group_styles(groups)
    names = list(dict.fromkeys(record.class_name for record in records))
    step = _step(len(groups))
    step /= step * len(groups) + _BETWEEN
    half = 0.5 * step * len(groups)
    for row, name in enumerate(names):
        shown = [
            record
            for record in find(records, class_name=name)
            if record.group in groups and record.value is not None
        ]
        values = [record.value for record in shown]
        if len(values) > 1:
            sides = [row - half, row + half]
            panel.fill_betweenx(
                sides, min(values), max(values), color="0.93", zorder=0
            )
        for record in shown:
            y = row - half + step * (groups.index(record.group) + 0.5)
            style, few = styles[record.group], is_few(record)
            if record.low is not None:
                line = {"color": style["color"], "linestyle": "-:"[few]}
                panel.hlines(y, record.low, record.high, linewidth=1.8, **line)
            fill = "white" if few else style["color"]
            mark = {"markerfacecolor": fill, "linestyle": "none"}
            panel.plot(record.value, y, **style, **mark, markersize=6)
            if len(groups) <= _MOST_WITH_TEXTS:
                where = {"xycoords": ("axes fraction", "data"), "va": "center"}
                look = {"fontsize": 8, "color": style["color"]}
                panel.annotate(text(record), (1.01, y), **where, **look)
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(len(names) - 0.5, -0.5)
    panel.grid(axis="x", color="0.9")
    panel.tick_params(axis="y", length=0)


def group_handles(groups: Sequence[str]) -> list[Line2D]:
    """Returns what a legend of `draw_groups` shows of the groups."""
    return [
        Line2D([], [], **style, markersize=6, linewidth=1.8, label=group)
        for group, style in group_styles(groups).items()
        if group in groups
    ]


def _step(num_groups):
    return _WIDE if num_groups <= _MOST_WITH_TEXTS else _CLOSE
