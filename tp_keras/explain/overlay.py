"""A map over its portrait, in colours that the colour-blind tell apart."""

import cv2
import numpy as np

# What speaks for an answer, and against it.
FOR, AGAINST = (213, 94, 0), (0, 114, 178)

# So the portrait stays visible under the strongest colour.
_STRONGEST = 0.85


def overlay(image, heat, limit: float | None = None) -> np.ndarray:
    """Paints a map over a portrait in shades of gray.

    Orange speaks for what is explained, blue against it.

    Args:
        image: uint8 array `[height, width, 3]`.
        heat: Float array `[rows, columns]`, enlarged where it is smaller.
        limit: What gets the full colour, above 0: one for all that is to be
            compared. None: the largest of this map.

    Returns:
        A uint8 array `[height, width, 3]`.
    """
    image = np.asarray(image, np.uint8)
    heat = np.asarray(heat, np.float32)
    if heat.shape != image.shape[:2]:
        size = image.shape[1::-1]
        heat = cv2.resize(heat, size, interpolation=cv2.INTER_LINEAR)
    if limit is None:
        limit = float(np.abs(heat).max()) or 1.0
    strength = _STRONGEST * np.clip(heat / limit, -1, 1)[..., None]
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]
    # Lighter, as dark gray would swallow the colours.
    gray = 64 + 0.75 * gray.astype(np.float32)
    color = np.where(strength > 0, np.float32(FOR), np.float32(AGAINST))
    alpha = np.abs(strength)
    return np.rint(gray * (1 - alpha) + color * alpha).astype(np.uint8)
