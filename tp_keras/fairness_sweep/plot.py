"""A sweep as a picture: what each variant keeps against what it gives away."""

import os
from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tp_keras import tasks
from tp_keras.evaluation import plots
from tp_keras.fairness_sweep import label_places
from tp_keras.fairness_sweep.choice import Choice
from tp_keras.fairness_sweep.outcome import Outcome
from tp_keras.fairness_sweep.sweep_folder import TEST
from tp_keras.fairness_sweep.table import front_of

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
        ("excess", "same-gender excess at 20 neighbours"),
        ("worst_group", "recall of the worst group"),
    ),
    (
        ("equalized_odds", "equalised-odds difference"),
        ("worst_group", "recall of the worst group"),
    ),
)


def front_plot(outcomes: Sequence[Outcome], choice: Choice) -> Figure:
    """Draws the variants on the test split, with the front and the choice.

    Args:
        outcomes: What was measured.
        choice: What was chosen of it.
    """
    figure = plots.new_figure(7.2 * len(_PANELS), 6.6)
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
    # Their places depend on the axes, which are fixed from here on.
    figure.draw_without_rendering()
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
        (item.mean(TEST, x[0]), item.mean(TEST, y[0])) for item in outcomes
    ]
    for place, (item, middle) in enumerate(zip(outcomes, middles, strict=True)):
        if None in middle:
            continue
        color = _FRONT_COLOR if place in front else _OTHER_COLOR
        if item.variant.is_none:
            color = _NONE_COLOR
        seeds = list(
            zip(item.values(TEST, x[0]), item.values(TEST, y[0]), strict=True)
        )
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
            item.name, middle, fontsize=8, color=color, annotation_clip=False
        )
    panel.plot(
        *zip(*(middles[place] for place in front), strict=True),
        color=_FRONT_COLOR,
        linewidth=1,
        zorder=1,
        drawstyle="steps-post",
        label="no variant is better in both",
    )
    panel.margins(0.12)
    panel.set_xlabel(x[1])
    panel.set_ylabel(y[1])
    panel.grid(color="0.93")
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)


def _once(panel, name):
    """Returns a label of the legend unless it is there."""
    return None if name in panel.get_legend_handles_labels()[1] else name
