"""Draws from a prior with noise of a seed."""

import numpy as np

from tp_keras.errors import UserError
from tp_keras.generator.priors.label_patterns import check_labels

_BATCH_SIZE = 1024


def draw_latents(prior, labels, *, temperature=1.0, seed=0) -> np.ndarray:
    """Draws a latent for every row of labels.

    Args:
        prior: `Prior`.
        labels: Dict: task -> integers `[rows]`, -1 where unknown.
        temperature: Float, positive. 1 draws from the density of the prior,
            less draws what is more usual.
        seed: Int. The same seed draws the same rows.

    Returns:
        float32 `[rows, latent_size]`.

    Raises:
        UserError: If the temperature isn't positive or a label is no class.

    Example:
        >>> women = {"gender": [0] * 4, "hair_color": [-1] * 4,
        ...          "hair_type": [-1] * 4}
        >>> draw_latents(vae.prior, women, temperature=0.8).shape
        (4, 64)
    """
    if not (np.isfinite(temperature) and temperature > 0.0):
        raise UserError(
            f"Expected a positive temperature. Received: {temperature}"
        )
    rows = len(next(iter(labels.values()), ()))
    labels = check_labels(labels, rows)
    rng = np.random.default_rng(seed)
    normal = rng.standard_normal((rows, prior.latent_size), np.float32)
    uniform = rng.random(rows, np.float32)
    drawn = np.empty_like(normal)
    for start in range(0, rows, _BATCH_SIZE):
        part = slice(start, start + _BATCH_SIZE)
        drawn[part] = prior.sample(
            normal[part],
            uniform[part],
            {name: values[part] for name, values in labels.items()},
            np.full(len(uniform[part]), temperature, np.float32),
        )
    return drawn
