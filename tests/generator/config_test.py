import dataclasses
import json

import pytest

from tp_keras.config import config_from_dict
from tp_keras.errors import UserError
from tp_keras.generator.config import GENERATOR_SPLIT
from tp_keras.generator.config import JUDGE_SPLIT
from tp_keras.generator.config import GenerationSettings
from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.generator.config import VaeModelConfig
from tp_keras.generator.config import VaeTrainingConfig
from training.vae_configs import VAE_EXPERIMENTS


@pytest.mark.parametrize(
    ("cls", "settings", "message"),
    [
        (VaeModelConfig, {"prior": "uniform"}, "Received: prior=uniform"),
        (VaeModelConfig, {"latent_size": 0}, "latent_size between 1 and 4096"),
        (VaeModelConfig, {"label_dropout": 1.0}, "between 0.0 and 0.99"),
        (VaeModelConfig, {"encoder_channels": ()}, r"encoder_channels=\(\)"),
        (
            VaeModelConfig,
            {"decoder_channels": (96, 48, 24, 3)},
            "at least 4 each",
        ),
        (VaeModelConfig, {"critic_channels": (64,)}, "2 numbers of channels"),
        (VaeModelConfig, {"penalty_weight": -1.0}, "penalty_weight between 0"),
        (VaeModelConfig, {"beta": -0.1}, "Received: beta="),
        (VaeModelConfig, {"latent_weight": -1.0}, "latent_weight between 0"),
        (VaeTrainingConfig, {"half_epochs": 0}, "half_epochs between 1"),
        (VaeTrainingConfig, {"encoder_epochs": 0}, "encoder_epochs between 1"),
        (VaeTrainingConfig, {"batch_size": 3}, "batch_size between 4"),
        (VaeTrainingConfig, {"averaging": 0.6}, "between 0.0 and 0.5"),
        (VaeTrainingConfig, {"precision": "float16"}, "precision=float16"),
        (GenerationSettings, {"temperature": 0.0}, "temperature="),
        (GenerationSettings, {"temperature": float("nan")}, "temperature="),
        (GenerationSettings, {"samples_per_cell": 1}, "samples_per_cell="),
        (GenerationSettings, {"max_test": 10}, "Received: max_test="),
        (GenerationSettings, {"seed": -1}, "Received: seed="),
    ],
)
def test_what_cant_be_built_or_trained_is_refused(cls, settings, message):
    with pytest.raises(UserError, match=message):
        cls(**settings)


def test_epochs_are_those_of_all_stages():
    settings = {"half_epochs": 100, "full_epochs": 20, "encoder_epochs": 3}
    assert VaeTrainingConfig(**settings).epochs == 123
    # Only the second one can be left out.
    assert VaeTrainingConfig(**{**settings, "full_epochs": 0}).epochs == 103


@pytest.mark.parametrize("name", VAE_EXPERIMENTS)
def test_experiments_survive_json_and_leave_half_to_the_judge(name):
    description, config = VAE_EXPERIMENTS[name]
    assert description.endswith(".")
    values = json.loads(json.dumps(dataclasses.asdict(config)))
    assert config_from_dict(VaeExperimentConfig, values) == config
    assert config.data.train_split == GENERATOR_SPLIT
    assert (GENERATOR_SPLIT, JUDGE_SPLIT) == ("train[:50%]", "train[50%:]")
    # Hair colour is a condition, so nothing changes it.
    assert config.augment.brightness == config.augment.contrast == 0.0
