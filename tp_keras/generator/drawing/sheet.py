"""Portraits beside each other, pixel by pixel, with captions."""

import math

import numpy as np
from PIL import Image
from PIL import ImageDraw
from PIL import ImageFont

from tp_keras.errors import UserError
from tp_keras.tasks import GENDER
from tp_keras.tasks import HAIR_TASKS
from tp_keras.tasks import IMAGE_SHAPE
from tp_keras.tasks import UNKNOWN

# A sheet of more would be a picture that nobody looks at.
MAX_PORTRAITS = 4096

_GAP = 2
_MARGIN = 6
_FONT_SIZE = 11
_LINE = 14


def draw_sheet(
    images,
    title: str = "",
    captions=None,
    columns: int | None = None,
    scale: int = 1,
) -> Image.Image:
    """Draws portraits in rows, from left to right.

    Args:
        images: uint8 `[count, 108, 84, 3]`, one or more.
        title: Text above; lines are broken where they are too long.
        captions: None, or one text for each portrait, of one or more lines.
        columns: Int. Portraits in a row; None makes the sheet about square.
        scale: Int. How many times to enlarge the portraits.

    Returns:
        The picture. No pixel of a portrait is changed.

    Raises:
        UserError: If there are none, or more than `MAX_PORTRAITS`.

    Example:
        >>> draw_sheet(images, "female, blond").save("sheet.png")
    """
    check_sheet(len(images))
    columns = columns or _square_columns(len(images))
    columns = min(columns, len(images))
    rows = math.ceil(len(images) / columns)
    font = ImageFont.load_default(_FONT_SIZE)
    lines = max(len(text.splitlines()) for text in captions or [""])
    height, width = scale * IMAGE_SHAPE[0], scale * IMAGE_SHAPE[1]
    cell_width, cell_height = width + _GAP, height + _GAP + lines * _LINE
    sheet_width = columns * cell_width - _GAP + 2 * _MARGIN
    title_lines = _break_lines(title, font, sheet_width - 2 * _MARGIN)
    top = _MARGIN + len(title_lines) * _LINE
    sheet = Image.new(
        "RGB",
        (sheet_width, top + rows * cell_height - _GAP + _MARGIN),
        "white",
    )
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(title_lines):
        draw.text((_MARGIN, _MARGIN / 2 + number * _LINE), line, "black", font)
    for place, pixels in enumerate(images):
        row, column = divmod(place, columns)
        x, y = _MARGIN + column * cell_width, top + row * cell_height
        portrait = Image.fromarray(np.asarray(pixels, np.uint8))
        if scale > 1:
            portrait = portrait.resize(
                (width, height), Image.Resampling.NEAREST
            )
        sheet.paste(portrait, (x, y))
        if captions:
            for number, line in enumerate(captions[place].splitlines()):
                draw.text(
                    (x + width / 2, y + height + number * _LINE),
                    line,
                    "black",
                    font,
                    anchor="ma",
                )
    return sheet


def check_sheet(count: int) -> None:
    """Raises unless a sheet can show so many portraits.

    Raises:
        UserError: If not.
    """
    if not 1 <= count <= MAX_PORTRAITS:
        raise UserError(
            f"A picture shows 1 to {MAX_PORTRAITS:,} portraits; single files "
            f"or a pack take more. Received: count={count:,}"
        )


def describe_labels(labels: dict, row: int) -> str:
    """Returns the labels of a row as text.

    Args:
        labels: Dict of task name to class names, one a row.
        row: Int.

    Example:
        >>> describe_labels({"gender": ["male"], "hair_color": ["unknown"],
        ...                  "hair_type": ["wavy"]}, 0)
        'male, wavy hair'
    """
    gender = labels[GENDER.name][row]
    # Bald is a colour and a type at once.
    hair = dict.fromkeys(labels[task.name][row] for task in HAIR_TASKS)
    words = [word for word in (gender, *hair) if word != UNKNOWN]
    if set(hair) - {UNKNOWN, "bald"}:
        words.append(f"{words.pop()} hair")
    return ", ".join(words) or "any attributes"


def write_animation(path, images, seconds: float = 2.0, scale: int = 3) -> None:
    """Writes portraits as frames of an animated GIF that runs to and fro.

    Args:
        path: File to write.
        images: uint8 `[count, 108, 84, 3]`, one or more.
        seconds: Float. How long it runs from the first to the last.
        scale: Int. How many times to enlarge.
    """
    frames = [
        Image.fromarray(pixels).resize(
            (scale * pixels.shape[1], scale * pixels.shape[0]),
            Image.Resampling.BICUBIC,
        )
        for pixels in [*images, *images[-2:0:-1]]
    ]
    frames[0].save(
        path,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=max(round(1000 * seconds / len(images)), 20),
        loop=0,
    )


def _square_columns(count) -> int:
    height, width, _ = IMAGE_SHAPE
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
