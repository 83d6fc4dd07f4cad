"""Fits priors to the latents of a trained VAE, and chooses one.

Nothing is judged on what it was fitted to. Portraits are parted into rows to
fit on, rows to choose settings by, and rows that the figures are of. Then the
prior is fitted once more on all of them, with the settings that were chosen.
"""

import dataclasses
import functools

import numpy as np
import tqdm

from tp_keras.errors import UserError
from tp_keras.generator.priors.flow_fit import FlowSettings
from tp_keras.generator.priors.flow_fit import fit_flow
from tp_keras.generator.priors.held_out import held_out_log_density
from tp_keras.generator.priors.mixture_fit import MixtureSettings
from tp_keras.generator.priors.mixture_fit import fit_mixture
from tp_keras.generator.priors.prior import Prior
from tp_keras.generator.priors.standard_normal_prior import StandardNormalPrior

STANDARD_NORMAL = "standard_normal"
GAUSSIAN_MIXTURE = "gaussian_mixture"
FLOW = "flow"
PRIOR_KINDS = (STANDARD_NORMAL, GAUSSIAN_MIXTURE, FLOW)

# Fewer portraits than this can't be parted into three.
LEAST_PORTRAITS = 100

RIDGES = (10.0, 40.0, 160.0)
COMPONENTS = (2, 8)
# In units of the latent size: a covariance has that many directions.
SHRINKAGES = (0.3, 1.0, 4.0)

_HELD_OUT_SHARE = 0.1

# Rows that are enough to choose settings by.
_MOST_ROWS = 8_000


@dataclasses.dataclass(frozen=True)
class FittedPrior:
    """A prior and how well it foretells portraits it hasn't seen.

    Attributes:
        kind: One of `PRIOR_KINDS`.
        prior: The `Prior` layer, fitted on all portraits.
        log_density: Float. Mean of E_q(z|x) log p(z | labels) over held-out
            portraits, in nats, of the fit that didn't see them.
        interval: The two ends of its 95 % interval over portraits.
        settings: Dict of what was chosen, to be written down.
        log_densities: float64 `[held-out portraits]`, in the same order for
            every kind.
    """

    kind: str
    prior: Prior
    log_density: float
    interval: tuple[float, float]
    settings: dict
    log_densities: np.ndarray = dataclasses.field(repr=False)

    @property
    def facts(self) -> dict:
        """The figures and settings as plain values."""
        return {
            "kind": self.kind,
            "log_density_nats": self.log_density,
            "interval": list(self.interval),
            "held_out_portraits": len(self.log_densities),
            "settings": self.settings,
        }


def fit_priors(
    latents, *, kinds=PRIOR_KINDS, flow=None, seed=0, progress=True
) -> dict[str, FittedPrior]:
    """Fits each kind of prior.

    Args:
        latents: `Latents` of the training portraits.
        kinds: Iterable out of `PRIOR_KINDS`.
        flow: `FlowSettings`, or None for the usual ones. The ridge is
            chosen, and how many of the epochs are run.
        seed: Int. Of parts, draws, clusters and weights.
        progress: Bool. Whether a bar is shown.

    Returns:
        Dict: kind -> `FittedPrior`, in the order of `PRIOR_KINDS`.

    Raises:
        UserError: If a kind is unknown or there are too few portraits.

    Example:
        >>> fitted = fit_priors(encode_latents(vae.encode, images, labels))
        >>> vae.prior = choose_prior(fitted).prior
    """
    kinds = tuple(kinds)
    if not kinds or set(kinds) - set(PRIOR_KINDS):
        raise UserError(
            f"Expected kinds of priors out of {', '.join(PRIOR_KINDS)}. "
            f"Received: {', '.join(map(str, kinds)) or 'none'}"
        )
    count = len(np.unique(latents.portraits))
    if count < LEAST_PORTRAITS:
        raise UserError(
            f"Expected at least {LEAST_PORTRAITS} portraits to fit a prior. "
            f"Received: {count}"
        )
    rest, held_out = latents.split(_HELD_OUT_SHARE, seed)
    chosen_by_share = _HELD_OUT_SHARE / (1.0 - _HELD_OUT_SHARE)
    fitted_on, chosen_by = rest.split(chosen_by_share, seed + 1)
    fits = {
        STANDARD_NORMAL: _fit_standard_normal,
        GAUSSIAN_MIXTURE: _fit_gaussian_mixture,
        FLOW: functools.partial(_fit_flow, flow or FlowSettings()),
    }
    result = {}
    with tqdm.tqdm(unit="fit", delay=2, leave=False, disable=not progress) as (
        bar
    ):
        ridge = functools.cache(
            lambda: _choose_ridge(fitted_on, chosen_by, seed)
        )
        for kind in PRIOR_KINDS:
            if kind not in kinds:
                continue
            bar.set_description(f"prior {kind}")
            judged, prior, settings = fits[kind](
                latents, rest, fitted_on, chosen_by, ridge, seed, bar.update
            )
            values = held_out_log_density(judged, held_out, seed=seed)
            mean, low, high = _mean_and_interval(values)
            result[kind] = FittedPrior(
                kind, prior, mean, (low, high), settings, values
            )
    return result


def choose_prior(fitted, score=None) -> FittedPrior:
    """Returns the best of fitted priors.

    Args:
        fitted: Dict: kind -> `FittedPrior`, from `fit_priors`.
        score: Function of a `Prior` to a float, lower is better, such as a
            distance of what is decoded from its draws. Without it the prior of
            the highest held-out log density is chosen.

    Raises:
        UserError: If there is nothing to choose from or a score isn't finite.
    """
    if not fitted:
        raise UserError("Expected fitted priors to choose from. Received: none")
    if score is None:
        return max(fitted.values(), key=lambda each: each.log_density)
    scores = {kind: float(score(each.prior)) for kind, each in fitted.items()}
    if not np.isfinite(list(scores.values())).all():
        raise UserError(
            f"Expected finite scores of the priors. Received: {scores}"
        )
    return fitted[min(scores, key=scores.get)]


def _fit_standard_normal(
    latents, rest, fitted_on, chosen_by, ridge, seed, step
):
    prior = StandardNormalPrior(latents.size, name="prior")
    step()
    return prior, prior, {}


def _fit_gaussian_mixture(
    latents, rest, fitted_on, chosen_by, ridge, seed, step
):
    best = MixtureSettings(1, 0.0, ridge())
    most = _mixture_level(best, fitted_on, chosen_by, seed)
    step()
    without_gain = 0
    for components in COMPONENTS:
        levels = {}
        for shrinkage in SHRINKAGES:
            settings = MixtureSettings(
                components, shrinkage * latents.size, best.ridge
            )
            levels[settings] = _mixture_level(
                settings, fitted_on, chosen_by, seed
            )
            step()
        settings = max(levels, key=levels.get)
        if levels[settings] > most:
            best, most, without_gain = settings, levels[settings], 0
            continue
        # Two may be too few to help where eight do.
        without_gain += 1
        if without_gain == 2:
            break
    judged = fit_mixture(rest, best, seed).prior()
    prior = fit_mixture(latents, best, seed).prior()
    step(2)
    return judged, prior, dataclasses.asdict(best)


def _fit_flow(settings, latents, rest, fitted_on, chosen_by, ridge, seed, step):
    settings = dataclasses.replace(settings, ridge=ridge())
    judged, epochs = fit_flow(fitted_on, settings, chosen_by, seed)
    step()
    settings = dataclasses.replace(settings, epochs=epochs)
    prior, _ = fit_flow(latents, settings, seed=seed)
    step()
    return judged, prior, dataclasses.asdict(settings)


def _choose_ridge(fitted_on, chosen_by, seed):
    levels = {
        ridge: _mixture_level(
            MixtureSettings(1, 0.0, ridge), fitted_on, chosen_by, seed
        )
        for ridge in RIDGES
    }
    return max(levels, key=levels.get)


def _mixture_level(settings, fitted_on, chosen_by, seed):
    if len(fitted_on) > _MOST_ROWS:
        share = _MOST_ROWS / len(fitted_on)
        _, fitted_on = fitted_on.split(share, seed)
    mixture = fit_mixture(fitted_on, settings, seed)
    rng = np.random.default_rng((seed, 3))
    values = mixture.log_density(chosen_by.draw(rng), chosen_by.patterns)
    return float(np.average(values, weights=chosen_by.weights))


def _mean_and_interval(values):
    mean = float(values.mean())
    margin = float(1.96 * values.std(ddof=1) / np.sqrt(len(values)))
    return mean, mean - margin, mean + margin
