"""A sweep as a picture: what each variant keeps against what it gives away."""

import os
from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tp_keras import tasks
from tp_keras.fairness.sweep import label_places
from tp_keras.fairness.sweep.choice import Choice
from tp_keras.fairness.sweep.outcome import Outcome
from tp_keras.fairness.sweep.sweep_folder import TEST
from tp_keras.fairness.sweep.table import front_of
from tp_keras.records.plot_kit import new_figure

_TASK = tasks.HAIR_COLOR
_FRONT_COLOR = "#D55E00"
_OTHER_COLOR = "#0072B2"
_NONE_COLOR = "#000000"

# Figure on the x axis and on the y axis, with their titles.
_PANELS = (
    (
        ("conditional_probe", "conditional probe of the embedding"),
        ("accuracy", "accuracy"),
    ),
    (
        ("excess", "same-gender excess at 20 neighbours, above or below 0"),
        ("worst_group", "recall of the worst group"),
    ),
)


def front_plot(outcomes: Sequence[Outcome], choice: Choice) -> Figure:
    """Draws the variants on the test split, with the front and the choice.

    Args:
        outcomes: What was measured.
        choice: What was chosen of it.
    """
    figure = new_figure(7.5 * len(_PANELS), 7.0)
    panels = figure.subplots(1, len(_PANELS))
    for panel, (x, y) in zip(panels, _PANELS, strict=True):
        _draw(panel, outcomes, choice, x, y)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(
        handles,
        names,
        loc="outside lower center",
        ncols=len(names),
        frameon=False,
    )
    figure.suptitle(
        f"{_TASK.name}, {TEST}: better is up and left",
        x=0.01,
        ha="left",
    )
    # The places of the names depend on the axes, which stay from here on.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for panel in panels:
        label_places.place(panel)
    return figure


def write_front(
    path: str | os.PathLike, outcomes: Sequence[Outcome], choice: Choice
) -> None:
    """Writes `front_plot` as a PNG file."""
    FigureCanvasAgg(front_plot(outcomes, choice)).print_png(path)


def _draw(panel, outcomes, choice, x, y):
    front = front_of(outcomes, TEST, _TASK, score=y[0], cost=x[0])
    middles = [
        _place(item.mean(TEST, x[0]), item.mean(TEST, y[0]))
        for item in outcomes
    ]
    for place, (item, middle) in enumerate(zip(outcomes, middles, strict=True)):
        if middle is None:
            continue
        color = _FRONT_COLOR if place in front else _OTHER_COLOR
        if item.variant.is_none:
            color = _NONE_COLOR
        seeds = [
            _place(*values)
            for values in zip(
                item.values(TEST, x[0]), item.values(TEST, y[0]), strict=True
            )
        ]
        if len(seeds) > 1:
            panel.plot(
                *zip(*seeds, strict=True),
                linestyle="none",
                marker=".",
                markersize=4,
                color=color,
                alpha=0.45,
                label=_once(panel, "a seed"),
            )
        panel.plot(
            *middle,
            linestyle="none",
            marker="s" if item.variant.is_none else "o",
            markersize=7,
            color=color,
            label=_once(panel, "none: as trained")
            if item.variant.is_none
            else None,
        )
        if item is choice.chosen:
            panel.plot(
                *middle,
                linestyle="none",
                marker="o",
                markersize=15,
                markerfacecolor="none",
                markeredgewidth=1.6,
                color=_FRONT_COLOR,
                label="chosen on validation",
            )
        panel.annotate(
            item.name,
            middle,
            xytext=(0, 0),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=8,
            color=color,
            in_layout=False,
            # Hides the end of the line that leads from here to the point.
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    panel.plot(
        *_steps([middles[place] for place in front]),
        color=_FRONT_COLOR,
        linewidth=1,
        zorder=1,
        label="no variant is better in both",
    )
    panel.margins(0.15)
    panel.set_xlabel(x[1])
    panel.set_ylabel(y[1])
    panel.grid(color="0.93")
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)


def _place(x, y):
    """Returns where a point lies, None if a figure is not supported."""
    # What is below 0 is over-corrected, or chance.
    return None if x is None or y is None else (abs(x), y)


def _steps(points):
    """Returns x and y of a line that is level up to the next point."""
    ends = np.array(points).reshape(-1, 2)
    x, y = ends.T
    return np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]


def _once(panel, name):
    """Returns a label of the legend unless it is there."""
    return None if name in panel.get_legend_handles_labels()[1] else name
