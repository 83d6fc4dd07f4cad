"""What comparisons of trainings found: a table for each question, a page."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from tp_keras.evaluation.paired import ACCURACY
from tp_keras.evaluation.paired import DIFFERENCE
from tp_keras.ranking.auxiliary import BELIEVED
from tp_keras.ranking.targets import R2
from tp_keras.ranking.targets import R2_DIFFERENCE
from tp_keras.ranking.targets import SPEARMAN
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Report
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.plot_kit import add_title
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.table import format_figure

# Question -> what it is called, and how to read its table.
QUESTIONS = {
    "together": (
        "One network for all, or one each",
        "R2 of the number, balanced accuracy of classes.",
    ),
    "exclusive": (
        "Classes that exclude each other, or flags",
        "A softmax over the classes against a sigmoid for each, the largest of "
        "which is the answer; balanced accuracy.",
    ),
    "classes": (
        "Classes of a number learned, or the number cut",
        "Classes with equally many training portraits each; balanced accuracy.",
    ),
    "auxiliary": (
        "Attributes beside the picture",
        "R2 on test portraits, and what one would believe by folds of the "
        "training portraits. In fold, a network answers for what it has "
        "learned by heart.",
    ),
}

_HEADINGS = {
    R2: "R2",
    SPEARMAN: "Spearman",
    BELIEVED: "believed R2",
    ACCURACY: "balanced accuracy",
}
_MORE = "more than the first"
_GAINS = {R2_DIFFERENCE: 1.0, DIFFERENCE: 100.0}


def variant(question: str, way: str) -> str:
    """Returns the `variant` of the records of a question's way."""
    return f"{question}: {way}"


def table_of(records: Sequence[Record], question: str) -> pd.DataFrame:
    """Returns a row for each task and way of a question.

    Args:
        records: Records with a `variant` each.
        question: A key of `QUESTIONS`.
    """
    rows: dict[tuple, dict] = {}
    for record in _of(records, question):
        way = record.variant.partition(": ")[2]
        place = record.task, way
        row = rows.setdefault(place, {"task": record.task, "way": way})
        if record.metric in _HEADINGS:
            row[_HEADINGS[record.metric]] = format_figure(record)
        elif record.value is not None:
            scale = _GAINS[record.metric]
            ends = record.value, record.low, record.high
            form = "{:+.1f} [{:+.1f}, {:+.1f}]"
            if scale == 1:
                form = "{:+.3f} [{:+.3f}, {:+.3f}]"
            row[_MORE] = form.format(*(scale * x for x in ends))
    columns = ["task", "way", *_HEADINGS.values(), _MORE]
    frame = pd.DataFrame(rows.values())
    return frame.reindex(columns=[c for c in columns if c in frame]).fillna("")


def sentences(records: Sequence[Record], question: str) -> list[str]:
    """Returns what was found of a question, in plain words.

    Args:
        records: As of `table_of`.
        question: Likewise.
    """
    lines = []
    for record in _of(records, question):
        if record.metric not in _GAINS or record.value is None:
            continue
        way = record.variant.partition(": ")[2]
        what = "is neither surely better nor worse"
        if record.low > 0:
            what = "is better"
        elif record.high < 0:
            what = "is worse"
        first = table_of(find(records, task=record.task), question)["way"][0]
        lines.append(f"{record.task}: {way} {what} than {first}.")
    return lines


def make_report(records: Sequence[Record], shows_people: bool) -> Report:
    """Returns the report of all questions that were asked.

    Args:
        records: As of `table_of`.
        shows_people: Whether the portraits may show people.
    """
    sections = [
        Section(
            title,
            sentences=sentences(records, question),
            summary=Table(title, note, table_of(records, question)),
            plots=[
                Plot(
                    f"{question}.png",
                    title,
                    "Right of zero a way is better than the first one.",
                    _draw(_of(records, question), title),
                )
            ],
        )
        for question, (title, note) in QUESTIONS.items()
        if _of(records, question)
    ]
    return Report("How targets are learned", sections, shows_people)


def _of(records, question) -> list[Record]:
    start = variant(question, "")
    return [own for own in records if own.variant.startswith(start)]


def _draw(records, title) -> Figure:
    """Draws what each way has more than the first, with its interval."""
    found = [
        record
        for record in records
        if record.metric in _GAINS and record.value is not None
    ]
    drawn = new_figure(7.5, 1.6 + 0.4 * len(found))
    axes = drawn.add_subplot()
    for place, record in enumerate(found):
        axes.plot((record.low, record.high), (place, place), color="#0072B2")
        axes.plot(record.value, place, "o", color="#0072B2")
    axes.axvline(0, color="#7F7F7F", linewidth=0.8)
    axes.set_yticks(
        range(len(found)),
        [f"{own.task}: {own.variant.partition(': ')[2]}" for own in found],
    )
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.locator_params(axis="x", nbins=6)
    axes.set_xlabel("balanced accuracy, or R2, more than that of the first way")
    add_title(drawn, title)
    return drawn
