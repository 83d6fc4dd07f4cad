"""Portraits beside each other, pixel by pixel, with captions."""

import math

import numpy as np
from PIL import Image
from PIL import ImageDraw
from PIL import ImageFont

from tp_keras.errors import UserError

# A sheet of more would be a picture that nobody looks at.
MAX_PORTRAITS = 4096

# In pixels: between portraits, and between those with captions.
_GAP, _CAPTION_GAP = 2, 10
_MARGIN = 6
_FONT_SIZE = 11
_LINE = 14


def draw_sheet(
    images, title: str = "", captions=None, columns: int | None = None
) -> Image.Image:
    """Draws uint8 portraits in rows, from left to right, pixel by pixel.

    The title is broken into lines where it is too long. Each portrait may have
    a caption of one or more lines, and gets as much room as the widest needs.
    Without `columns`, portraits in a row, the sheet is about square.

    Raises:
        UserError: If there are none, or more than `MAX_PORTRAITS`.
    """
    check_sheet(len(images))
    images = np.asarray(images, np.uint8)
    height, width = images.shape[1:3]
    font = ImageFont.load_default(_FONT_SIZE)
    texts = [text.splitlines() for text in captions or [""] * len(images)]
    lines = max(map(len, texts))
    widest = max(font.getlength(line) for text in texts for line in ["", *text])
    gap = _CAPTION_GAP if lines else _GAP
    cell_width = max(width, math.ceil(widest)) + gap
    cell_height = height + gap + lines * _LINE
    columns = columns or _square_columns(len(images), cell_height, cell_width)
    columns = min(columns, len(images))
    rows = math.ceil(len(images) / columns)
    sheet_width = columns * cell_width - gap + 2 * _MARGIN
    title_lines = _break_lines(title, font, sheet_width - 2 * _MARGIN)
    top = _MARGIN + len(title_lines) * _LINE
    sheet = Image.new(
        "RGB", (sheet_width, top + rows * cell_height - gap + _MARGIN), "white"
    )
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(title_lines):
        draw.text((_MARGIN, _MARGIN / 2 + number * _LINE), line, "black", font)
    for place, (pixels, text) in enumerate(zip(images, texts, strict=True)):
        row, column = divmod(place, columns)
        x = _MARGIN + column * cell_width + (cell_width - gap - width) // 2
        y = top + row * cell_height
        sheet.paste(Image.fromarray(pixels), (x, y))
        for number, line in enumerate(text):
            below = x + width / 2, y + height + number * _LINE
            draw.text(below, line, "black", font, anchor="ma")
    return sheet


def check_sheet(count: int) -> None:
    """Raises a `UserError` unless a sheet can show so many portraits."""
    if not 1 <= count <= MAX_PORTRAITS:
        raise UserError(
            f"A picture shows 1 to {MAX_PORTRAITS:,} portraits; single files "
            f"or a pack take more. Received: count={count:,}"
        )


def _square_columns(count, height, width) -> int:
    best = max(math.ceil(math.sqrt(count * height / width)), 1)
    # Rather a little less square than with a gap in the last row.
    for columns in (best, best - 1, best + 1, best - 2):
        if columns > 0 and count % columns == 0:
            return columns
    return best


def _break_lines(text, font, width) -> list[str]:
    lines = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
