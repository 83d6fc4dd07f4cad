"""All that is done to a classifier when its training is over."""

from tp_keras.debiasing.posthoc import apply_posthoc
from tp_keras.debiasing.refit import refit_guarded_branch


def has_second_stage(settings) -> bool:
    """Says whether a classifier is changed after its training.

    Args:
        settings: `DebiasConfig`.
    """
    return trains_branch(settings) or settings.posthoc != "none"


def trains_branch(settings) -> bool:
    """Says whether the guarded layers are trained anew.

    Args:
        settings: `DebiasConfig`.
    """
    return settings.debias != "none" and settings.debias_scope == "branch"


def debias_classifier(
    classifier, config, train, held_out, *, features=None, progress=False
):
    """Trains the guarded layers anew, and acts on the result, as settings say.

    Args:
        classifier: A trained `PortraitClassifier`; it is left as it is.
        config: `ExperimentConfig`.
        train: `Portraits` that it was trained on.
        held_out: `Portraits` that it was not trained on, and that no figure
            is measured on.
        features: `TrunkFeatures` of `train`, or None to compute them.
        progress: Whether to show bars.

    Returns:
        `PortraitClassifier`.
    """
    training = config.training
    if trains_branch(config.debias):
        classifier = refit_guarded_branch(
            classifier,
            train,
            config.debias,
            config.augment,
            label_smoothing=training.label_smoothing,
            seed=training.seed,
            features=features,
            progress=progress,
        )
    if config.debias.posthoc != "none":
        classifier = apply_posthoc(
            classifier,
            config.debias.posthoc,
            train,
            held_out,
            seed=training.seed,
            verbose="auto" if progress else 0,
        )
    return classifier
