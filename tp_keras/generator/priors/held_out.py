"""How well a prior foretells portraits that it was not fitted to."""

import numpy as np

_DRAWS = 4
_BATCH_SIZE = 1024


def held_out_log_density(prior, latents, *, draws=_DRAWS, seed=0) -> np.ndarray:
    """Returns E_q(z|x) log p(z | labels) of every portrait in nats.

    Args:
        prior: `Prior`.
        latents: `Latents` of portraits that the prior wasn't fitted to.
        draws: Int. Draws of each posterior that the mean is over.
        seed: Int. Of the draws: the same for every prior to compare.

    Returns:
        float64 `[portraits]`, the mean over draws and rows of each.
    """
    rng = np.random.default_rng((seed, 2))
    values = np.zeros(len(latents))
    for _ in range(draws):
        drawn = latents.draw(rng)
        for start in range(0, len(latents), _BATCH_SIZE):
            rows = slice(start, start + _BATCH_SIZE)
            labels = {
                name: label[rows] for name, label in latents.labels.items()
            }
            values[rows] += np.asarray(
                prior.log_density(drawn[rows], labels), np.float64
            )
    names, inverse = np.unique(latents.portraits, return_inverse=True)
    weights = latents.weights / draws
    return np.bincount(inverse, weights * values, minlength=len(names))
