"""Accuracy against latency: what no other trial beats in both."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tp_keras.records.plot_kit import new_figure

_FRONT_COLOR = "#D55E00"
_OTHER_COLOR = "#0072B2"


def pareto_front(scores, costs) -> list[int]:
    """Returns the places that no other place beats, from low cost to high.

    A place is beaten by another one that has at least its score and at most
    its cost, and is better in one of the two. Equals stand side by side.

    Example:
        >>> pareto_front(scores=[0.8, 0.9, 0.7], costs=[1.0, 2.0, 3.0])
        [0, 1]
    """
    front: list[int] = []
    for place in sorted(
        range(len(scores)), key=lambda place: (costs[place], -scores[place])
    ):
        # Whatever came before costs no more, and the last has most score.
        last = front[-1] if front else place
        same = (scores[place], costs[place]) == (scores[last], costs[last])
        if same or scores[place] > scores[last]:
            front.append(place)
    return front


def front_plot(results) -> Figure:
    """Draws score over latency of one or more completed `TrialResult`.

    Those of a smaller budget than the largest are drawn hollow, and are not on
    the front.
    """
    figure = new_figure(9.0, 6.0)
    axes, full = figure.subplots(), of_full_budget(results)
    partial = [result for result in results if result not in full]
    front = [full[i] for i in front_of(full)]

    def points(group):
        return np.array([(item.latency_ms, item.score) for item in group]).T

    if partial:  # The legend names what is there.
        hollow = {"facecolors": "none", "edgecolors": "0.6"}
        axes.scatter(*points(partial), label="a smaller budget", **hollow)
    budget = f"{full[0].budget_seconds:g} s of training"
    axes.scatter(*points(full), label=budget, color=_OTHER_COLOR)
    axes.plot(
        *points(front),
        color=_FRONT_COLOR,
        marker="D",
        drawstyle="steps-post",
        label="no trial is better in both",
    )
    middle = sum(axes.get_xlim()) / 2
    for result in full:
        # Towards the middle, where a long name has room.
        is_right = result.latency_ms > middle
        axes.annotate(
            f"{result.trial_id}: {_short_name(result.values)}",
            (result.latency_ms, result.score),
            xytext=(-4 if is_right else 4, 4),
            horizontalalignment="right" if is_right else "left",
            textcoords="offset points",
            fontsize=7,
            color=_FRONT_COLOR if result in front else "0.3",
        )
    axes.set_xlabel("latency of one portrait, one thread, in ms")
    axes.set_ylabel("validation accuracy, mean over the tasks")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.grid(color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="best", frameon=False)
    axes.set_title("Accuracy after equal time against latency", loc="left")
    return figure


def of_full_budget(results) -> list:
    """Returns those of completed results that have the largest budget."""
    largest = max((result.budget_seconds for result in results), default=0.0)
    return [item for item in results if item.budget_seconds == largest]


def front_of(results) -> list[int]:
    """Returns the places of the front among completed results."""
    costs = [result.latency_ms for result in results]
    return pareto_front([result.score for result in results], costs)


def _short_name(values):
    """Returns block type, width x depth / stride of the stem, or the name."""
    if "backbone" in values:
        return values["backbone"]
    return (
        f"{values['block_type']} {values['width']}x{values['depth']}"
        f"/{values['stem_stride']}"
    )
