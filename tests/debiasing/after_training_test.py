import pytest

from tp_keras.config import DebiasConfig
from tp_keras.config import ExperimentConfig
from tp_keras.config import TrainingConfig
from tp_keras.debiasing import after_training


@pytest.mark.parametrize(
    ("debias", "scope", "posthoc", "branch", "second"),
    [
        ("none", "branch", "none", False, False),
        ("grl", "branch", "none", True, True),
        ("grl", "network", "none", False, False),
        ("grl", "network", "leace", False, True),
        ("none", "branch", "dfr", False, True),
    ],
)
def test_what_there_is_to_do(debias, scope, posthoc, branch, second):
    settings = DebiasConfig(debias=debias, debias_scope=scope, posthoc=posthoc)
    assert after_training.trains_branch(settings) is branch
    assert after_training.has_second_stage(settings) is second


@pytest.mark.parametrize(
    ("debias", "posthoc", "expected"),
    [
        ("none", "none", []),
        ("grl", "none", ["refit"]),
        ("none", "leace", ["leace"]),
        ("grl", "leace", ["refit", "leace"]),
    ],
)
def test_what_is_done_and_in_which_order(
    monkeypatch, debias, posthoc, expected
):
    settings = DebiasConfig(debias=debias, posthoc=posthoc)
    config = ExperimentConfig(
        debias=settings, training=TrainingConfig(seed=7, label_smoothing=0.2)
    )

    def refit(classifier, train, debias, augment, **kwargs):
        assert (train, debias, augment) == ("train", settings, config.augment)
        assert kwargs == {
            "label_smoothing": 0.2,
            "seed": 7,
            "features": "features",
            "progress": False,
        }
        return [*classifier, "refit"]

    def apply(classifier, name, train, held_out, seed, verbose):
        assert (train, held_out, seed, verbose) == ("train", "held out", 7, 0)
        return [*classifier, name]

    monkeypatch.setattr(after_training, "refit_hair_branch", refit)
    monkeypatch.setattr(after_training, "apply_posthoc", apply)
    done = after_training.debias_classifier(
        [], config, "train", "held out", features="features"
    )
    assert done == expected
