"""Random changes of what a critic sees that leave every label true.

Applied to real and drawn portraits alike, so that few real ones are not known
by heart, and differentiable, so that the decoder learns through them: Zhao et
al., arXiv:2006.10738. Never hue or saturation: a label may be a colour.
"""

import keras
from keras import ops

_BRIGHTNESS = 0.4  # Of half the range.
_CONTRAST = (0.7, 1.4)
_SHIFT = 0.125  # Of a side, as is what is covered.
_COVERED = 0.35
_COVERED_SHARE = 0.5


def draw_changes(count, seed):
    """Returns random changes of `count` pictures: dict of float `[count]`."""
    uniform = keras.random.uniform((7, count), seed=seed)
    low, high = _CONTRAST
    return {
        "brightness": _BRIGHTNESS * (2 * uniform[0] - 1),
        "contrast": low + (high - low) * uniform[1],
        "down": _SHIFT * (2 * uniform[2] - 1),
        "right": _SHIFT * (2 * uniform[3] - 1),
        "row": uniform[4],
        "column": uniform[5],
        "covered": ops.cast(uniform[6] < _COVERED_SHARE, "float32"),
    }


def change(pictures, changes):
    """Returns pictures of -1..1 `[batch, height, width, 3]`, changed."""

    def rows(values):
        return values[:, None, None, None]

    mean = ops.mean(pictures, axis=(1, 2, 3), keepdims=True)
    x = mean + rows(changes["contrast"]) * (pictures - mean)
    x += rows(changes["brightness"])
    height, width = x.shape[1:3]
    # What is pushed in is the outermost row again. As a product, which is as
    # fast as gathering and has a gradient on every backend.
    x = ops.einsum("bij,bjkc->bikc", _shift(height, changes["down"]), x)
    x = ops.einsum("bij,bkjc->bkic", _shift(width, changes["right"]), x)
    inside = ops.logical_and(
        _near(height, changes["row"])[:, :, None],
        _near(width, changes["column"])[:, None, :],
    )
    covered = ops.cast(inside, x.dtype)[..., None] * rows(changes["covered"])
    return x * (1 - covered)


def _shift(size, share):
    """Returns matrices that move rows by shares of `size`, whole ones."""
    places = ops.arange(size, dtype="float32")[None]
    places = places + ops.round(share * size)[:, None]
    places = ops.clip(places, 0, size - 1)
    return ops.one_hot(ops.cast(places, "int32"), size, dtype="float32")


def _near(size, centre):
    """Returns which of `size` places are covered about a share of them."""
    places = (ops.arange(size, dtype="float32")[None] + 0.5) / size
    return ops.abs(places - centre[:, None]) < _COVERED / 2
