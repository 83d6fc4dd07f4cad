"""The balance of labels as sentences, tables and plots, from records alone."""

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

from tp_keras.audit import balance_plots
from tp_keras.audit.balance_sentences import hits_of
from tp_keras.audit.balance_sentences import peculiarities as peculiarities
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.table import figure_table
from tp_keras.records.table import format_count
from tp_keras.records.table import format_figure
from tp_keras.tasks import MISSING_NAME

_MOST_SHOWN = 8
_MOST_CELLS = 20

_TEXT = """\
<p>Counted from the labels alone. A class of few portraits is learned and judged
badly; labels that go together are learned in place of each other.</p>"""


def section(
    records: Sequence[Record], lists: Mapping, drawn: Mapping, portraits
) -> Section:
    """Makes the section of the page; see `Measured` for the arguments."""
    found = peculiarities(records, portraits.schema)
    found = sorted(found, key=lambda item: -item.weight)
    return Section(
        "Balance",
        _TEXT,
        [item.text for item in found],
        _summary(records),
        list(_plots(records)),
        list(_tables(records)),
    )


def _labels(records) -> list[str]:
    """Returns all labels, the most uneven first."""
    found = find(records, metric="effective_classes", split=None)
    sizes = {
        record.task: len(
            find(records, metric="class_share", task=record.task, split=None)
        )
        for record in found
    }
    found.sort(key=lambda record: (record.value or 0) / sizes[record.task])
    return [record.task for record in found]


def _pairs(records) -> list[tuple[str, str]]:
    """Returns all pairs of labels that vary, those that go together first."""
    found = find(records, metric="cramers_v", split=None)
    found = [record for record in found if record.value is not None]
    found.sort(key=lambda record: -record.value)
    return [(record.task, record.variant) for record in found]


def _summary(records) -> Table:
    titles = {
        "missing_share": "missing",
        "effective_classes": "effective classes",
        "majority_floor": "always the same class",
    }
    own = find(records, split=None, group=ALL)
    frame = figure_table(
        own,
        {"label": "task"},
        "metric",
        titles,
        more={
            "labelled": lambda record: (
                format_count(record) * (record.metric == "majority_floor")
            )
        },
    )
    note = (
        "Effective classes: so many equally frequent ones would be as uneven. "
        "The last but one: the accuracy of who always says the most frequent "
        "class. Brackets hold 95 % intervals."
    )
    return Table("Labels", note, frame)


def _plots(records) -> Iterator[Plot]:
    labels, pairs = _labels(records), _pairs(records)
    yield Plot(
        "balance_classes.png",
        "How many portraits has each class?",
        "A mark for each split, with its 95 % interval, which is hidden behind "
        "it where portraits are many. Marks of a class that stand apart: the "
        "splits differ.",
        balance_plots.draw_classes(records, labels[:_MOST_SHOWN]),
    )
    if pairs:
        yield Plot(
            "balance_lifts.png",
            "Which classes go together?",
            "1 is what independent labels give; red cells are more frequent "
            "than that, blue ones rarer.",
            balance_plots.draw_lifts(records, pairs[:_MOST_SHOWN]),
        )
    if len(labels) > 2 and pairs:
        yield Plot(
            "balance_associations.png",
            "Which labels go together?",
            "0: one tells nothing of the other; 1: one tells the other.",
            balance_plots.draw_associations(records, labels),
        )


def _split(record) -> str:
    return record.split or ALL


def _tables(records) -> Iterator[Table]:
    def count(record):
        return f"{hits_of(record):,} ({record.value or 0:.1%})"

    def number(record):
        if record.value is None:
            return f"not supported (n = {record.count:,})"
        if record.metric.endswith("p_value"):
            return f"{record.value:.2g}" if record.value else "< 1e-300"
        if record.metric.endswith("degrees_of_freedom"):
            return f"{record.value:.0f}"
        chance = f", by chance {record.null:.3f}" if record.null else ""
        return format_figure(record) + chance

    def made(title, note, metrics, rows, columns, form=number, **options):
        shown = [record for record in records if record.metric in metrics]
        if options.pop("whole", False):
            shown = find(shown, split=None)
        if shown:
            frame = figure_table(shown, rows, columns, form=form, **options)
            yield Table(title, note, frame)

    of_class = {"label": "task", "class": "class_name"}
    of_pair = {"label": "task", "other": "variant"}
    yield from made(
        "Classes", "", ["class_share"], of_class, _split, form=count
    )
    yield from made(
        "Numbers", "", ["quantile"], {"label": "task"}, "class_name", whole=True
    )
    yield from made(
        "Missing labels",
        "Share of each group, and of each split.",
        ["missing_share"],
        {"label": "task", "split": _split},
        "group",
    )
    yield from made(
        "Does it depend on the group whether a label is missing?",
        "",
        [f"missing_{name}" for name in _TESTS],
        {"split": _split, **of_pair},
        lambda record: _TESTS[record.metric.removeprefix("missing_")],
    )
    yield from made(
        "Do labels go together?",
        "By chance: what 95 % of tables with the same classes stay below.",
        _TESTS,
        {"split": _split, **of_pair},
        lambda record: _TESTS[record.metric],
    )
    yield from made(
        "What one label alone tells of another",
        "The best guess there is: its accuracy, and for the groups, the "
        "balanced one.",
        ["bayes_floor", "balanced_bayes_floor"],
        {"split": _split, "guessed": "task", "from": "variant"},
        lambda record: record.metric.replace("_bayes_floor", "").replace(
            "bayes_floor", "accuracy"
        ),
    )
    yield from made(
        "Do splits differ?",
        "The share of a split that would have to be others for its classes to "
        "be those of the rest.",
        ["drift", "drift_p_value"],
        {"label": "task"},
        lambda record: record.split or "p",
    )
    for first, second in _pairs(records)[:_MOST_SHOWN]:
        cells = find(records, metric="joint_share", task=first, variant=second)
        frame = figure_table(
            cells,
            {first: "class_name"},
            "predicted_class",
            form=lambda record: f"{hits_of(record):,}",
        )
        yield Table(f"{first} and {second}", "Numbers of portraits.", frame)
    cells = [
        record
        for record in find(records, metric="joint_share")
        if MISSING_NAME not in (record.class_name, record.predicted_class)
    ]
    cells = sorted(cells, key=lambda record: record.value or 0)[:_MOST_CELLS]
    if cells:
        frame = figure_table(
            cells,
            {**of_class, "other": "variant", "its class": "predicted_class"},
            lambda record: "share of all portraits",
            more={"portraits": lambda record: f"{hits_of(record):,}"},
        )
        yield Table("Smallest cells", "With Wilson's intervals.", frame)


# Those of two labels: metric -> what tables call it.
_TESTS = {
    "cramers_v": "Cramer's V",
    "mutual_information": "bits",
    "chi_square": "chi-square",
    "degrees_of_freedom": "df",
    "p_value": "p",
}
