"""The report of a sweep: rule, choice, tables of all variants, and the plot."""

import os
from collections.abc import Sequence

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg

from tp_keras import files
from tp_keras.errors import UserError
from tp_keras.fairness.summary import question
from tp_keras.fairness.sweep import plot
from tp_keras.fairness.sweep.choice import Choice
from tp_keras.fairness.sweep.choice import choose
from tp_keras.fairness.sweep.choice import rule
from tp_keras.fairness.sweep.outcome import Outcome
from tp_keras.fairness.sweep.outcome import mean
from tp_keras.fairness.sweep.settings import ChoiceSettings
from tp_keras.fairness.sweep.sweep_folder import SPLITS
from tp_keras.fairness.sweep.sweep_folder import TEST
from tp_keras.fairness.sweep.sweep_folder import SweepFolder
from tp_keras.records import page_parts
from tp_keras.records.report import TABLE_NAME
from tp_keras.records.report import make_markdown
from tp_keras.tasks import Schema

FRONT_NAME = "front.png"

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


def write_report(
    sweep_dir: str | os.PathLike,
    outcomes: Sequence[Outcome],
    schema: Schema,
    settings: ChoiceSettings | None = None,
) -> tuple[Choice, str]:
    """Chooses a variant, and writes `table.md` and `front.png`.

    Args:
        sweep_dir: Folder of the sweep.
        outcomes: What `run_sweep` returned.
        schema: `Schema` of the runs.
        settings: The rule; None: the defaults.

    Returns:
        What was chosen, and the text of `table.md`.

    Raises:
        UserError: If the task to choose by is none of the guarded ones.
    """
    settings = settings or ChoiceSettings()
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
    report = page_parts.Report(
        f"Sweep: {question(schema, guarded)}",
        [
            _choice_section(choice, rule(settings, task)),
            *_variant_sections(outcomes, schema, guarded),
        ],
        schema.shows_people,
    )
    about = (
        f"{firsts[0].dataset}, {len(firsts)} seed{'s' * (len(firsts) != 1)} "
        f"({seeds}), {len(outcomes)} variants; means over the seeds."
    )
    text = make_markdown(report, about)
    folder = SweepFolder(sweep_dir).path
    files.write_text(folder / TABLE_NAME, text)
    with files.replaced(folder / FRONT_NAME) as aside:
        FigureCanvasAgg(plot.front_plot(outcomes, choice)).print_png(aside)
    return choice, text


def _choice_section(choice, told):
    """Returns rule and choice, with the chosen variant beside `none`."""
    failing = choice.passed_over[:_MOST_FAILING_SHOWN]
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
    shown = choice.shown
    if shown is None:
        return page_parts.Section("Choice", sentences=sentences)
    name = shown.name if choice.chosen else f"{shown.name} (not chosen)"
    cells = []
    for split in SPLITS:
        before, after = (
            item.group_recalls(split, choice.task)
            for item in (choice.none, shown)
        )
        seeds = len(choice.none.records[split])
        cells += [
            (
                " ".join(cell),
                split,
                f"{count // seeds:,}",
                _number(recall),
                _number(after[cell][0]),
                f"{after[cell][0] - recall:+.3f}",
            )
            for cell, (recall, count) in before.items()
        ]
    first = f"recall of {choice.task.name}"
    names = [first, "split", "portraits", "none", name, "difference"]
    frame = pd.DataFrame(sorted(cells), columns=names)
    summary = page_parts.Table("", "", frame)
    return page_parts.Section("Choice", sentences=sentences, summary=summary)


def _variant_sections(outcomes, schema, guarded):
    """Yields a table of all variants for each task and split."""
    for task in guarded:
        for split in SPLITS:
            front = plot.front_of(outcomes, split, task)
            cells = {
                "variant": [
                    f"{item.name}{' *' * (place in front)}"
                    for place, item in enumerate(outcomes)
                ]
            }
            for title, found in _figures(outcomes, split, schema, task):
                cells[title] = [_number(mean(values)) for values in found]
            frame = pd.DataFrame(cells)
            first = task == guarded[0] and split == SPLITS[0]
            yield page_parts.Section(
                f"{task.name}, {split}",
                summary=page_parts.Table("", _NOTE * first, frame),
            )


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
