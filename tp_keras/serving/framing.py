"""How training portraits frame a face, and a photo's faces framed likewise.

A network has seen each face in one place, at one size and upright. A photo's
face is cut out so that what the finder tells of it comes to lie where, as the
median, it lies in the training portraits.
"""

import numpy as np
from PIL import Image

from tp_keras.serving.face_finder import Face
from tp_keras.serving.face_finder import FaceFinder
from tp_keras.serving.portrait_file import crop_and_resize
from tp_keras.serving.sampling import sample
from tp_keras.serving.sampling import turned

# How many training portraits are looked at: medians move no more.
COUNT = 1000

# After so many it is settled whether the finder sees faces in them.
_FIRST = 200

# The least share of the portraits in which a face must be found for their
# medians to mean anything.
_ENOUGH = 0.5

MEASURED, GENERIC = "training portraits", "generic"

# Passport pictures: eyes above the middle, the face half as high as the
# picture.
_GENERIC_GEOMETRY = {
    "eyes": [0.5, 0.45],
    "angle": 0.0,
    "box": {"center": [0.5, 0.55], "size": 0.5},
}

# A little less than the framing says is cut out: what is too narrow hardly
# harms an answer, and what is too wide does (`docs/photos.md`).
_ZOOM = 0.94

# Beyond the edge of a photo it goes on with its last pixels, as augmentation
# has it in training.
_BORDER = "edge"


def measure_framing(
    images: np.ndarray, finder: FaceFinder | None = None, progress=False
) -> dict:
    """Measures where faces lie in portraits.

    Args:
        images: uint8 `[count, height, width, 3]`, of which `COUNT` are looked
            at, evenly spread.
        finder: `FaceFinder`.
        progress: Whether to show a bar.

    Returns:
        What `metadata.json` says under `framing`, medians over the portraits
        in which one face is found: `eyes`, the point between them, and `box`
        with `center` and `size`, in shares of the portrait's width and height
        (the size of its height); `angle` of the line of the eyes, in degrees;
        `portraits`, how many were looked at, and `found`, the share with a
        face. Where that is below a half, as with drawings, `source` is
        `"generic"` rather than `"training portraits"`, and the geometry that
        of a passport picture.
    """
    # Imported late: to frame a photo none of it is needed.
    from tqdm import tqdm

    finder = finder or FaceFinder()
    height, width = images.shape[1:3]
    rows = np.unique(np.linspace(0, len(images) - 1, COUNT).astype(int))
    # In an order in which the first ones are spread as well.
    rows = np.random.default_rng(0).permutation(rows)
    found, count = [], 0
    bar = tqdm(rows, "framing", unit="img", delay=2, disable=not progress)
    for count, row in enumerate(bar, start=1):
        faces = finder.find(images[row])
        if len(faces) == 1:
            face = faces[0]
            found.append(
                [*face.between_eyes, *face.center, face.box[3], face.angle]
            )
        if count == _FIRST and len(found) < _ENOUGH * count:
            break
    share = len(found) / max(count, 1)
    facts = {"portraits": count, "found": round(share, 4)}
    if share < _ENOUGH:
        return generic_framing() | facts
    scales = [width, height, width, height, height, 1]
    medians = np.round(np.median(found, axis=0) / scales, 5).tolist()
    eyes, center, (size, angle) = medians[:2], medians[2:4], medians[4:]
    box = {"center": center, "size": size}
    return {
        "source": MEASURED,
        **facts,
        "eyes": eyes,
        "angle": angle,
        "box": box,
    }


def generic_framing() -> dict:
    """Returns a framing for portraits of which none is known."""
    return {
        "source": GENERIC,
        "portraits": 0,
        "found": None,
        **_GENERIC_GEOMETRY,
    }


def cut(pixels: np.ndarray, face: Face, framing: dict, image_shape):
    """Cuts a face out of a photo as the training portraits frame theirs.

    The point between the eyes takes its place, their line its angle and the
    box its size: of all that the finder tells, this repeats the framing of
    aligned portraits best.

    Args:
        pixels: uint8 `[height, width, 3]`, the photo.
        face: `Face` in it.
        framing: What `measure_framing` told.
        image_shape: Height, width and channels of a portrait.

    Returns:
        The portrait, uint8 of `image_shape`.
    """
    height, width, _ = image_shape
    x, y = framing["eyes"]
    matrix = turned(
        face.between_eyes,
        (x * width, y * height),
        _ZOOM * face.box[3] / (framing["box"]["size"] * height),
        face.angle - framing["angle"],
    )
    return sample(pixels, matrix, (height, width), _BORDER)


def centre_crop(pixels: np.ndarray, image_shape) -> np.ndarray:
    """Returns the middle of a photo as a portrait, where no face is found."""
    return crop_and_resize(Image.fromarray(pixels), image_shape)
