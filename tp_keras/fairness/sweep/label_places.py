"""Finds places for the names of points, so that none lies on another."""

import numpy as np
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

# Places that are tried: distances in points of type, and directions.
_DISTANCES = (7, 14, 24, 36, 50, 66, 84, 104, 126, 150)
_DIRECTIONS = np.linspace(0, 2 * np.pi, 16, endpoint=False)

# Room around a name and a point, in pixels.
_MARGIN = 2
_POINT = 5


def place(panel) -> None:
    """Moves the annotations of a panel to where they can be read.

    Each takes the nearest place around its point where it covers no point, no
    line and no other name, and that lies in the panel; a thin line leads to it
    if it isn't next to its point. If there is none it stays beside its point.

    Args:
        panel: Axes of a figure that was drawn, so that sizes are known. Its
            annotations are centred, and placed in offset points.
    """
    names = [
        item for item in panel.get_children() if isinstance(item, Annotation)
    ]
    if not names:
        return
    scale = panel.figure.dpi / 72
    points = panel.transData.transform([name.xy for name in names])
    marks, lines = [points], []
    for line in panel.lines:
        path = panel.transData.transform_path(line.get_path())
        marks.append(path.vertices)
        if line.get_linestyle() != "None":
            lines.append(path)
    taken = [
        Bbox([mark - _POINT, mark + _POINT]) for mark in np.concatenate(marks)
    ]
    # From the outside in: those in the middle have most room to choose.
    order = np.argsort(-np.linalg.norm(points - points.mean(0), axis=1))
    for index in order:
        name, point = names[index], points[index]
        extent = name.get_window_extent()
        half = np.array([extent.width, extent.height]) / 2 + _MARGIN
        center, distance = _find(point, half, taken, lines, panel.bbox, scale)
        taken.append(Bbox([center - half, center + half]))
        name.set_position((center - point) / scale)
        if distance > _DISTANCES[1]:
            panel.annotate(
                "",
                name.xy,
                xytext=tuple((center - point) / scale),
                textcoords="offset points",
                arrowprops={
                    "arrowstyle": "-",
                    "color": "0.6",
                    "linewidth": 0.6,
                    "shrinkA": 0,
                    "shrinkB": 3,
                },
                zorder=0,
            )


def _find(point, half, taken, lines, panel, scale):
    """Returns the center of the nearest free place, and its distance."""
    beside = point + [half[0] + _POINT, 0]
    for distance in _DISTANCES:
        for direction in _DIRECTIONS:
            away = np.array([np.cos(direction), np.sin(direction)])
            # The nearest edge is that far away, not the center.
            center = point + away * (distance * scale + half * np.abs(away))
            box = Bbox([center - half, center + half])
            inside = panel.containsx(box.x0) and panel.containsx(box.x1)
            inside &= panel.containsy(box.y0) and panel.containsy(box.y1)
            if not inside or box.count_overlaps(taken):
                continue
            if not any(
                line.intersects_bbox(box, filled=False) for line in lines
            ):
                return center, distance
    return beside, 0
