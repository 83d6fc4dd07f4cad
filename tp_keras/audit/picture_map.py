"""A map of portraits as HTML: a dot opens its portrait, without a script.

What is chosen, the colours and the map, are radio buttons, which the style
sheet reads; a dot is a link to its card, which is shown while it is the target.
"""

import html
from collections.abc import Sequence

import cv2
import numpy as np

from tp_keras.audit.label_columns import LabelColumn
from tp_keras.audit.portrait_set import PortraitSet
from tp_keras.audit.tiles import jpeg_address
from tp_keras.records.plot_kit import group_styles
from tp_keras.tasks import MISSING_NAME

# Pixels of the longer side of a portrait, and how many stand in a row.
_SIDE = 72
_COLUMNS = 25

# Of the map, in units of its own.
_WIDTH, _HEIGHT, _MARGIN, _RADIUS = 1000, 700, 16, 7

_STYLE = """\
.map { position: relative; margin: 1rem 0 2.5rem; }
.map input { position: absolute; opacity: 0; }
.map label {
  display: inline-block; padding: 0.15rem 0.7rem; margin: 0.15rem 0.1rem;
  border: 1px solid var(--line); border-radius: 1rem; cursor: pointer;
  font-size: 0.9rem;
}
.map .choice { margin: 0.2rem 0; max-width: none; }
.map svg {
  width: 100%; height: auto; background: var(--shade); border-radius: 6px;
}
.map svg, .map .legend { display: none; }
.map .legend { font-size: 0.85rem; margin: 0.5rem 0; }
.map .legend span { margin-right: 1rem; white-space: nowrap; }
.map .legend i {
  display: inline-block; width: 0.8em; height: 0.8em; border-radius: 50%;
  margin-right: 0.35em; vertical-align: -0.05em;
}
.map circle { fill: var(--line); stroke: var(--paper); }
.map a:is(:hover, :focus) circle { stroke: var(--text); stroke-width: 3; }
.card {
  display: none; position: fixed; right: 1rem; bottom: 1rem; z-index: 2;
  background: var(--paper); border: 1px solid var(--faint); padding: 0.7rem;
  border-radius: 8px; font-size: 0.85rem; line-height: 1.35; max-width: 14rem;
  box-shadow: 0 3px 14px #0006;
}
.card:target { display: block; }
.card i { display: block; margin-bottom: 0.4rem; zoom: 1.5; }
@media print { .card { display: none !important; } }
"""


def map_html(
    portraits: PortraitSet,
    columns: Sequence[LabelColumn],
    rows: np.ndarray,
    maps: dict[str, np.ndarray],
) -> str:
    """Returns a map that colours its dots by each label.

    Args:
        portraits: What is audited.
        columns: The labels.
        rows: Of the portraits on the map, int `[points]`.
        maps: Name of a map -> where the points lie, `[points, 2]`, 0 to 1.
    """
    style, choices, legends, inputs = [_STYLE], [], [], []
    colors = [
        [
            look["color"]
            for look in list(group_styles(column.classes).values())[1:]
        ]
        for column in columns
    ]
    for place, column in enumerate(columns):
        one = f"map-label-{place}"
        inputs.append(_radio(one, "map-label", place == 0))
        choices.append(f'<label for="{one}">{html.escape(column.name)}</label>')
        spans = []
        for label, name in [*enumerate(column.classes), (-1, MISSING_NAME)]:
            color = colors[place][label] if label >= 0 else "var(--line)"
            name = html.escape(name)
            spans.append(
                f'<span><i style="background:{color}"></i>{name}</span>'
            )
            if label >= 0:
                style.append(
                    f"#{one}:checked ~ svg .c{place}-{label} {{fill:{color}}}"
                )
        legends.append(f'<div class="legend l{place}">{"".join(spans)}</div>')
        style.append(f"#{one}:checked ~ .l{place} {{ display: block; }}")
        style.append(_chosen(one))
    which, pictures = [], []
    for place, (name, points) in enumerate(maps.items()):
        one = f"map-kind-{place}"
        inputs.append(_radio(one, "map-kind", place == 0))
        which.append(f'<label for="{one}">{html.escape(name)}</label>')
        style.append(f"#{one}:checked ~ .m{place} {{ display: block; }}")
        style.append(_chosen(one))
        pictures.append(_svg(f"m{place}", name, points, columns, rows))
    sprite, size = _sprite(portraits.images(rows))
    style.append(
        f".card i {{ width:{size[1]}px; height:{size[0]}px; "
        f"background-image:url({sprite}); }}"
    )
    return "\n".join(
        [
            f"<style>{chr(10).join(style)}</style>",
            '<div class="map" id="map">',
            *inputs,
            f'<div class="choice">Colour by {"".join(choices)}</div>',
            f'<div class="choice">Laid out by {"".join(which)}</div>',
            *legends,
            *pictures,
            "</div>",
            *_cards(portraits, columns, rows, size),
        ]
    )


def _radio(one, name, checked):
    checked = " checked" * checked
    return f'<input type="radio" id="{one}" name="{name}"{checked}>'


def _chosen(one):
    label = f'label[for="{one}"]'
    return (
        f"#{one}:checked ~ .choice {label} "
        "{ background: var(--text); color: var(--paper); }\n"
        f"#{one}:focus-visible ~ .choice {label} "
        "{ outline: 2px solid var(--faint); }"
    )


def _svg(css_class, name, points, columns, rows) -> str:
    span = np.array([_WIDTH, _HEIGHT]) - 2 * _MARGIN
    dots = []
    for number, (x, y) in enumerate(points * span + _MARGIN):
        classes = " ".join(
            f"c{place}-{label}"
            for place, column in enumerate(columns)
            if (label := column.values[rows[number]]) >= 0
        )
        dots.append(
            f'<a href="#p{number}" aria-label="portrait {number}">'
            f'<circle class="{classes}" cx="{x:.0f}" cy="{_HEIGHT - y:.0f}" '
            f'r="{_RADIUS}"/></a>'
        )
    title = f"Map of {len(points):,} portraits by {html.escape(name)}"
    return (
        f'<svg class="{css_class}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'role="group" aria-label="{title}">{"".join(dots)}</svg>'
    )


def _sprite(images):
    """Returns all portraits as one picture, and height and width of each."""
    scale = min(1, _SIDE / max(images.shape[1:3]))
    height, width = (max(round(scale * side), 1) for side in images.shape[1:3])
    count = -(-len(images) // _COLUMNS)
    sheet = np.zeros((count * height, _COLUMNS * width, 3), np.uint8)
    for number, image in enumerate(images):
        row, column = divmod(number, _COLUMNS)
        place = slice(row * height, (row + 1) * height)
        sheet[place, column * width : (column + 1) * width] = cv2.resize(
            image, (width, height), interpolation=cv2.INTER_AREA
        )
    return jpeg_address(sheet, 80), (height, width)


def _cards(portraits, columns, rows, size):
    for number, row in enumerate(rows):
        y, x = (
            -place * side
            for place, side in zip(divmod(number, _COLUMNS), size, strict=True)
        )
        lines = [
            f"{column.name}: {column.classes[label]}"
            for column in columns
            if (label := column.values[row]) >= 0
        ]
        split = portraits.split_names[portraits.splits[row]]
        lines.append(f"{split}, index {portraits.indices[row]}")
        text = "<br>".join(map(html.escape, lines))
        yield (
            f'<div class="card" id="p{number}"><i style="background-position:'
            f'{x}px {y}px"></i>{text}<br><a href="#map">close</a></div>'
        )
