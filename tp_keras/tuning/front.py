"""Accuracy against latency: what no other trial beats in both."""

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tp_keras.records.plot_kit import new_figure

_FRONT_COLOR = "#D55E00"
_OTHER_COLOR = "#0072B2"


def pareto_front(scores, costs) -> list[int]:
    """Returns the places that no other place beats in both respects.

    A place is beaten by another one that has at least its score and at most
    its cost, and is better in one of the two. Equals stand side by side, and
    all from the lowest cost to the highest.

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
    """Draws score over latency, with the front and the trials' names.

    Args:
        results: Sequence of completed `TrialResult`. Those of a smaller budget
            than the largest are drawn hollow, and are not on the front.
    """
    figure = new_figure(9.0, 6.0)
    axes = figure.subplots()
    full = of_full_budget(results)
    partial = [result for result in results if result not in full]
    front = [full[i] for i in front_of(full)]
    hollow = {"facecolors": "none", "edgecolors": "0.6"}
    budget = f"{full[0].budget_seconds:g} s of training" if full else ""
    for group, label, colors in (
        (partial, "a smaller budget", hollow),
        (full, budget, {"color": _OTHER_COLOR}),
    ):
        if group:  # The legend names what is there.
            axes.scatter(
                [result.latency_ms for result in group],
                [result.score for result in group],
                label=label,
                **colors,
            )
    axes.plot(
        [result.latency_ms for result in front],
        [result.score for result in front],
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
            f"{result.trial_id}: {short_name(result)}",
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


def write_front(path, results) -> None:
    """Writes `front_plot` as a PNG file."""
    FigureCanvasAgg(front_plot(results)).print_png(path)


def of_full_budget(results) -> list:
    """Returns the completed results of the largest budget among them."""
    completed = [result for result in results if result.is_completed]
    largest = max((r.budget_seconds for r in completed), default=0.0)
    return [r for r in completed if r.budget_seconds == largest]


def front_of(results) -> list[int]:
    """Returns the places of the front among completed results."""
    return pareto_front(
        [result.score for result in results],
        [result.latency_ms for result in results],
    )


def short_name(result) -> str:
    """Returns block type, width x depth / stride of the stem, or the name."""
    values = result.values
    if "backbone" in values:
        return values["backbone"]
    return (
        f"{values['block_type']} {values['width']}x{values['depth']}"
        f"/{values['stem_stride']}"
    )
