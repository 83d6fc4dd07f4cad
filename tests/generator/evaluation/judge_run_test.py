import dataclasses

import pytest

from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.config import ModelConfig
from tp_keras.config import TrainingConfig
from tp_keras.errors import UserError
from tp_keras.generator.evaluation import judge_run


def test_what_a_slice_leaves():
    for split, other in (
        ("train[:50%]", "train[50%:]"),
        ("train[0%:30%]", "train[30%:]"),
        ("train[60%:]", "train[:60%]"),
        ("train[60%:100%]", "train[:60%]"),
    ):
        assert judge_run.other_part(split) == other
    for part in ("", "[20%:80%]", "[:]", "[:100]", "[0%:]"):
        with pytest.raises(UserError, match="leaves no portraits for a judge"):
            judge_run.other_part(f"train{part}")


def test_a_judge_is_of_the_generators_data_and_of_all_tasks():
    kind = ExperimentConfig(
        model=ModelConfig(tasks=("gender",), from_run="runs/other"),
        training=TrainingConfig(epochs=5),
    )
    data = DataConfig("here", "tiny_portraits/archives", "train[:50%]")
    config = judge_run.judge_config(kind, "there", data)
    assert config.data == dataclasses.replace(data, train_split="train[50%:]")
    assert (config.run_dir, config.training.epochs) == ("there", 5)
    assert config.training.seed != kind.training.seed
    # All tasks; and nobody's weights to go on from.
    assert (config.model.tasks, config.model.from_run) == ((), "")
