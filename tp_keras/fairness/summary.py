"""The few figures that answer the question, and what they say in words."""

from collections.abc import Sequence

from tp_keras.fairness.group_neighbors import EXCESS
from tp_keras.fairness.leakage import BROKEN_PROBE
from tp_keras.fairness.probes import LINEAR
from tp_keras.fairness.probes import MLP
from tp_keras.fairness.representations import embedding_name
from tp_keras.records.page_parts import SummaryFigure
from tp_keras.records.page_parts import Table
from tp_keras.records.page_parts import summary_table
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.table import format_figure
from tp_keras.records.table import markdown_table
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

# How the kinds of probes are called.
KIND_NAMES = {LINEAR: "linear probe", MLP: "MLP probe"}

# Of the lists of neighbours that the summary speaks of, or the nearest length.
NEIGHBORS = 20


def summarize(
    records: Sequence[Record], task: Task, protected: Task
) -> list[SummaryFigure]:
    """Returns the figures of a guarded task that a reader must know."""
    own, found = find(records, task=task.name), []
    for make in (_of_answers, _of_embedding):
        for record, title, compare, sentence in make(own, task, protected):
            if record.value is None:
                sentence = f"{title.capitalize()}: {figure_text(record)}."
            found.append(SummaryFigure(title, record, compare, sentence))
    return found


def _of_answers(records, task, protected):
    name, group, right = plain_name(task), plain_name(protected), "right"
    if task.kind == REGRESSION:
        right = f"right within {task.tolerance:g} {task.unit}".strip()

    def parts(metric, form):
        return ", ".join(
            f"{form(part.value)} of {part.count:,} {group}"
            for group in protected.classes
            for part in find(records, metric=metric, group=group)
        )

    def number(value):
        return "-" if value is None else f"{value:.2f} {task.unit}".strip()

    if record := _one(records, "accuracy", group=ALL):
        sentence = (
            f"The {name} of {percent(record.value)} of {record.count:,} "
            f"portraits is {right}."
        )
        yield record, "accuracy", "", sentence
    if record := _one(records, "accuracy_gap"):
        sentence = (
            f"It is right for {parts('accuracy', percent)}, at most "
            f"{points(record.value)} apart.{_hardly_more(record)}"
        )
        yield record, "accuracy gap", chance(record, "at most "), sentence
    if record := _one(records, "mae_gap"):
        sentence = (
            f"The mean error is {parts('mae', number)}, at most "
            f"{number(record.value)} apart.{_hardly_more(record, number)}"
        )
        yield record, "gap of mean errors", chance(record, "at most "), sentence
    if record := _one(records, "worst_group_recall"):
        cell = f"{record.class_name} {record.group}"
        sentence = (
            f"Worst off are {cell}: {percent(record.value)} of "
            f"{record.count:,} are {right}."
        )
        if record.null is not None:
            sentence += (
                f" If {group} played no role, the worst would hardly have less "
                f"than {percent(record.null)}."
            )
        title = "worst group recall" + f" ({cell})" * bool(record.class_name)
        yield record, title, chance(record, "at least "), sentence
    if record := _one(records, "equalized_odds_difference_max"):
        name = record.class_name
        sentence = (
            f"How often portraits are called {name}, rightly or wrongly, "
            f"differs with {group} by {points(record.value)}."
            f"{_hardly_more(record)}"
        )
        title = "equalised-odds difference" + f" ({name})" * bool(name)
        yield record, title, chance(record, "at most "), sentence


def _of_embedding(records, task, protected):
    name, group = plain_name(task), plain_name(protected)
    for conditional in (True, False):
        if not (record := best_probe(records, task, conditional)):
            continue
        told, compare = percent(record.value), chance(record)
        title = f"conditional {KIND_NAMES[record.variant.split(' ')[0]]}"
        sentence = (
            f"Among portraits of the same {name}, a probe of the embedding "
            f"tells {group} right in {told}; guessing gets "
            f"{percent(record.null)}."
        )
        if not conditional:
            title, compare = f"un{title}", ""
            sentence = f"Among all portraits a probe gets {told} right."
        if not conditional and (ends := band(records, task)):
            low, high = ends
            compare = f"the band {low:.3f} to {high:.3f}"
            sentence += (
                f" Who knows the true {name} and nothing else gets "
                f"{percent(high)}, and a model of this accuracy can't be below "
                f"{percent(low)}: the probe is {_place(record, low, high)}."
            )
        yield record, f"{title} of the embedding", compare, sentence
    found = find(records, metric=EXCESS, group=ALL)
    excesses = {int(record.variant[len("k=") :]): record for record in found}
    if excesses:
        length = min(excesses, key=lambda length: abs(length - NEIGHBORS))
        record, value = excesses[length], excesses[length].value or 0.0
        sentence = (
            f"Among the {length} portraits with the most similar {name}, the "
            f"share of the query's own {group} is {points(abs(value))} "
            f"{'below' if value < 0 else 'above'} what the {name} implies."
        )
        title = f"same-group excess at {length} neighbours"
        yield record, title, chance(record, "at most "), sentence
    if record := _one(records, "counterfactual_flips", group=ALL):
        sentence = (
            f"If the portrait is drawn with the cues of another {group}, and "
            f"{name} stays, the answer changes in {percent(record.value)} of "
            f"{record.count:,} pairs."
        )
        yield record, "counterfactual flips", "0.000", sentence


def task_table(records: Sequence[Record], task: Task, protected: Task) -> Table:
    """Returns the figures of `summarize` as a table."""
    return summary_table(
        summarize(records, task, protected),
        compare=f"if {protected.name} played no role",
        form=figure_text,
    )


def summary_text(records: Sequence[Record], schema: Schema) -> str:
    """Returns the figures that answer the question as Markdown, by task."""
    parts = []
    for task in schema.guarded_tasks:
        if find(records, task=task.name):
            table = task_table(records, task, schema.protected_task)
            parts += [f"{task.name}:\n", markdown_table(table.frame)]
            parts += broken_probes(records, task)
    return "\n".join(parts)


def question(schema: Schema, guarded: Sequence[Task]) -> str:
    """Returns what is measured: `season in weather, age`."""
    return f"{schema.protected} in {', '.join(task.name for task in guarded)}"


def plain_name(task: Task) -> str:
    """Returns how a text calls a task."""
    return task.name.replace("_", " ")


def figure_text(record: Record) -> str:
    """Returns `0.934 [0.912, 0.951]`, or `not supported (n = 7)`."""
    if record.value is None:
        return f"not supported (n = {record.count:,})"
    return format_figure(record)


def percent(value) -> str:
    """Returns `85.1 %`."""
    return "-" if value is None else f"{100 * value:.1f} %"


def points(value) -> str:
    """Returns a difference of shares: `12.3 points`."""
    return "-" if value is None else f"{100 * value:.1f} points"


def best_probe(
    records: Sequence[Record], task: Task, conditional: bool
) -> Record | None:
    """Returns the best probe of a task's embedding, told the class or not."""
    metric = f"{'conditional_' * conditional}group_probe"
    names = [f"{kind} {embedding_name(task)}" for kind in KIND_NAMES]
    found = find(records, metric=metric, task=task.name)
    found = [record for record in found if record.variant in names]
    return max(found, key=lambda item: item.value or 0.0, default=None)


def chance(record: Record, bound: str = "") -> str:
    """Returns what the figure is where the group plays no role: `0.500`."""
    return "" if record.null is None else f"{bound}{record.null:.3f}"


def band(records: Sequence[Record], task: Task) -> tuple[float, float] | None:
    """Returns the ends of what the label gives away, None if not supported."""
    own = find(records, task=task.name)
    ends = [_one(own, f"leakage_band_{end}") for end in ("low", "high")]
    values = tuple(end.value for end in ends if end)
    return values if len(values) == 2 and None not in values else None


def broken_probes(records: Sequence[Record], task: Task) -> list[str]:
    """Returns which probes can't be trusted and why, a sentence each."""
    return [
        f"A probe of {task.name} can't be trusted: {record.variant}."
        for record in find(records, metric=BROKEN_PROBE, task=task.name)
    ]


def _one(records, metric, **criteria):
    """Returns the record of a metric, or None."""
    found = find(records, metric=metric, **criteria)
    return found[0] if found else None


def _place(record, low, high):
    if record.value is not None and record.high < low:
        return "below this band, so it is broken"
    if record.value is None or record.value <= high:
        return "inside this band"
    above = points(record.value - high)
    return f"{above} above this band, and that much could be removed"


def _hardly_more(record, form=points):
    if record.null is None:
        return ""
    return f" By chance alone it would hardly be more than {form(record.null)}."
