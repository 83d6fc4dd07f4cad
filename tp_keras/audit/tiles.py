"""Portraits with captions as a part of a page, as many in a row as fit."""

import base64
import html
from collections.abc import Sequence

import cv2
import numpy as np

_STYLE = """\
<style>
.tiles { display: flex; flex-wrap: wrap; gap: 0.9rem; margin: 1rem 0 2rem; }
.tiles figure { margin: 0; width: 5.6rem; }
.tiles img { padding: 0; width: 100%; border-radius: 4px; }
.tiles figcaption { font-size: 0.75rem; line-height: 1.3; }
.tiles b { color: var(--text); }
</style>"""


def tiles(images: np.ndarray, captions: Sequence[Sequence[str]]) -> str:
    """Returns HTML of uint8 portraits with lines below them, the first bold."""
    parts = [_STYLE, '<div class="tiles">']
    for image, (first, *lines) in zip(images, captions, strict=True):
        text = "<br>".join(
            [f"<b>{html.escape(first)}</b>", *map(html.escape, lines)]
        )
        alt = html.escape(", ".join([first, *lines]))
        parts.append(
            f'<figure><img alt="{alt}" src="{jpeg_address(image)}">'
            f"<figcaption>{text}</figcaption></figure>"
        )
    return "\n".join([*parts, "</div>"])


def jpeg_address(image: np.ndarray, quality: int = 90) -> str:
    """Returns an RGB picture, uint8 `[height, width, 3]`, as a data address."""
    pixels = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, data = cv2.imencode(".jpg", pixels, options)
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
