"""The report of a sweep: rule, choice, tables of all variants, and the plot."""

import os
import pathlib
from collections.abc import Sequence

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tp_keras import files
from tp_keras.errors import UserError
from tp_keras.fairness.summary import question
from tp_keras.fairness.sweep.choice import Choice
from tp_keras.fairness.sweep.choice import choose
from tp_keras.fairness.sweep.choice import rule
from tp_keras.fairness.sweep.outcome import SPLITS
from tp_keras.fairness.sweep.outcome import TEST
from tp_keras.fairness.sweep.outcome import Outcome
from tp_keras.fairness.sweep.outcome import mean
from tp_keras.fairness.sweep.settings import ChoiceSettings
from tp_keras.records.page_parts import Report
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.plot_kit import add_title
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.report import TABLE_NAME
from tp_keras.records.report import make_markdown
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
    "divided by those of training."
)

_FRONT_COLOR, _OTHER_COLOR, _NONE_COLOR = "#D55E00", "#0072B2", "#000000"

# Figure on the x axis and on the y axis, with their titles.
_PANELS = (
    (
        *("conditional_probe", "accuracy"),
        *("conditional probe of the embedding", "accuracy"),
    ),
    (
        *("excess", "worst_group"),
        "same-group excess at 20 neighbours, above or below 0",
        "recall of the worst group",
    ),
)


def write_report(
    sweep_dir: str | os.PathLike,
    outcomes: Sequence[Outcome],
    schema: Schema,
    settings: ChoiceSettings,
) -> tuple[Choice, str]:
    """Chooses a variant, and writes `table.md` and `front.png`.

    Returns the choice, and the text of `table.md`.

    Raises:
        UserError: If the task to choose by is none of the guarded ones.
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
    sections = [
        _choice_section(choice, rule(settings, task)),
        *_variant_sections(outcomes, schema, guarded),
    ]
    title = f"Sweep: {question(schema, guarded)}"
    report = Report(title, sections, schema.shows_people)
    about = (
        f"{firsts[0].dataset}, {len(firsts)} seed{'s' * (len(firsts) != 1)} "
        f"({seeds}), {len(outcomes)} variants; means over the seeds."
    )
    text = make_markdown(report, about)
    files.write_text(pathlib.Path(sweep_dir, TABLE_NAME), text)
    with files.replaced(pathlib.Path(sweep_dir, "front.png")) as aside:
        FigureCanvasAgg(front_plot(outcomes, choice)).print_png(aside)
    return choice, text


def _choice_section(choice, told):
    """Returns rule and choice, with the chosen variant beside `none`."""
    failing, shown = choice.passed_over[:_MOST_FAILING_SHOWN], choice.shown
    if not choice.verdicts:
        said = "Nothing was compared with none."
    elif choice.chosen is None:
        said = "No variant passes. The best of those that fail:"
    else:
        said = f"Chosen: **{choice.chosen.name}**."
        said += " With a smaller probe, but failing:" * bool(failing)
    sentences = [told, said] + [
        f"{item.outcome.name}: {'; '.join(item.failures)}" for item in failing
    ]
    if shown is None:
        return Section("Choice", sentences=sentences)
    name = shown.name if choice.chosen else f"{shown.name} (not chosen)"
    rows = []
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
    summary = Table("", "", pd.DataFrame(sorted(rows), columns=names))
    return Section("Choice", sentences=sentences, summary=summary)


def _variant_sections(outcomes, schema, guarded):
    """Yields a table of all variants for each task and split."""
    for task in guarded:
        for split in SPLITS:
            front = front_of(outcomes, split, task)
            cells = {
                "variant": [
                    f"{item.name}{' *' * (place in front)}"
                    for place, item in enumerate(outcomes)
                ]
            }
            for title, found in _figures(outcomes, split, schema, task):
                cells[title] = [_number(mean(values)) for values in found]
            first = task == guarded[0] and split == SPLITS[0]
            summary = Table("", _NOTE * first, pd.DataFrame(cells))
            yield Section(f"{task.name}, {split}", summary=summary)


def _figures(outcomes, split, schema, task):
    """Yields title and values by outcome of the figures that there are."""
    head = schema.protected_task
    found = {
        title: [item.values(split, figure, task) for item in outcomes]
        for title, figure in _COLUMNS.items()
    }
    found[f"{head.name} accuracy"] = [
        item.values(split, "accuracy", head) for item in outcomes
    ]
    found["cost"] = [item.costs for item in outcomes]
    for title, values in found.items():
        if any(mean(part) is not None for part in values):
            yield title, values


def _number(value):
    return "-" if value is None else f"{value:.3f}"


def front_of(
    outcomes: Sequence[Outcome],
    split: str,
    task: Task,
    score: str = "accuracy",
    cost: str = "conditional_probe",
) -> list[int]:
    """Returns the places of outcomes that no other beats in two figures.

    Of the figure `score` more is better; `cost` is best at 0, and the lowest
    comes first. Outcomes without them are left out.
    """
    points = [_point(item, split, task, cost, score) for item in outcomes]
    places = [place for place, point in enumerate(points) if point is not None]
    costs, scores = ([points[place][i] for place in places] for i in (0, 1))
    return [places[index] for index in pareto_front(scores, costs)]


def front_plot(outcomes: Sequence[Outcome], choice: Choice) -> Figure:
    """Draws the variants on the test split, with the front and the choice."""
    figure = new_figure(15.0, 6.0)
    panels = figure.subplots(1, len(_PANELS))
    for panel, (x, y, *titles) in zip(panels, _PANELS, strict=True):
        _draw(panel, outcomes, choice, x, y)
        panel.set(xlabel=titles[0], ylabel=titles[1])
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
            circle = {"markersize": 15, "markerfacecolor": "none"}
            circle |= {"color": _FRONT_COLOR, "label": "chosen on validation"}
            panel.plot(*middle, "o", **circle)
        near = {"xytext": (5, 5), "textcoords": "offset points"}
        panel.annotate(str(place), middle, **near, fontsize=9, color=color)
    # Level up to the next point.
    panel.plot(
        [points[place][0] for place in front],
        [points[place][1] for place in front],
        color=_FRONT_COLOR,
        drawstyle="steps-post",
        linewidth=1,
        zorder=1,
        label="no variant is better in both",
    )
    panel.margins(0.1)
    panel.grid(color="0.93")
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)


def _point(outcome, split, task, x, y):
    """Returns where an outcome lies, None if a figure is not supported."""
    x, y = (outcome.mean(split, figure, task) for figure in (x, y))
    # What is below 0 is over-corrected, or chance.
    return None if x is None or y is None else (abs(x), y)
