"""The few figures that answer the question, and what they say in words."""

from collections.abc import Sequence

from tp_keras.fairness import probe_records
from tp_keras.fairness.group_neighbors import EXCESS
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

# Of the lists of neighbours that the summary speaks of, or the nearest length.
NEIGHBORS = 20


def summarize(
    records: Sequence[Record], task: Task, protected: Task
) -> list[SummaryFigure]:
    """Returns the figures of a task that a reader must know, in order.

    Args:
        records: What a fairness report measured.
        task: A guarded task.
        protected: The task whose classes are the groups.
    """
    own = find(records, task=task.name)
    found = []
    for make in (_of_answers, _of_embedding, _of_pairs):
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
        yield record, "accuracy gap", _by_chance(record), sentence
    if record := _one(records, "mae_gap"):
        sentence = (
            f"The mean error is {parts('mae', number)}, at most "
            f"{number(record.value)} apart.{_hardly_more(record, number)}"
        )
        yield record, "gap of mean errors", _by_chance(record), sentence
    if record := _one(records, "worst_group_recall"):
        sentence = (
            f"Worst off are {_cell(record)}: {percent(record.value)} of "
            f"{record.count:,} are {right}."
        )
        if record.null is not None:
            sentence += (
                f" If {group} played no role, the worst would hardly have less "
                f"than {percent(record.null)}."
            )
        title = f"worst group recall{_in_brackets(_cell(record))}"
        yield record, title, _by_chance(record, "at least"), sentence
    if record := _one(records, "equalized_odds_difference_max"):
        sentence = (
            f"How often portraits are called {record.class_name}, rightly or "
            f"wrongly, differs with {group} by {points(record.value)}."
            f"{_hardly_more(record)}"
        )
        title = f"equalised-odds difference{_in_brackets(record.class_name)}"
        yield record, title, _by_chance(record), sentence


def _of_embedding(records, task, protected):
    name, group = plain_name(task), plain_name(protected)
    if record := probe_records.best_probe(records, task, conditional=True):
        kind = probe_records.kind_name(record)
        sentence = (
            f"Among portraits of the same {name}, a probe of the embedding "
            f"tells {group} right in {percent(record.value)}; guessing gets "
            f"{percent(record.null)}."
        )
        chance = "" if record.null is None else f"{record.null:.3f}"
        yield record, f"conditional {kind} of the embedding", chance, sentence
    band = probe_records.band(records, task)
    if record := probe_records.best_probe(records, task, conditional=False):
        compare = ""
        sentence = (
            f"Among all portraits a probe gets {percent(record.value)} right."
        )
        if band:
            low, high = band
            compare = f"the band {low:.3f} to {high:.3f}"
            sentence += (
                f" Who knows the true {name} and nothing else gets "
                f"{percent(high)}, and a model of this accuracy can't be below "
                f"{percent(low)}: the probe is {_place(record, low, high)}."
            )
        kind = probe_records.kind_name(record)
        title = f"unconditional {kind} of the embedding"
        yield record, title, compare, sentence
    excesses = find(records, metric=EXCESS, group=ALL)
    if excesses:
        record = min(excesses, key=lambda r: abs(_length(r) - NEIGHBORS))
        value = record.value or 0.0
        yield (
            record,
            f"same-group excess at {_length(record)} neighbours",
            _by_chance(record),
            f"Among the {_length(record)} portraits with the most similar "
            f"{name}, the share of the query's own {group} is "
            f"{points(abs(value))} {'below' if value < 0 else 'above'} what "
            f"the {name} implies.",
        )


def _of_pairs(records, task, protected):
    if record := _one(records, "counterfactual_flips", group=ALL):
        sentence = (
            "If the portrait is drawn with the cues of another "
            f"{plain_name(protected)}, and {plain_name(task)} stays, the "
            f"answer changes in {percent(record.value)} of {record.count:,} "
            "pairs."
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
            parts += probe_records.broken_probes(records, task)
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


def _length(record):
    return int(record.variant.removeprefix("k="))


def _by_chance(record, bound="at most"):
    """Returns what the figure is where the group plays no role."""
    return "" if record.null is None else f"{bound} {record.null:.3f}"


def _hardly_more(record, form=points):
    if record.null is None:
        return ""
    return f" By chance alone it would hardly be more than {form(record.null)}."


def _cell(record):
    return f"{record.class_name} {record.group}" if record.class_name else ""


def _in_brackets(text):
    return f" ({text})" if text else ""
