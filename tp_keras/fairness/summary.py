"""The few figures that answer the question, and what they say in words."""

from collections.abc import Sequence

from tp_keras.fairness import probe_records
from tp_keras.fairness.group_figures import ALL_GROUPS
from tp_keras.fairness.group_figures import UNSUPPORTED
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

# Of the lists of neighbours that the summary speaks of; if they were not
# measured, the longest ones are.
NEIGHBORS = 20


def summarize(
    records: Sequence[Record], task: Task, protected: Task
) -> list[SummaryFigure]:
    """Returns the figures of a task that a reader must know, in order.

    Args:
        records: What a fairness report measured.
        task: A guarded task.
        protected: The task whose classes are the groups.

    Returns:
        What there is of: accuracy and its gap, mean error and its gap, smallest
        recall, equalised odds, also with the cells too small to count,
        conditional and unconditional probe of the embedding, same-group excess
        among neighbours, counterfactual flips.
    """
    return list(_Words(find(records, task=task.name), task, protected).items())


class _Words:
    def __init__(self, records, task, protected):
        self.records = records
        self.task = task
        self.name = plain_name(task)
        self.groups = protected.classes
        self.group = plain_name(protected)
        self.right = "right"
        if task.kind == REGRESSION:
            self.right = f"right within {task.tolerance:g} {task.unit}".strip()

    def items(self):
        for make in (
            self._accuracy,
            self._accuracy_gap,
            self._error_gap,
            self._worst_group,
            self._equalized_odds,
            self._all_groups,
            self._conditional_probe,
            self._unconditional_probe,
            self._excess,
            self._flips,
        ):
            record, words = make()
            if record is not None:
                title, compare, sentence = words(record)
                if record.value is None:
                    sentence = f"{title.capitalize()}: {figure_text(record)}."
                yield SummaryFigure(title, record, compare, sentence)

    def _one(self, metric, **criteria):
        """Returns the main record of a metric: the one without a variant."""
        criteria = {"variant": None, **criteria}
        found = find(self.records, metric=metric, **criteria)
        return found[0] if found else None

    def _accuracy(self):
        return self._one("accuracy", group=ALL), lambda record: (
            "accuracy",
            "",
            f"The {self.name} of {percent(record.value)} of "
            f"{record.count:,} portraits is {self.right}.",
        )

    def _parts(self, metric, form):
        return ", ".join(
            f"{form(part.value)} of {part.count:,} {group}"
            for group in self.groups
            for part in find(self.records, metric=metric, group=group)
        )

    def _accuracy_gap(self):
        return self._one("accuracy_gap"), lambda record: (
            "accuracy gap",
            _by_chance(record),
            f"It is right for {self._parts('accuracy', percent)}, at most "
            f"{points(record.value)} apart." + _hardly_more(record, points),
        )

    def _error_gap(self):
        def number(value):
            return "-" if value is None else f"{value:.2f} {self.task.unit}"

        return self._one("mae_gap"), lambda record: (
            "gap of mean errors",
            _by_chance(record),
            f"The mean error is {self._parts('mae', number)}, at most "
            f"{number(record.value)} apart." + _hardly_more(record, number),
        )

    def _worst_group(self):
        def words(record):
            cell = _cell(record)
            chance = ""
            if record.null is not None:
                chance = (
                    f" If {self.group} played no role, the worst would hardly "
                    f"have less than {percent(record.null)}."
                )
            return (
                f"worst group recall{f' ({cell})' if cell else ''}",
                _by_chance(record, "at least"),
                f"Worst off are {cell}: {percent(record.value)} of "
                f"{record.count:,} are {self.right}.{chance}",
            )

        return self._one("worst_group_recall"), words

    def _equalized_odds(self):
        return self._one("equalized_odds_difference_max"), lambda record: (
            f"equalised-odds difference{_of_class(record)}",
            _by_chance(record),
            f"How often portraits are called {record.class_name}, rightly or "
            f"wrongly, differs with {self.group} by {points(record.value)}."
            + _hardly_more(record, points),
        )

    def _all_groups(self):
        """What small cells would add, so that they are not forgotten."""
        small = [
            f"{_cell(record)} ({record.count:,})"
            for record in find(
                self.records, metric="group_recall", variant=UNSUPPORTED
            )
            if record.count
        ]
        record = self._one("equalized_odds_difference_max", variant=ALL_GROUPS)
        return record if small else None, lambda record: (
            f"the same with groups too small to count{_of_class(record)}",
            _by_chance(record),
            f"Too few to count were {', '.join(small)}. With them it would be "
            f"{points(record.value)}." + _hardly_more(record, points),
        )

    def _conditional_probe(self):
        def words(record):
            chance = "chance" if record.null is None else percent(record.null)
            return (
                f"conditional {probe_records.kind_name(record)} of the "
                "embedding",
                "" if record.null is None else f"{record.null:.3f}",
                f"Among portraits of the same {self.name}, a probe of the "
                f"embedding tells {self.group} right in "
                f"{percent(record.value)}; guessing gets {chance}.",
            )

        return probe_records.best_probe(self.records, self.task, True), words

    def _unconditional_probe(self):
        band = probe_records.band(self.records, self.task)

        def words(record):
            compare, where = "the band" if band else "", ""
            if band and record.value is not None:
                low, high = band
                compare = f"the band {low:.3f} to {high:.3f}"
                where = (
                    f" Who knows the true {self.name} and nothing else gets "
                    f"{percent(high)}, and a model of this accuracy can't be "
                    f"below {percent(low)}: {_place(record, low, high)}"
                )
            return (
                f"unconditional {probe_records.kind_name(record)} of the "
                "embedding",
                compare,
                f"Among all portraits a probe gets {percent(record.value)} "
                f"right.{where}",
            )

        return probe_records.best_probe(self.records, self.task, False), words

    def _excess(self):
        found = find(self.records, metric=EXCESS, group=ALL)
        record = min(
            found,
            key=lambda item: abs(_length(item) - NEIGHBORS),
            default=None,
        )

        def words(record):
            side = "above" if (record.value or 0) >= 0 else "below"
            return (
                f"same-group excess at {_length(record)} neighbours",
                _by_chance(record),
                f"Among the {_length(record)} portraits with the most similar "
                f"{self.name}, the share of the query's own {self.group} is "
                f"{points(abs(record.value or 0))} {side} what the {self.name} "
                "implies.",
            )

        return record, words

    def _flips(self):
        return self._one("counterfactual_flips", group=ALL), lambda record: (
            "counterfactual flips",
            "0.000",
            f"If the portrait is drawn with the cues of another {self.group}, "
            f"and {self.name} stays, the answer changes in "
            f"{percent(record.value)} of {record.count:,} pairs.",
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


def task_table(records: Sequence[Record], task: Task, protected: Task) -> Table:
    """Returns the figures of `summarize` as a table."""
    return summary_table(
        summarize(records, task, protected),
        compare=f"if {protected.name} played no role",
        form=figure_text,
    )


def question(schema: Schema, guarded: Sequence[Task]) -> str:
    """Returns what is measured: `season in weather, age`."""
    names = ", ".join(task.name for task in guarded)
    return f"{schema.protected} in {names}"


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


def _place(record, low, high):
    if record.high < low:
        return "the probe is below this band, so it is broken."
    if record.value <= high:
        return "the probe is inside this band."
    return (
        f"the probe is {points(record.value - high)} above this band, and that "
        "much could be removed."
    )


def _length(record):
    return int(record.variant.removeprefix("k="))


def _by_chance(record, bound="at most"):
    """Returns what the figure is where the group plays no role."""
    return "" if record.null is None else f"{bound} {record.null:.3f}"


def _hardly_more(record, form):
    if record.null is None:
        return ""
    return f" By chance alone it would hardly be more than {form(record.null)}."


def _cell(record):
    if record.class_name is None:
        return ""
    return f"{record.class_name} {record.group}"


def _of_class(record):
    return f" ({record.class_name})" if record.class_name else ""
