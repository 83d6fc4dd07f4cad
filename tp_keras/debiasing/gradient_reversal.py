"""The identity whose gradient points the other way."""

from keras import ops


def reverse_gradient(x, strength):
    """Returns `x`, whose gradient is multiplied by `-strength` on its way back.

    What comes behind learns to predict as well as it can, while everything
    before learns to prevent that (Ganin and Lempitsky, "Unsupervised Domain
    Adaptation by Backpropagation", 2015, arXiv:1409.7495). No custom gradient
    is needed: with `s = strength`, `stop_gradient(x + s * x) - s * x` equals
    `x`, and its derivative `-s`.

    Args:
        x: Float tensor.
        strength: Float or scalar tensor, called lambda in the paper; with 0
            nothing passes back.

    Example:
        >>> logits = adversary(reverse_gradient(embedding, 0.5))
    """
    scaled = ops.cast(strength, x.dtype) * x
    return ops.stop_gradient(x + scaled) - scaled


def ramped_strength(progress, final_strength):
    """Returns the strength after a share of the ramp.

    `final * (2 / (1 + exp(-10 p)) - 1)`, the schedule of Ganin and Lempitsky:
    the features form before the adversary's noise reaches them.

    Args:
        progress: Float or scalar tensor `p`; below 0 counts as 0 and above 1
            as 1.
        final_strength: Float.

    Returns:
        Scalar tensor.

    Example:
        >>> float(ramped_strength(0.0, 1.0)), float(ramped_strength(1.0, 1.0))
        (0.0, 0.9999...)
    """
    progress = ops.clip(ops.cast(progress, "float32"), 0.0, 1.0)
    return final_strength * (2.0 / (1.0 + ops.exp(-10.0 * progress)) - 1.0)
