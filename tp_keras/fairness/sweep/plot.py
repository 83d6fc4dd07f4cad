"""Draws what each variant keeps against what it gives away."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tp_keras.fairness.sweep.choice import Choice
from tp_keras.fairness.sweep.outcome import Outcome
from tp_keras.fairness.sweep.sweep_folder import TEST
from tp_keras.records.plot_kit import new_figure
from tp_keras.tasks import Task
from tp_keras.tuning.front import pareto_front

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
        ("excess", "same-group excess at 20 neighbours, above or below 0"),
        ("worst_group", "recall of the worst group"),
    ),
)


def front_of(
    outcomes: Sequence[Outcome],
    split: str,
    task: Task,
    score: str = "accuracy",
    cost: str = "conditional_probe",
) -> list[int]:
    """Returns the places of outcomes that no other beats in two figures.

    Args:
        outcomes: What was measured; those without a figure are left out.
        split: Where.
        task: Of which guarded task.
        score: Name of a figure of which more is better.
        cost: Name of the one that is best at 0; the lowest comes first.
    """
    points = [_point(item, split, task, cost, score) for item in outcomes]
    places = [place for place, point in enumerate(points) if point is not None]
    front = pareto_front(
        [points[place][1] for place in places],
        [points[place][0] for place in places],
    )
    return [places[index] for index in front]


def front_plot(outcomes: Sequence[Outcome], choice: Choice) -> Figure:
    """Draws the variants on the test split, with the front and the choice.

    Args:
        outcomes: What was measured.
        choice: What was chosen of it.
    """
    figure = new_figure(15.0, 6.0)
    panels = figure.subplots(1, len(_PANELS))
    for panel, (x, y) in zip(panels, _PANELS, strict=True):
        _draw(panel, outcomes, choice, x[0], y[0])
        panel.set_xlabel(x[1])
        panel.set_ylabel(y[1])
    names = [
        Line2D([], [], **_number(place), linestyle="none", label=item.name)
        for place, item in enumerate(outcomes)
    ]
    lines = panels[0].get_legend_handles_labels()[0]
    figure.legend(
        handles=names + lines, loc="outside right upper", frameon=False
    )
    figure.suptitle(
        f"{choice.task.name}, {TEST}: better is up and left", x=0.01, ha="left"
    )
    return figure


def _draw(panel, outcomes, choice, x, y):
    """Draws a dot for each variant, its number beside it, and the front."""
    task = choice.task
    front = front_of(outcomes, TEST, task, score=y, cost=x)
    points = [_point(item, TEST, task, x, y) for item in outcomes]
    for place, (item, middle) in enumerate(zip(outcomes, points, strict=True)):
        if middle is None:
            continue
        color = _FRONT_COLOR if place in front else _OTHER_COLOR
        if item.variant.is_none:
            color = _NONE_COLOR
        if len(item.costs) > 1:
            seeds = (item.values(TEST, figure, task) for figure in (x, y))
            for first, second in zip(*seeds, strict=True):
                panel.plot(abs(first), second, ".", color=color, alpha=0.4)
        panel.plot(*middle, "s" if item.variant.is_none else "o", color=color)
        if item is choice.chosen:
            panel.plot(
                *middle,
                "o",
                markersize=15,
                markerfacecolor="none",
                color=_FRONT_COLOR,
                label="chosen on validation",
            )
        panel.annotate(
            str(place),
            middle,
            (5, 5),
            textcoords="offset points",
            fontsize=9,
            color=color,
        )
    panel.plot(
        *_steps([points[place] for place in front]),
        color=_FRONT_COLOR,
        linewidth=1,
        zorder=1,
        label="no variant is better in both",
    )
    panel.margins(0.1)
    panel.grid(color="0.93")
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)


def _number(place):
    """Returns the number of a variant as the marker of a legend."""
    size = 6 if place < 10 else 10
    return {"marker": f"${place}$", "color": "0.2", "markersize": size}


def _point(outcome, split, task, x, y):
    """Returns where an outcome lies, None if a figure is not supported."""
    x, y = (outcome.mean(split, figure, task) for figure in (x, y))
    # What is below 0 is over-corrected, or chance.
    return None if x is None or y is None else (abs(x), y)


def _steps(points):
    """Returns x and y of a line that is level up to the next point."""
    x, y = np.array(points).reshape(-1, 2).T
    return np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
