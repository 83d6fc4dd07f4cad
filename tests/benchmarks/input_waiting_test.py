import time

import pytest

from benchmarks.input_waiting import WaitingTrainer
from tests.made_runs import TINY_SEPARABLE
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.config import ExperimentConfig
from tp_keras.config import ModelConfig
from tp_keras.config import TrainingConfig
from tp_keras.runs import trainer as trainer_module
from tp_keras.runs.trainer import Trainer

# One head alone is quick to trace.
PORTRAITS = make_portraits(96, schema=SCHEMA.restricted_to(["gender"]))


def train(path, trainer_class):
    training = TrainingConfig(
        epochs=1, batch_size=8, warmup_epochs=0, precision="float32"
    )
    config = ExperimentConfig(
        run_dir=str(path),
        model=ModelConfig(backbone=TINY_SEPARABLE),
        training=training,
    )
    splits = {"train": PORTRAITS, "validation": PORTRAITS}
    trainer = trainer_class(config, progress=False, portraits=splits)
    (row,) = trainer.fit().read_history()
    return trainer, row


@pytest.mark.large
def test_the_clock_changes_nothing_of_the_training(tmp_path):
    _, expected = train(tmp_path / "a", Trainer)
    trainer, row = train(tmp_path / "b", WaitingTrainer)
    assert row == pytest.approx(expected, rel=1e-3)
    assert trainer.waiting.portraits == 96
    assert 0 < trainer.waiting.share < 1
    assert 0 < trainer.waiting.epoch_seconds < 60


@pytest.mark.large
def test_a_slow_input_is_waited_for(tmp_path, monkeypatch):
    class SlowBatches(trainer_module.TrainingBatches):
        def dataset(self, first_epoch=0):
            for batch in super().dataset(first_epoch):
                time.sleep(0.5)
                yield batch

    monkeypatch.setattr(trainer_module, "TrainingBatches", SlowBatches)
    trainer, _ = train(tmp_path, WaitingTrainer)
    assert trainer.waiting.share > 0.5
    # Six of the twelve steps are on the clock.
    assert trainer.waiting.epoch_seconds > 12 * 0.5
