"""Cues beside the face as sentences and a table of colours."""

from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from tp_keras.audit.check import Peculiarity
from tp_keras.audit.cues import BORDER
from tp_keras.audit.cues import CORNERS
from tp_keras.audit.looks import STATISTICS
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.plot_kit import add_title
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.record import Record
from tp_keras.records.table import figure_table
from tp_keras.records.table import format_count
from tp_keras.records.table import format_figure
from tp_keras.tasks import Schema

_TEXT = """\
<p>What tells a label though it lies beside the face: single figures of light,
colour and sharpness, and a small classifier that sees nothing but the outer
band of the picture, or its two upper corners. A network may learn these in
place of the face. Where a person reaches into the band, it is seen, too.</p>
"""

_NOTE = """\
Area under the ROC curve: how often a portrait of the class has more of it \
than one of the others; 0.5 tells nothing. Brackets: 95 % intervals (DeLong)."""

# So far from 0.5 a cue is told.
_LEAST = 0.1

_REGIONS = (BORDER, CORNERS)
_MOST_ROWS = 40


def section(
    records: Sequence[Record], lists: Mapping, drawn: Mapping, portraits
) -> Section:
    """Makes the section of the page; see `Measured` for the arguments."""
    found = sorted(
        peculiarities(records, portraits.schema), key=lambda one: -one.weight
    )
    texts = [one.text for one in found]
    told = [record for record in records if record.variant]
    nothing = "No cue beside the face tells a label with an AUC beyond "
    nothing += f"{0.5 + _LEAST:.1f}."
    plots = [_plot(told)] if told else []
    tables = [_table(told)] if told else []
    return Section(
        "Spurious cues", _TEXT, texts or [nothing], plots=plots, tables=tables
    )


def peculiarities(
    records: Sequence[Record], schema: Schema
) -> list[Peculiarity]:
    """Says of each class which region and which statistic tells it best."""
    best = {}
    for record in records:
        key = record.task, record.class_name, record.variant in _REGIONS
        if _strength(record) > max(_LEAST, _strength(best.get(key))):
            best[key] = record
    return [
        Peculiarity(
            min(2 * (_strength(record) - _LEAST / 2), 1.0), _sentence(record)
        )
        for record in best.values()
    ]


def _strength(record) -> float:
    """Returns how far the whole interval is from telling nothing."""
    if record is None or record.value is None:
        return 0.0
    return max(record.low - 0.5, 0.5 - record.high)


def _sentence(record) -> str:
    name = f"{record.class_name} ({record.task})"
    figures = f"AUC {format_figure(record)}, n = {format_count(record)}"
    if record.variant in _REGIONS:
        tell = "tells" if record.variant == BORDER else "tell"
        return f"The {record.variant} {tell} {name}: {figures}."
    cue = f"{record.variant.replace('_', ' ')} ({STATISTICS[record.variant]})"
    way = "more" if record.value > 0.5 else "less"
    return f"{name} goes with {way} {cue}: {figures}."


def _plot(records) -> Plot:
    meanings = "; ".join(
        f"{name.replace('_', ' ')}: {text}" for name, text in STATISTICS.items()
    )
    return Plot(
        "cues.png",
        "Which cues tell which class?",
        "0.5 (white) tells nothing. Red: the class has more of it than others; "
        f"blue: less. {meanings}.",
        draw_cues(records),
    )


def draw_cues(records: Sequence[Record]) -> Figure:
    """Draws the AUC of every class and cue as a table of colours."""
    rows = list(dict.fromkeys((r.task, r.class_name) for r in records))
    columns = list(dict.fromkeys(record.variant for record in records))
    columns.sort(key=lambda name: name not in _REGIONS)
    values = np.full((len(rows), len(columns)), np.nan)
    for record in records:
        if record.value is not None:
            row = rows.index((record.task, record.class_name))
            values[row, columns.index(record.variant)] = record.value
    strongest = np.nanmax(np.abs(values - 0.5), axis=1, initial=0)
    kept = np.sort(np.argsort(-strongest, kind="stable")[:_MOST_ROWS])
    values, rows = values[kept], [rows[row] for row in kept]
    figure = new_figure(0.46 * len(columns) + 1.8, 0.27 * len(rows) + 1.8)
    panel = figure.subplots()
    panel.imshow(values, cmap="RdBu_r", vmin=0.1, vmax=0.9, aspect="auto")
    for row, column in np.argwhere(np.isfinite(values)):
        value = values[row, column]
        color = "white" if abs(value - 0.5) > 0.28 else "black"
        text = f"{value:.2f}".removeprefix("0")
        look = {"ha": "center", "va": "center", "fontsize": 7.5}
        panel.text(column, row, text, color=color, **look)
    names = [f"{task}: {name}".replace("_", " ") for task, name in rows]
    panel.set_yticks(range(len(rows)), names, fontsize=8)
    names = [name.replace("_", " ") for name in columns]
    tilt = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
    panel.set_xticks(range(len(columns)), names, fontsize=8, **tilt)
    panel.tick_params(length=0)
    add_title(figure, "AUC of each cue for each class against the rest")
    return figure


def _table(records) -> Table:
    frame = figure_table(
        records,
        {"cue": "variant"},
        lambda record: f"{record.task}: {record.class_name}",
    )
    return Table("All cues", _NOTE, frame)
