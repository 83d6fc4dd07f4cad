"""Draws what probes read of the group layer by layer, beside the band."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from tp_keras.fairness import probe_records
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.tasks import Task

# Colour, marker and shift of each kind of probe: not those of the groups.
_STYLES = {"linear": ("#009E73", "o", -0.09), "mlp": ("#8F4E8B", "s", 0.09)}
_BAND_COLOR = "0.85"


def draw_leakage(
    records: Sequence[Record], task: Task, protected: Task
) -> Figure:
    """Draws the balanced accuracy of the probes, layers from left to right.

    On the left among all rows, with the band of what the label implies; on the
    right inside each class, where nothing is chance.

    Args:
        records: What was measured.
        task: A guarded task.
        protected: The task whose classes are the groups.
    """
    figure = new_figure(10.5, 5.2)
    panels = figure.subplots(1, 2, sharey=True)
    band = probe_records.band(records, task)
    lowest = []
    for panel, metric, control, title in zip(
        panels,
        ("group_probe", "conditional_group_probe"),
        ("negative_control", "conditional_negative_control"),
        ("among all portraits", "among portraits of the same class"),
        strict=True,
    ):
        layers = probe_records.layers(records, task)
        for kind in _STYLES:
            _draw_probes(panel, records, task, metric, kind, layers)
            _draw_probes(panel, records, task, control, kind, layers)
        chances = [
            record.null
            for record in find(records, metric=metric, task=task.name)
            if record.null is not None
        ]
        if chances:
            panel.axhline(chances[0], color="0.5", linestyle="--", linewidth=1)
            lowest.append(chances[0])
        panel.set_xticks(
            range(len(layers)), [name.replace("_", "\n") for name in layers]
        )
        panel.set_xlim(-0.5, len(layers) - 0.5)
        panel.grid(axis="y", color="0.93")
        panel.tick_params(axis="x", length=0)
        panel.set_title(title, fontsize=10)
    if band is not None:
        panels[0].axhspan(*band, color=_BAND_COLOR, zorder=0)
    panels[0].set_ylabel(f"{protected.name} told right (balanced accuracy)")
    panels[0].yaxis.set_major_formatter(PercentFormatter(1.0))
    panels[0].set_ylim(min(lowest, default=0.5) - 0.08, 1.02)
    figure.suptitle(
        f"{task.name}: {protected.name} that probes read from each layer, with "
        "95 % intervals",
        x=0.01,
        ha="left",
        fontsize=11,
    )
    figure.legend(
        handles=_handles(band, task),
        loc="outside lower left",
        ncols=5,
        frameon=False,
    )
    return figure


def _draw_probes(panel, records, task, metric, kind, layers):
    """Draws the probes of one kind; controls are hollow and without text."""
    color, marker, shift = _STYLES[kind]
    hollow = "control" in metric
    points = [
        (layers.index(probe_records.layer(record)) + shift, record)
        for record in find(records, metric=metric, task=task.name)
        if record.variant.startswith(f"{kind} ") and record.value is not None
    ]
    places = [x for x, _ in points]
    panel.plot(
        places,
        [record.value for _, record in points],
        color=color,
        marker=marker,
        markersize=7,
        markerfacecolor="white" if hollow else color,
        linewidth=0.0 if hollow else 0.8,
    )
    if hollow:
        return
    panel.vlines(
        places,
        [record.low for _, record in points],
        [record.high for _, record in points],
        color=color,
        linewidth=1.8,
    )
    for x, record in points:
        panel.annotate(
            f"{100 * record.value:.0f}",
            (x, record.value),
            (-5 if shift < 0 else 5, 4),
            textcoords="offset points",
            ha="right" if shift < 0 else "left",
            fontsize=8,
            color=color,
        )


def _handles(band, task):
    handles = [
        Line2D(
            [],
            [],
            color=color,
            marker=marker,
            markersize=7,
            label=probe_records.KIND_NAMES[kind],
        )
        for kind, (color, marker, _) in _STYLES.items()
    ]
    if band is not None:
        low, high = band
        text = f"what {task.name} gives away ({low:.0%} to {high:.0%})"
        handles.append(Patch(color=_BAND_COLOR, label=text))
    hollow = {"marker": "o", "markerfacecolor": "white", "linestyle": "none"}
    handles.append(
        Line2D([], [], color="0.4", label="control: groups shuffled", **hollow)
    )
    handles.append(
        Line2D([], [], color="0.5", linestyle="--", label="guessing")
    )
    return handles
