"""A photo with its faces marked, in the order in which they are told."""

from PIL import Image
from PIL import ImageDraw

from tp_keras.serving.photo_predictor import PhotoAnswer

_COLOUR, _DARK = (255, 221, 0), (0, 0, 0)

# As shares of the photo's longest side, and of a square's.
_LINE, _TEXT = 0.003, 0.22


def mark_faces(answer: PhotoAnswer) -> Image.Image:
    """Returns the photo with a numbered square around each face."""
    image = Image.fromarray(answer.photo.pixels)
    draw = ImageDraw.Draw(image)
    line = max(round(_LINE * max(image.size)), 2)
    for found in answer.faces:
        if found.face is None:
            continue
        left, top, width, height = found.face.box
        box = (left, top, left + width, top + height)
        # Dark beside bright: one of them is seen on any background.
        draw.rectangle(box, outline=_DARK, width=2 * line)
        draw.rectangle(box, outline=_COLOUR, width=line)
        draw.text(
            (left + 3 * line, top + 2 * line),
            str(found.prediction.face),
            _COLOUR,
            font_size=max(_TEXT * height, 10),
            stroke_width=line,
            stroke_fill=_DARK,
        )
    return image
