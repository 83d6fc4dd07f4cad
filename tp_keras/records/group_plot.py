"""Figures of classes in groups, as marks with intervals."""

from collections.abc import Callable
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from tp_keras.records.plot_kit import group_styles
from tp_keras.records.record import Record

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
        text: Function of a record: what stands on the right, where there are
            few groups.
        is_few: Function of a record: whether it rests on too few rows to
            count, and is drawn hollow.
    """
    styles = group_styles(groups)
    names = list(dict.fromkeys(record.class_name for record in records))
    step = _step(len(groups))
    step /= step * len(groups) + _BETWEEN
    drawn = {name: [] for name in names}
    for record in records:
        if record.group not in groups or record.value is None:
            continue
        place = groups.index(record.group) - (len(groups) - 1) / 2
        y = names.index(record.class_name) + step * place
        style, few = styles[record.group], is_few(record)
        if record.low is not None:
            panel.hlines(
                y,
                record.low,
                record.high,
                color=style["color"],
                linewidth=1.8,
                linestyle=":" if few else "-",
            )
        panel.plot(
            record.value,
            y,
            **style,
            markersize=6,
            markerfacecolor="white" if few else style["color"],
            linestyle="none",
        )
        if len(groups) <= _MOST_WITH_TEXTS:
            panel.annotate(
                text(record),
                (1.01, y),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=8,
                color=style["color"],
            )
        drawn[record.class_name].append(record.value)
    half = 0.5 * step * len(groups)
    for row, values in enumerate(drawn.values()):
        if len(values) > 1:
            panel.fill_betweenx(
                [row - half, row + half],
                min(values),
                max(values),
                color="0.93",
                zorder=0,
            )
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
