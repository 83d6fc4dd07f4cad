"""Fits priors to the latents of a trained VAE.

Nothing is judged on what it was fitted to. Portraits are parted into rows to
fit on, rows to choose settings by, and rows that the figures are of. Then the
prior is fitted once more on all of them, with the settings that were chosen.
"""

import dataclasses
import itertools

import numpy as np
import tqdm

from tp_keras.errors import UserError
from tp_keras.generator.config import PRIORS
from tp_keras.generator.priors.mixture_fit import MixtureSettings
from tp_keras.generator.priors.mixture_fit import fit_mixture
from tp_keras.generator.priors.prior import Prior
from tp_keras.generator.priors.prior import StandardNormalPrior

# Fewer portraits than this can't be parted into three.
LEAST_PORTRAITS = 100

_RIDGES = (10.0, 40.0, 160.0)
_COMPONENTS = (2, 8)
# In units of the latent size: a covariance has that many directions.
_SHRINKAGES = (0.3, 1.0, 4.0)

_HELD_OUT_SHARE = 0.1

# Rows that are enough to choose settings by.
_MOST_ROWS = 8_000


def fit_priors(
    latents, kinds=PRIORS, seed=0, progress=True
) -> list[tuple[Prior, dict]]:
    """Returns a prior of each kind, fitted on all portraits, and its facts.

    How well it foretells portraits it hasn't seen is `log_density_nats`, the
    mean of E_q(z|x) log p(z | labels) over held-out portraits of the fit that
    didn't see them; its 95 % interval, their number and the settings that were
    chosen are beside it, as plain values.

    Args:
        latents: `Latents` of the training portraits, 100 or more.
        kinds: Their names, out of `PRIORS`.
        seed: Int. Of parts, draws and clusters.
        progress: Bool. Whether a bar is shown.
    """
    count = len(np.unique(latents.portraits))
    if count < LEAST_PORTRAITS:
        raise UserError(
            f"Expected at least {LEAST_PORTRAITS} portraits to fit a prior. "
            f"Received: {count}"
        )
    rest, held_out = latents.split(_HELD_OUT_SHARE, seed)
    result = []
    for kind in tqdm.tqdm(
        kinds, "fit priors", delay=2, leave=False, disable=not progress
    ):
        judged = prior = StandardNormalPrior(latents.size, name="prior")
        settings = {}
        if kind == "gaussian_mixture":
            best = _choose_mixture(rest, seed)
            judged, prior = (
                fit_mixture(part, best, seed).prior(latents.conditions)
                for part in (rest, latents)
            )
            settings = dataclasses.asdict(best)
        values = held_out.log_densities(judged, seed)
        mean = float(values.mean())
        margin = float(1.96 * values.std(ddof=1) / np.sqrt(len(values)))
        facts = {
            "kind": kind,
            "log_density_nats": mean,
            "interval": [mean - margin, mean + margin],
            "held_out_portraits": len(values),
            "settings": settings,
        }
        result.append((prior, facts))
    return result


def _choose_mixture(rest, seed):
    """Returns the settings of the mixture that foretells other rows best."""
    share = _HELD_OUT_SHARE / (1.0 - _HELD_OUT_SHARE)
    fitted_on, chosen_by = rest.split(share, seed + 1)
    if len(fitted_on) > _MOST_ROWS:
        _, fitted_on = fitted_on.split(_MOST_ROWS / len(fitted_on), seed)
    drawn = chosen_by.draw(np.random.default_rng((seed, 3)))

    def level(settings):
        mixture = fit_mixture(fitted_on, settings, seed)
        values = mixture.log_density(drawn, chosen_by.patterns)
        return float(np.average(values, weights=chosen_by.weights))

    single = max((MixtureSettings(1, 0.0, r) for r in _RIDGES), key=level)
    choices = [single]
    for components, share in itertools.product(_COMPONENTS, _SHRINKAGES):
        shrinkage = share * rest.size
        choices.append(MixtureSettings(components, shrinkage, single.ridge))
    return max(choices, key=level)
