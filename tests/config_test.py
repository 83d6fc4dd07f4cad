import dataclasses
import json

import pytest

from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.config import ModelConfig
from tp_keras.config import TrainingConfig
from tp_keras.config import config_differences
from tp_keras.config import config_from_dict
from tp_keras.debias_config import DebiasConfig
from tp_keras.errors import UserError
from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.generator.config import VaeTrainingConfig
from training.configs import EXPERIMENTS


@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_experiments_survive_json(name):
    help_text, config = EXPERIMENTS[name]
    assert help_text.endswith(".")
    told = json.loads(json.dumps(dataclasses.asdict(config)))
    assert config_from_dict(ExperimentConfig, told) == config


def test_several_data_sets_survive_json_and_one_is_a_name():
    data = DataConfig(
        dataset=("a/x", "b/y"),
        train_split=("train", "train[:9]"),
        validation_split=("validation", "validation"),
        mixing=0.5,
    )
    config = ExperimentConfig(data=data)
    told = json.loads(json.dumps(dataclasses.asdict(config)))
    assert told["data"]["dataset"] == ["a/x", "b/y"]
    assert config_from_dict(ExperimentConfig, told) == config
    # What is said once is said in one way.
    assert data.validation_split == "validation"
    assert DataConfig(dataset=("a/x",)) == DataConfig(dataset="a/x")


def test_each_of_several_data_sets_has_settings_of_its_own():
    data = DataConfig(
        dataset=("a/x", "b/y"),
        train_split=("train", "train[:9]"),
        storage="disk",
    )
    assert data.datasets == ("a/x", "b/y")
    first, second = data.parts
    assert first == DataConfig(dataset="a/x", storage="disk") == data.first
    assert second.location("train") == (
        *("data/tfds", "b/y", "train[:9]", "disk"),
    )
    assert data.location("train")[1:3] == (data.datasets, data.train_split)
    one = DataConfig(dataset="a/x")
    assert one.parts == (one,) and one.datasets == ("a/x",)


def test_unknown_settings_are_refused_and_later_ones_have_their_default():
    told = dataclasses.asdict(ExperimentConfig())
    del told["data"]["train_split"]
    assert config_from_dict(ExperimentConfig, told) == ExperimentConfig()
    told["trainer"] = told.pop("training")
    with pytest.raises(UserError, match="Received:.*trainer"):
        config_from_dict(ExperimentConfig, told)


def test_differences_name_the_fields():
    first = ExperimentConfig()
    second = dataclasses.replace(
        first, run_dir="elsewhere", training=TrainingConfig(epochs=7)
    )
    assert config_differences(first, second, ignore=["run_dir"]) == [
        "epochs: 30 against 7"
    ]


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: DataConfig(storage="tape"), "Received: storage=tape"),
        (lambda: DataConfig(dataset=()), "name of a data set.*=none"),
        (lambda: DataConfig(dataset=("a", "a")), "different.*dataset=a, a"),
        (lambda: DataConfig(mixing=1.5), "Received: mixing=1.5"),
        (
            lambda: DataConfig(dataset=("a", "b"), train_split=("x", "y", "z")),
            "one train_split for all.*each of a, b.*train_split=x, y, z",
        ),
        (lambda: DataConfig(validation_split=("x", "y")), "split=x, y"),
        (
            lambda: VaeExperimentConfig(data=DataConfig(dataset=("a", "b"))),
            "single name. Received: dataset=a, b",
        ),
        (lambda: TrainingConfig(epochs=0), "Received: epochs=0"),
        (lambda: TrainingConfig(learning_rate=-1), "learning_rate=-1"),
        (lambda: TrainingConfig(averaging=1.0), "averaging=1.0"),
        (lambda: TrainingConfig(warmup_epochs=-1), "warmup_epochs=-1"),
        (lambda: ModelConfig(embedding_size=0), "embedding_size=0"),
        (lambda: ModelConfig(number_head="sum"), "distribution.*=sum"),
        (lambda: DebiasConfig(debias="magic"), "none, reweigh, .*=magic"),
        (lambda: DebiasConfig(posthoc="magic"), "none, dfr, .*=magic"),
    ],
)
def test_impossible_values_are_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()


@pytest.mark.parametrize(
    "debias, scope, posthoc, branch, second",
    [
        ("none", "branch", "none", False, False),
        ("grl", "branch", "none", True, True),
        ("grl", "network", "none", False, False),
        ("grl", "network", "leace", False, True),
        ("none", "branch", "dfr", False, True),
    ],
)
def test_what_is_done_after_a_training(debias, scope, posthoc, branch, second):
    settings = DebiasConfig(debias=debias, debias_scope=scope, posthoc=posthoc)
    assert settings.trains_branch is branch
    assert settings.has_second_stage is second
    assert settings.in_training.debias == ("none" if branch else debias)


@pytest.mark.parametrize(
    "kind, epochs",
    [(TrainingConfig, "epochs"), (VaeTrainingConfig, "half_epochs")],
)
def test_a_warmup_takes_half_of_the_epochs_at_most(kind, epochs):
    short = kind(**{epochs: 1, "warmup_epochs": 2.0})
    # What was trained is what the settings tell.
    assert dataclasses.asdict(short)["warmup_epochs"] == 0.5
    assert kind(**{epochs: 4, "warmup_epochs": 2.0}).warmup_epochs == 2.0
    assert kind(**{epochs: 9, "warmup_epochs": 0.0}).warmup_epochs == 0.0
