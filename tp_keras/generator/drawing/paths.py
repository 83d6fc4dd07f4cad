"""The way from one latent to another."""

import numpy as np

from tp_keras.errors import UserError

# More would be too many frames for an animation.
MAX_COUNT = 256

# Where the angle is smaller the sphere is as good as flat.
_SMALL_ANGLE = 1e-4


def interpolate(start, end, count: int) -> np.ndarray:
    """Returns latents on the sphere's way from one to another, with both ends.

    In many dimensions nearly all of a normal distribution lies in a thin
    shell. A straight line cuts through its empty inside, where portraits pale;
    a path on the sphere stays in the shell (White, 2016, arXiv:1609.04468).
    Ends are floats `[latent_size]`, latents float32 `[count, latent_size]`;
    another count than 2 to `MAX_COUNT` is refused.
    """
    check_count(count)
    start, end = (np.asarray(end_, np.float64) for end_ in (start, end))
    part = np.linspace(0.0, 1.0, count)[:, np.newaxis]
    lengths = np.linalg.norm(start) * np.linalg.norm(end)
    cosine = start @ end / lengths if lengths else 1.0
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    # Opposite ends have no shortest way on the sphere either.
    weights = np.stack([1.0 - part, part])
    if _SMALL_ANGLE < angle < np.pi - _SMALL_ANGLE:
        weights = np.sin(weights * angle) / np.sin(angle)
    latents = weights[0] * start + weights[1] * end
    return latents.astype(np.float32)


def check_count(count: int) -> None:
    """Raises a `UserError` unless a way can have so many portraits."""
    if not 2 <= count <= MAX_COUNT:
        raise UserError(
            f"A way has 2 to {MAX_COUNT} portraits, its beginning and its end "
            f"among them. Received: count={count}"
        )
