"""Which latents there are, once the generator is trained."""

from tp_keras.generator.priors import PRIOR_KINDS
from tp_keras.generator.priors import choose_prior
from tp_keras.generator.priors import encode_latents
from tp_keras.generator.priors import fit_priors


def fit_prior(vae, train, config, progress=True):
    """Fits priors to the latents of the training portraits and chooses one.

    Args:
        vae: `PortraitVAE`, trained.
        train: `Portraits` it was trained on.
        config: `VaeExperimentConfig`.
        progress: Whether to show a bar.

    Returns:
        The prior, a layer, and a dict of facts for the run's folder.
    """
    seed = config.training.seed
    latents = encode_latents(
        vae.encode, train.images, train.labels, seed=seed, progress=progress
    )
    wanted = config.model.prior
    kinds = PRIOR_KINDS if wanted == "auto" else (wanted,)
    fitted = fit_priors(latents, kinds=kinds, seed=seed, progress=progress)
    best = choose_prior(fitted)
    facts = {
        "kind": best.kind,
        "tried": [prior.facts for prior in fitted.values()],
    }
    return best.prior, facts
