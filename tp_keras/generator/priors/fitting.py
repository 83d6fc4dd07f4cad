"""Fits priors to the latents of a trained VAE.

Nothing is judged on what it was fitted to. Portraits are parted into rows to
fit on, rows to choose settings by, and rows that the figures are of. Then the
prior is fitted once more on all of them, with the settings that were chosen.
"""

import dataclasses
import functools
import itertools

import numpy as np
import tqdm

from tp_keras.errors import UserError
from tp_keras.generator.config import PRIORS
from tp_keras.generator.priors.flow_fit import FlowSettings
from tp_keras.generator.priors.flow_fit import fit_flow
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
    latents, kinds=PRIORS, flow=None, seed=0, progress=True
) -> list[tuple[Prior, dict]]:
    """Returns a prior of each kind, fitted on all portraits, and its facts.

    How well it foretells portraits it hasn't seen is `log_density_nats`, the
    mean of E_q(z|x) log p(z | labels) over held-out portraits of the fit that
    didn't see them; its 95 % interval, their number and the settings that were
    chosen are beside it, as plain values.

    Args:
        latents: `Latents` of the training portraits, 100 or more.
        kinds: Their names.
        flow: `FlowSettings`, or None for the usual ones, of which the ridge
            and the number of epochs are chosen.
        seed: Int. Of parts, draws, clusters and weights.
        progress: Bool. Whether a bar is shown.
    """
    count = len(np.unique(latents.portraits))
    if count < LEAST_PORTRAITS:
        raise UserError(
            f"Expected at least {LEAST_PORTRAITS} portraits to fit a prior. "
            f"Received: {count}"
        )
    rest, held_out = latents.split(_HELD_OUT_SHARE, seed)
    fits = _Fits(latents, rest, flow or FlowSettings(), seed)
    result = []
    for kind in tqdm.tqdm(
        kinds, "fit priors", delay=2, leave=False, disable=not progress
    ):
        judged, prior, settings = getattr(fits, kind)()
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


class _Fits:
    """Of each of `PRIORS` one to be judged, that of all rows, and settings."""

    def __init__(self, latents, rest, flow, seed):
        self._latents = latents
        self._rest = rest
        self._flow = flow
        self._seed = seed
        share = _HELD_OUT_SHARE / (1.0 - _HELD_OUT_SHARE)
        self._fitted_on, self._chosen_by = rest.split(share, seed + 1)

    def standard_normal(self):
        prior = StandardNormalPrior(self._latents.size, name="prior")
        return prior, prior, {}

    def gaussian_mixture(self):
        size, ridge = self._latents.size, self._ridge
        choices = [MixtureSettings(1, 0.0, ridge)]
        for components, share in itertools.product(_COMPONENTS, _SHRINKAGES):
            choices.append(MixtureSettings(components, share * size, ridge))
        best = max(choices, key=self._level)
        judged, prior = (
            fit_mixture(latents, best, self._seed).prior(latents.conditions)
            for latents in (self._rest, self._latents)
        )
        return judged, prior, dataclasses.asdict(best)

    def flow(self):
        settings = dataclasses.replace(self._flow, ridge=self._ridge)
        judged, epochs = fit_flow(
            self._fitted_on, settings, self._chosen_by, self._seed
        )
        settings = dataclasses.replace(settings, epochs=epochs)
        prior, _ = fit_flow(self._latents, settings, seed=self._seed)
        return judged, prior, dataclasses.asdict(settings)

    @functools.cached_property
    def _ridge(self):
        return max(
            _RIDGES,
            key=lambda ridge: self._level(MixtureSettings(1, 0.0, ridge)),
        )

    def _level(self, settings):
        """Returns how well a mixture foretells the rows to choose by."""
        latents, chosen_by = self._fitted_on, self._chosen_by
        if len(latents) > _MOST_ROWS:
            _, latents = latents.split(_MOST_ROWS / len(latents), self._seed)
        mixture = fit_mixture(latents, settings, self._seed)
        drawn = chosen_by.draw(np.random.default_rng((self._seed, 3)))
        values = mixture.log_density(drawn, chosen_by.patterns)
        return float(np.average(values, weights=chosen_by.weights))
