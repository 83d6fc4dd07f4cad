"""The model card of a run: sections and front matter as the field has them."""

import math

import tp_keras
from tp_keras.cards import sources as sources_lib
from tp_keras.cards.sources import EVALUATION
from tp_keras.cards.sources import FAIRNESS
from tp_keras.cards.sources import SWEEP
from tp_keras.cards.sources import Sources
from tp_keras.cards.templates import render
from tp_keras.command_line import command_line
from tp_keras.errors import UserError
from tp_keras.evaluation.report import TITLES
from tp_keras.evaluation.report import group_metric
from tp_keras.evaluation.report import headline_table
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.fairness.summary import plain_name
from tp_keras.records.page_parts import Table
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.table import figure_table
from tp_keras.records.table import format_with_count
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task

# Those of `run.json` that a card can't do without.
_FACTS = (
    *("dataset", "fingerprints", "versions", "processor", "parameters"),
    *("precision", "epochs", "best_epoch", "examples_seen", "seconds"),
)

_GLOSSARY = {
    "accuracy": "the share of labelled portraits whose answer is the label",
    "balanced_accuracy": "the mean of the recalls of all classes, so that rare "
    "ones count as much",
    "macro_f1": "the mean over classes of the harmonic mean of precision and "
    "recall",
    "mean_class_error": "how many places the answer is off, of ordered classes",
    "expected_calibration_error": "how far the confidence of an answer is from "
    "how often such answers are right, in 15 bins; 0 is best",
    "mae": "the mean absolute error, in the unit of the number",
    "within_tolerance": "the share of numbers that are off by no more than the "
    "tolerance",
    "r2": "the share of the variance that is explained",
    "spearman": "the correlation of ranks",
    "mean_error": "how far answers are too high on average",
    "auc": "how often a portrait with the flag is given more of it than one "
    "without",
    "average_precision": "the area under the curve of precision and recall",
}


def make_model_card(sources: Sources) -> str:
    """Returns the model card of a run as Markdown with YAML before it.

    Raises:
        UserError: If something that a card needs isn't known of the run.
    """
    run, evaluation = sources.run, sources.found[EVALUATION]
    facts, records = run.facts, evaluation.records
    missing = [name for name in _FACTS if facts.get(name) in (None, {}, "")]
    if missing:
        raise UserError(
            f"The card would have empty fields: {run.path / 'run.json'} says "
            f"nothing of {', '.join(missing)}. `{run.command} --run_dir NEW` "
            f"trains a run that does. Received: run_dir={run.path}"
        )
    headline = headline_records(records)
    versions = {"tp_keras": tp_keras.__version__} | facts["versions"]
    changes = [
        f"{name} {value:g}"
        for name, value in vars(run.config.augment).items()
        if value
    ]
    return render(
        "model_card.md.j2",
        card=sources,
        run=run,
        config=run.config,
        facts=facts,
        schema=sources.schema,
        info=sources.info,
        parts=sources_lib.split_description(sources.info.description),
        tasks=sources.tasks,
        names=sources_lib.join_names(sources.tasks),
        versions=versions,
        changes=", ".join(changes) or "not at all",
        hours=hours(facts["seconds"]),
        labels=[describe_task(task) for task in sources.tasks],
        protected=sources.schema.protected_task,
        guarded=[t for t in sources.schema.guarded_tasks if t in sources.tasks],
        evaluated=evaluation,
        first=records[0],
        results=[
            (task, find(headline, task=task.name)) for task in sources.tasks
        ],
        titles=TITLES,
        headline=Table("", "", headline_table(records)),
        groups=group_table(records, sources.tasks),
        worst=worst_sentences(records, sources.tasks),
        fairness=sources.get(FAIRNESS),
        sweep=sources.get(SWEEP),
        glossary={
            TITLES[metric]: text
            for metric, text in _GLOSSARY.items()
            if find(headline, metric=metric)
        },
        bytes=run.model_path.stat().st_size,
        export=command_line("training.export", run_dir=run.path),
        command=command_line("training.report", run_dir=run.path),
    )


def headline_records(records: list[Record]) -> list[Record]:
    """Returns the figures of whole tasks that have a value."""
    return [
        record
        for record in records
        if record.metric in TITLES
        and record.class_name is None
        and record.value is not None
    ]


def describe_task(task: Task) -> str:
    """Returns what a task asks: `mood: one of sad, calm (in this order)`."""
    name, classes = plain_name(task), ", ".join(task.classes)
    if task.kind == REGRESSION:
        what = f"a number of {task.unit}".removesuffix(" of ")
        return (
            f"{name}: {what} from {task.low:g} to {task.high:g}, right within "
            f"{task.tolerance:g}"
        )
    if task.kind == MULTI_LABEL:
        return f"{name}: any of {classes}"
    order = " (in this order)" * (task.kind == "ordinal")
    return f"{name}: one of {classes}{order}"


def group_table(records: list[Record], tasks: tuple[Task, ...]) -> Table:
    """Returns how good each class, range or flag is in each group."""
    shown = [record for task in tasks for record in _cells(records, task)]
    rows = {"task": "task", "of": "class_name", "figure": "metric"}
    frame = figure_table(shown, rows, form=format_with_count)
    return Table("Each class and group", "", frame)


def worst_sentences(
    records: list[Record], tasks: tuple[Task, ...]
) -> list[str]:
    """Returns which class of which group is worst off, a sentence each task.

    Cells with fewer rows than a fairness report asks for don't count, unless
    there are no others.
    """
    said = []
    for task in tasks:
        cells = [r for r in _cells(records, task) if r.value is not None]
        cells = [r for r in cells if r.group != ALL] or cells
        few = FairnessSettings().min_count
        cells = [r for r in cells if r.count >= few] or cells
        sign = -1 if task.kind == REGRESSION else 1
        worst = min(cells, key=lambda r: sign * r.value, default=None)
        if worst is not None:
            plain = worst.group in (ALL, worst.class_name)
            group = "" if plain else f" ({worst.group})"
            said.append(
                f"{plain_name(task)}: worst off is {worst.class_name}{group}, "
                f"{worst.metric} {format_with_count(worst)}"
            )
    return said


def _cells(records, task):
    found = find(records, task=task.name, metric=group_metric(task))
    return [record for record in found if record.class_name is not None]


def hours(seconds: float) -> str:
    """Returns a time in hours, with two digits that say something."""
    value = seconds / 3600
    digits = max(1 - math.floor(math.log10(value)), 0) if value > 0 else 0
    return f"{value:.{digits}f}"
