"""Mean faces, colours and the map of portraits as a part of the page."""

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from tp_keras.audit.check import Peculiarity
from tp_keras.audit.label_columns import label_columns
from tp_keras.audit.picture_map import map_html
from tp_keras.audit.pictures import CHANNELS
from tp_keras.audit.pictures import NUM_BINS
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.plot_kit import add_title
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.table import figure_table
from tp_keras.records.table import format_count
from tp_keras.records.table import format_figure
from tp_keras.tasks import Schema

_TEXT = """\
<p>Each dot is a portrait; those that look alike lie close to each other.
Click on a dot to see its portrait and its labels.</p>"""

# How far a class is from the mean of all, of 255, to be told.
_LEAST_SHIFT = 12

_MOST_CLASSES = 12


def section(
    records: Sequence[Record], lists: Mapping, drawn: Mapping, portraits
) -> Section:
    """Makes the section of the page; see `Measured` for the arguments."""
    columns = label_columns(portraits.schema, portraits.labels)
    text = ""
    if "map_rows" in drawn:
        maps = {"t-SNE": drawn["map_tsne"], "PCA": drawn["map_pca"]}
        text = _TEXT + map_html(portraits, columns, drawn["map_rows"], maps)
    found = sorted(
        peculiarities(records, portraits.schema), key=lambda one: -one.weight
    )
    plots = []
    for place, column in enumerate(columns):
        faces = drawn[f"mean_faces_{place}"][:_MOST_CLASSES]
        counts = drawn[f"mean_counts_{place}"][:_MOST_CLASSES]
        colors = drawn[f"colors_{place}"][:_MOST_CLASSES]
        if not counts.any():
            continue
        name = column.name.replace(": ", "_").replace(" ", "_")
        groups = [ALL, *portraits.schema.groups][: counts.shape[1]]
        plots.append(
            Plot(
                f"mean_faces_{name}.png",
                f"What does each class look like? {column.name}",
                "Above, the mean of portraits drawn by chance from each class, "
                "and of each group of it. Below, how often each shade of red, "
                "green and blue is there, from dark to light.",
                draw_classes(faces, counts, colors, column.classes, groups),
            )
        )
    return Section(
        "Pictures of the classes",
        text,
        [one.text for one in found],
        plots=plots,
        tables=list(_tables(records)),
    )


def peculiarities(
    records: Sequence[Record], schema: Schema
) -> list[Peculiarity]:
    """Says which classes differ in colour, and which look alike."""
    found = []
    for near in find(records, metric="nearest_same_class"):
        if near.value is None or near.null >= 1:
            continue
        gain = max((near.low - near.null) / (1 - near.null), 0.0)
        text = (
            f"{near.value:.0%} of nearest neighbours share {near.task}, by "
            f"chance {near.null:.0%} (n = {near.count:,})."
        )
        if gain > 0:
            found.append(Peculiarity(gain / 2, text))
    return [*found, *_shifts(records)]


def _shifts(records) -> Iterator[Peculiarity]:
    """Tells of each label the class whose brightness is farthest off."""
    colors = find(records, metric="class_color")
    for task in dict.fromkeys(record.task for record in colors):
        own = [r for r in find(colors, task=task) if r.value is not None]
        values, counts = {}, {}
        for record in own:
            values.setdefault(record.class_name, []).append(record.value)
            counts[record.class_name] = record.count
        means = {name: np.mean(three) for name, three in values.items()}
        if len(means) < 2:
            continue
        middle = np.mean(list(means.values()))
        name = max(means, key=lambda name: abs(means[name] - middle))
        shift = means[name] - middle
        if abs(shift) >= _LEAST_SHIFT:
            way = "lighter" if shift > 0 else "darker"
            text = (
                f"Portraits of {name} ({task}) are {way} than the mean of the "
                f"classes by {abs(shift):.0f} of 255 (n = {counts[name]:,})."
            )
            yield Peculiarity(min(abs(shift) / 100, 1.0), text)


def draw_classes(faces, counts, colors, classes, groups) -> Figure:
    """Draws mean faces and histograms, a column for each class.

    Args:
        faces: uint8 `[classes, groups, height, width, 3]`.
        counts: How many each is the mean of, `[classes, groups]`.
        colors: Shares `[classes, 3, NUM_BINS]`.
        classes: Names.
        groups: Names, the first one of all.
    """
    height, width = faces.shape[2:4]
    tall = 1.15 * height / width
    heights = [tall] * len(groups) + [0.7]
    figure = new_figure(1.25 * len(faces) + 0.9, sum(heights) + 0.9)
    panels = figure.subplots(
        len(heights), len(faces), squeeze=False, height_ratios=heights
    )
    for label, name in enumerate(classes[: len(faces)]):
        panels[0, label].set_title(name, fontsize=9)
        for group, panel in enumerate(panels[:-1, label]):
            panel.set(xticks=[], yticks=[])
            panel.set_frame_on(False)
            count = counts[label, group]
            if count:
                panel.imshow(faces[label, group])
            panel.set_xlabel(f"n = {count:,}", fontsize=7)
        for channel, color in enumerate(("#c22", "#2a2", "#24c")):
            shades = (np.arange(NUM_BINS) + 0.5) / NUM_BINS
            panels[-1, label].plot(shades, colors[label, channel], color=color)
        panels[-1, label].set(xticks=[], yticks=[], xlim=(0, 1))
        panels[-1, label].set_ylim(0, max(colors.max() * 1.05, 1e-6))
    for panel, name in zip(panels[:-1, 0], groups, strict=True):
        panel.set_ylabel(name, fontsize=9)
    add_title(figure, "")
    return figure


def _tables(records) -> Iterator[Table]:
    near = find(records, metric="nearest_same_class")
    if near:
        frame = figure_table(
            near,
            {"label": "task"},
            lambda record: "nearest neighbour of the same class",
            more={
                "by chance": lambda r: (
                    "" if r.null is None else f"{r.null:.3f}"
                ),
                "n": format_count,
            },
        )
        note = "Of the portraits on the map, in the embedding."
        yield Table("Do those of a class look alike?", note, frame)
    colors = find(records, metric="class_color")
    if colors:
        frame = figure_table(
            colors,
            {"label": "task", "class": "class_name"},
            "variant",
            form=lambda r: format_figure(r).replace(".000", ""),
            more={"n": format_count},
        )
        note = f"Mean {', '.join(CHANNELS)}, from 0 to 255, with intervals."
        yield Table("Colours of the classes", note, frame)
