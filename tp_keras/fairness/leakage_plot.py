"""What probes read of gender, layer by layer, against what hair implies."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from tp_keras import tasks
from tp_keras.fairness import leakage_figures
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.record import Record

# Not the colours of the genders.
_COLORS = {"linear": "#009E73", "mlp": "#8F4E8B"}
_MARKERS = {"linear": "o", "mlp": "s"}
_OFFSETS = {"linear": -0.09, "mlp": 0.09}
_BAND_COLOR = "0.85"
_CHANCE = 0.5


def draw_leakage(records: Sequence[Record], task: tasks.Task) -> Figure:
    """Draws the balanced accuracy of the probes, layers from left to right.

    On the left among all rows, with the band of what hair implies; on the
    right inside each class, where nothing is 50 %.
    """
    figure = new_figure(10.5, 5.2)
    overall, inside = figure.subplots(1, 2, sharey=True)
    _draw_probes(overall, records, task, conditional=False)
    _draw_probes(inside, records, task, conditional=True)
    band = leakage_figures.band(records, task)
    if band is not None:
        overall.axhspan(*band, color=_BAND_COLOR, zorder=0)
    for panel in (overall, inside):
        panel.axhline(_CHANCE, color="0.5", linestyle="--", linewidth=1)
    overall.set_title("among all portraits", fontsize=10)
    inside.set_title("among portraits of the same class", fontsize=10)
    overall.set_ylabel("women and men told apart (balanced accuracy)")
    overall.yaxis.set_major_formatter(PercentFormatter(1.0))
    overall.set_ylim(0.42, 1.02)
    figure.suptitle(
        f"{task.name}: gender that probes read from each layer, with 95 % "
        "intervals",
        x=0.01,
        ha="left",
        fontsize=11,
    )
    figure.legend(
        handles=_handles(band),
        loc="outside lower left",
        ncols=5,
        frameon=False,
    )
    return figure


def _draw_probes(panel, records, task, conditional):
    layers = leakage_figures.layers(records, task)
    for kind, offset in _OFFSETS.items():
        points = []
        for place, layer in enumerate(layers):
            record = leakage_figures.probe(
                records, task, kind, layer, conditional
            )
            if record is None or record.value is None:
                continue
            points.append((place + offset, record))
        color = _COLORS[kind]
        panel.vlines(
            [x for x, _ in points],
            [record.low for _, record in points],
            [record.high for _, record in points],
            color=color,
            linewidth=1.8,
        )
        panel.plot(
            [x for x, _ in points],
            [record.value for _, record in points],
            color=color,
            marker=_MARKERS[kind],
            markersize=7,
            linewidth=0.8,
        )
        control = leakage_figures.negative_control(
            records, task, kind, conditional
        )
        if control is not None and control.value is not None:
            layer = leakage_figures.layer(control)
            panel.plot(
                layers.index(layer) + offset,
                control.value,
                color=color,
                marker=_MARKERS[kind],
                markersize=7,
                markerfacecolor="white",
            )
        for x, record in points:
            panel.annotate(
                f"{record.value:.0%}".removesuffix("%"),
                (x, record.value),
                (-5 if offset < 0 else 5, 4),
                textcoords="offset points",
                ha="right" if offset < 0 else "left",
                fontsize=8,
                color=color,
            )
    panel.set_xticks(
        range(len(layers)), [name.replace("_", "\n") for name in layers]
    )
    panel.set_xlim(-0.5, len(layers) - 0.5)
    panel.grid(axis="y", color="0.93")
    panel.tick_params(axis="x", length=0)


def _handles(band):
    handles = [
        Line2D(
            [],
            [],
            color=_COLORS[kind],
            marker=_MARKERS[kind],
            markersize=7,
            label=leakage_figures.KIND_NAMES[kind],
        )
        for kind in _COLORS
    ]
    if band is not None:
        low, high = band
        handles.append(
            Patch(
                color=_BAND_COLOR,
                label=f"what hair gives away ({low:.0%} to {high:.0%})",
            )
        )
    handles.append(
        Line2D(
            [],
            [],
            color="0.4",
            marker="o",
            markerfacecolor="white",
            linestyle="none",
            label="control: genders shuffled",
        )
    )
    handles.append(
        Line2D([], [], color="0.5", linestyle="--", label="guessing")
    )
    return handles
