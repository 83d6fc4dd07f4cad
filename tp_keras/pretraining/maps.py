"""Where a network without labels looks: maps over portraits."""

import numpy as np

from tp_keras.explain.occlusion import occlusion
from tp_keras.explain.overlay import overlay
from tp_keras.pretraining.features import pooled_features
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task

# How alike the features of a portrait stay, as a number to explain.
_ALIKE = Task("alike", REGRESSION, low=-1.0, high=1.0, tolerance=0.1)


def similarity_maps(backbone, images) -> np.ndarray:
    """Returns how like each place is to the portrait as a whole.

    The cosine of its features with the mean of all places, both about what the
    portraits have in common: where the features come from, which is what the
    attention of a transformer is looked at for.

    Args:
        backbone: `keras.Model` from images to a feature map.
        images: uint8 array `[count, height, width, 3]`, two or more.

    Returns:
        Float32 array `[count, rows, columns]` of -1 to 1.
    """
    places = backbone.predict(images, verbose=0)
    places = places - places.mean((0, 1, 2))
    whole = places.mean((1, 2), keepdims=True)
    lengths = np.linalg.norm(places, axis=-1) * np.linalg.norm(whole, axis=-1)
    products = (places * whole).sum(-1)
    return products / np.where(lengths > 0, lengths, 1.0)


def saliency_map(backbone, image) -> np.ndarray:
    """Returns how far the features move where a patch is hidden.

    Args:
        backbone: `keras.Model` from images to a feature map.
        image: uint8 array `[height, width, 3]`.

    Returns:
        Float32 array `[height, width]`: 1 less the cosine of the features
        before and after, the mean of all patches over a pixel.
    """
    (before,) = pooled_features(backbone, image[None])

    def predict(images):
        found = pooled_features(backbone, images)
        lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(before)
        return {_ALIKE.name: found @ before / np.where(lengths, lengths, 1.0)}

    return occlusion(predict, image, [_ALIKE])[_ALIKE.name]


def map_rows(backbones, images) -> tuple[np.ndarray, list[str]]:
    """Returns pictures for `draw_grid` and what their rows show.

    Args:
        backbones: Dict: name -> `keras.Model` from images to a feature map.
        images: uint8 array `[count, height, width, 3]`, two or more.

    Returns:
        A uint8 array `[rows, count, height, width, 3]`: the portraits, then two
        rows for each backbone; and the titles of the rows.
    """
    rows, titles = [images], ["portrait"]
    for name, backbone in backbones.items():
        alike = similarity_maps(backbone, images)
        hidden = [saliency_map(backbone, image) for image in images]
        pairs = [
            zip(images, alike, strict=True),
            zip(images, hidden, strict=True),
        ]
        limits = 1.0, np.abs(hidden).max() or 1.0
        for kind, limit, own in zip(
            ("like the whole", "moves it"), limits, pairs, strict=True
        ):
            rows.append(
                np.stack([overlay(image, heat, limit) for image, heat in own])
            )
            titles.append(f"{kind},\n{name}")
    return np.stack(rows), titles
