"""The report of a sweep: rule, choice, tables of all variants, and the plot."""

import itertools
import os
from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tp_keras.errors import UserError
from tp_keras.fairness.summary import question
from tp_keras.fairness.sweep.outcome import SPLITS
from tp_keras.fairness.sweep.outcome import TEST
from tp_keras.fairness.sweep.outcome import Choice
from tp_keras.fairness.sweep.outcome import Outcome
from tp_keras.fairness.sweep.outcome import choose
from tp_keras.fairness.sweep.outcome import mean
from tp_keras.fairness.sweep.outcome import rule
from tp_keras.fairness.sweep.settings import ChoiceSettings
from tp_keras.records import page_parts
from tp_keras.records.plot_kit import add_title
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.report import make_markdown
from tp_keras.records.report import write_parts
from tp_keras.tasks import Schema
from tp_keras.tasks import Task
from tp_keras.tuning.front import pareto_front

# Heading of a column -> its figure.
_COLUMNS = {
    "accuracy": "accuracy",
    "worst group": "worst_group",
    "equalised odds": "equalized_odds",
    "by chance": "equalized_odds_null",
    "conditional probe": "conditional_probe",
    "probe": "probe",
    "lower band": "band_low",
    "upper band": "band_high",
    "excess at 20": "excess",
    "precision at 20": "precision",
    "flips": "flips",
}
_MOST_FAILING_SHOWN = 5
_NOTE = (
    "A star marks the front: no other variant has both at least this accuracy "
    "and at most this conditional probe. Probes: the better of linear and MLP, "
    "on the part of the embedding that the task reads. By chance: what the "
    "equalised-odds difference hardly exceeds if the group plays no role. "
    "Cost: seconds of training, of the features of the trunk and of debiasing, "
    "divided by those of training; they grow with what else the machine does, "
    "and decide nothing."
)

_FRONT_COLOR, _OTHER_COLOR, _NONE_COLOR = "#D55E00", "#0072B2", "#000000"

# Figures on the axes x and y, with their titles.
_ACCURACY = {
    "conditional_probe": "conditional probe of the embedding",
    "accuracy": "accuracy",
}
_WORST_GROUP = {
    "excess": "same-group excess at 20 neighbours, above or below 0",
    "worst_group": "recall of the worst group",
}


def write_report(
    sweep_dir: str | os.PathLike,
    outcomes: Sequence[Outcome],
    schema: Schema,
    settings: ChoiceSettings,
) -> tuple[Choice, str]:
    """Chooses a variant, and writes `table.md` and `front.png`.

    Returns the choice, and the text of `table.md`. Raises `UserError` if the
    task to choose by is none of the guarded ones.
    """
    firsts = [records[0] for records in outcomes[0].records[TEST]]
    guarded = [
        task
        for task in schema.guarded_tasks
        if outcomes[0].mean(TEST, "accuracy", task) is not None
    ]
    names = [task.name for task in guarded]
    if not names or settings.task not in ("", *names):
        raise UserError(
            f"Expected a task to choose by out of {', '.join(names)}. "
            f"Received: task={settings.task}"
        )
    task = schema.task(settings.task or names[0])
    choice = choose(outcomes, task, settings)
    seeds = ", ".join(str(record.seed) for record in firsts)
    plot = page_parts.Plot(
        "front.png",
        "What does each variant cost in accuracy?",
        "Better is up and left. On the line no other variant is better in "
        "both.",
        front_plot(outcomes, choice),
    )
    sections = [
        _choice_section(choice, rule(settings, task), plot),
        *_variant_sections(outcomes, schema, guarded),
    ]
    title = f"Sweep: {question(schema, guarded)}"
    report = page_parts.Report(title, sections, schema.shows_people)
    about = (
        f"{firsts[0].dataset}, {len(firsts)} seed{'s' * (len(firsts) != 1)} "
        f"({seeds}), {len(outcomes)} variants; means over the seeds."
    )
    write_parts(sweep_dir, report, about)
    return choice, make_markdown(report, about)


def _choice_section(choice, told, plot):
    """Returns rule and choice, with the chosen variant beside `none`."""
    failing, shown = choice.passed_over[:_MOST_FAILING_SHOWN], choice.shown
    sentences, rows = [told, "Nothing was compared with none."], []
    if shown is None:
        return page_parts.Section("Choice", sentences=sentences, plots=[plot])
    name = f"{shown.name} (not chosen)"
    sentences[1] = "No variant passes. The best of those that fail:"
    if choice.chosen:
        name, sentences[1] = shown.name, f"Chosen: **{shown.name}**."
        sentences[1] += " With a smaller probe, but failing:" * bool(failing)
    for item in failing:
        sentences.append(f"{item.outcome.name}: {'; '.join(item.failures)}")
    for split in SPLITS:
        seeds = len(choice.none.records[split])
        recalls = shown.group_recalls(split, choice.task)
        before = choice.none.group_recalls(split, choice.task)
        for cell, (recall, count) in before.items():
            after, _ = recalls[cell]
            row = " ".join(cell), split, f"{count // seeds:,}", _number(recall)
            rows.append((*row, _number(after), f"{after - recall:+.3f}"))
    first = f"recall of {choice.task.name}"
    names = [first, "split", "portraits", "none", name, "difference"]
    frame = pd.DataFrame(sorted(rows), columns=names)
    table = page_parts.Table("", "", frame)
    return page_parts.Section("Choice", "", sentences, table, [plot])


def _variant_sections(outcomes, schema, guarded):
    """Yields a table of all variants for each task and split."""
    head, note = schema.protected_task, _NOTE
    for task, split in itertools.product(guarded, SPLITS):
        figures = {title: (name, task) for title, name in _COLUMNS.items()}
        figures[f"{head.name} accuracy"] = "accuracy", head
        found = {
            title: [item.mean(split, *figure) for item in outcomes]
            for title, figure in figures.items()
        }
        found["cost"] = [mean(item.costs) for item in outcomes]
        front = front_of(points_of(outcomes, split, task, *_ACCURACY))
        cells = {"variant": [item.name for item in outcomes]}
        for place in front:
            cells["variant"][place] += " *"
        for title, means in found.items():
            if set(means) != {None}:
                cells[title] = [*map(_number, means)]
        table, note = page_parts.Table("", note, pd.DataFrame(cells)), ""
        yield page_parts.Section(f"{task.name}, {split}", summary=table)


def _number(value):
    return "-" if value is None else f"{value:.3f}"


def points_of(outcomes, split: str, task: Task, x: str, y: str) -> list:
    """Returns where outcomes lie, None where a figure is not supported."""
    pairs = [[item.mean(split, f, task) for f in (x, y)] for item in outcomes]
    # What is below 0 is over-corrected, or chance.
    return [None if None in pair else (abs(pair[0]), pair[1]) for pair in pairs]


def front_of(points: Sequence[tuple[float, float] | None]) -> list[int]:
    """Returns the places that no other beats in both, from low x to high."""
    places = [place for place, point in enumerate(points) if point is not None]
    costs, scores = ([points[place][i] for place in places] for i in (0, 1))
    return [places[index] for index in pareto_front(scores, costs)]


def front_plot(outcomes: Sequence[Outcome], choice: Choice) -> Figure:
    """Draws the variants on the test split, with the front and the choice."""
    figure = new_figure(15.0, 6.0)
    panels = figure.subplots(1, 2)
    for panel, axes in zip(panels, (_ACCURACY, _WORST_GROUP), strict=True):
        _draw(panel, outcomes, choice, *axes)
        panel.set(**dict(zip(("xlabel", "ylabel"), axes.values(), strict=True)))
    style, handles = {"color": "0.2", "linestyle": "none"}, []
    for place, item in enumerate(outcomes):
        style |= {"marker": f"${place}$", "markersize": 6 if place < 10 else 10}
        handles.append(Line2D([], [], label=item.name, **style))
    handles += panels[0].get_legend_handles_labels()[0]
    figure.legend(handles=handles, loc="outside right upper", frameon=False)
    add_title(figure, f"{choice.task.name}, {TEST}: better is up and left")
    return figure


def _draw(panel, outcomes, choice, x, y):
    """Draws a dot for each variant, its number beside it, and the front."""
    points = points_of(outcomes, TEST, choice.task, x, y)
    front = front_of(points)
    for place, (item, middle) in enumerate(zip(outcomes, points, strict=True)):
        if middle is None:
            continue
        color = _FRONT_COLOR if place in front else _OTHER_COLOR
        if item.variant.is_none:
            color = _NONE_COLOR
        if len(item.costs) > 1:
            seeds = (item.values(TEST, f, choice.task) for f in (x, y))
            for first, second in zip(*seeds, strict=True):
                panel.plot(abs(first), second, ".", color=color, alpha=0.4)
        panel.plot(*middle, "s" if item.variant.is_none else "o", color=color)
        if item is choice.chosen:
            circle = {"markersize": 15, "markerfacecolor": "none"}
            circle |= {"color": _FRONT_COLOR, "label": "chosen on validation"}
            panel.plot(*middle, "o", **circle)
        near = {"xytext": (5, 5), "textcoords": "offset points"}
        panel.annotate(str(place), middle, **near, fontsize=9, color=color)
    # Level up to the next point.
    line = {"drawstyle": "steps-post", "linewidth": 1, "color": _FRONT_COLOR}
    line |= {"label": "no variant is better in both", "zorder": 1}
    panel.plot(*([points[p][i] for p in front] for i in (0, 1)), **line)
    panel.margins(0.1)
    panel.grid(color="0.93")
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
