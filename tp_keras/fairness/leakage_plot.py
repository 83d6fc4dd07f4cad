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

# How each kind of probe looks, not as a group does, and its shift.
_STYLES = {
    "linear": ({"color": "#009E73", "marker": "o", "markersize": 7}, -0.09),
    "mlp": ({"color": "#8F4E8B", "marker": "s", "markersize": 7}, 0.09),
}
_CHANCE = {"color": "0.5", "linestyle": "--", "linewidth": 1}
_HOLLOW = {"markerfacecolor": "white", "linestyle": "none"}
_BAND_COLOR = "0.85"

# Title of each panel, its probes and its controls.
_PANELS = (
    ("among all portraits", "group_probe", "negative_control"),
    (
        "among portraits of the same class",
        "conditional_group_probe",
        "conditional_negative_control",
    ),
)


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
    records = find(records, task=task.name)
    band = probe_records.band(records, task)
    found = find(records, metric="group_probe")
    layers = list(dict.fromkeys(map(probe_records.layer, found)))
    lowest = 1.0
    for panel, (title, metric, control) in zip(panels, _PANELS, strict=True):
        for kind in _STYLES:
            _draw_probes(panel, find(records, metric=metric), kind, layers)
            _draw_controls(panel, find(records, metric=control), kind, layers)
        for record in find(records, metric=metric)[:1]:
            if record.null is not None:
                panel.axhline(record.null, **_CHANCE)
                lowest = min(lowest, record.null)
        panel.set_xticks(
            range(len(layers)), [name.replace("_", "\n") for name in layers]
        )
        panel.set_xlim(-0.5, len(layers) - 0.5)
        panel.grid(axis="y", color="0.93")
        panel.tick_params(axis="x", length=0)
        panel.set_title(title, fontsize=10)
    panels[0].set_ylabel(f"{protected.name} told right (balanced accuracy)")
    panels[0].yaxis.set_major_formatter(PercentFormatter(1.0))
    panels[0].set_ylim(lowest - 0.08, 1.02)
    figure.suptitle(
        f"{task.name}: {protected.name} that probes read from each layer, with "
        "95 % intervals",
        x=0.01,
        ha="left",
        fontsize=11,
    )
    handles = [
        Line2D([], [], **style, label=probe_records.KIND_NAMES[kind])
        for kind, (style, _) in _STYLES.items()
    ]
    if band is not None:
        panels[0].axhspan(*band, color=_BAND_COLOR, zorder=0)
        ends = f"{band[0]:.0%} to {band[1]:.0%}"
        label = f"what {task.name} gives away ({ends})"
        handles.append(Patch(color=_BAND_COLOR, label=label))
    label = "control: groups shuffled"
    handles += [
        Line2D([], [], color="0.4", marker="o", label=label, **_HOLLOW),
        Line2D([], [], **_CHANCE, label="guessing"),
    ]
    figure.legend(
        handles=handles, loc="outside lower left", ncols=5, frameon=False
    )
    return figure


def _points(records, kind, layers):
    """Returns place and record of the probes of a kind that have a value."""
    shift = _STYLES[kind][1]
    return [
        (layers.index(probe_records.layer(record)) + shift, record)
        for record in records
        if record.variant.startswith(f"{kind} ") and record.value is not None
    ]


def _draw_controls(panel, records, kind, layers):
    for x, record in _points(records, kind, layers):
        panel.plot(x, record.value, **_STYLES[kind][0], **_HOLLOW)


def _draw_probes(panel, records, kind, layers):
    style, shift = _STYLES[kind]
    points = _points(records, kind, layers)
    values = [record.value for _, record in points]
    panel.plot([x for x, _ in points], values, linewidth=0.8, **style)
    for x, record in points:
        panel.vlines(x, record.low, record.high, color=style["color"])
        panel.annotate(
            f"{100 * record.value:.0f}",
            (x, record.value),
            (-5 if shift < 0 else 5, 4),
            textcoords="offset points",
            ha="right" if shift < 0 else "left",
            fontsize=8,
            color=style["color"],
        )
