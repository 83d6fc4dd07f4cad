"""What all plots of the package share: size, colours, markers.

Colours are those of Okabe and Ito, which the colour-blind tell apart; groups
differ in the marker as well.
"""

from collections.abc import Iterable
from collections.abc import Sequence

from matplotlib.figure import Figure

from tp_keras.records.record import ALL

_DOTS_PER_INCH = 120
_COLORS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_COLORS += ("#8C564B", "#7F7F7F")
_MARKERS = ("o", "D", "^", "v", "P", "X", "<", ">")


def new_figure(width: float, height: float) -> Figure:
    """Returns an empty figure of `width` x `height` inches, without pyplot."""
    return Figure((width, height), dpi=_DOTS_PER_INCH, layout="constrained")


def add_title(
    figure: Figure, title: str, handles: Sequence = (), columns: int = 4
) -> None:
    """Writes a title above a figure, and a legend of handles below it."""
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    if handles:
        place = {"loc": "outside lower left", "frameon": False}
        figure.legend(handles=handles, ncols=columns, **place)


def group_styles(groups: Iterable[str]) -> dict[str, dict[str, str]]:
    """Returns the colour and marker of each group and of all, in any plot."""
    styles = {ALL: {"color": "#000000", "marker": "s"}}
    for index, group in enumerate(name for name in groups if name != ALL):
        styles[group] = {
            "color": _COLORS[index % len(_COLORS)],
            "marker": _MARKERS[index % len(_MARKERS)],
        }
    return styles
