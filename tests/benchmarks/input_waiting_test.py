import csv
import time

import pytest

from benchmarks.input_waiting import WaitingTrainer
from tests.portrait_factory import make_portraits
from tp_keras.config import ExperimentConfig
from tp_keras.config import ModelConfig
from tp_keras.config import TrainingConfig
from tp_keras.models.presets import BACKBONE_PRESETS
from tp_keras.runs import trainer as trainer_module
from tp_keras.runs.trainer import Trainer

TINY = {
    "block_type": "separable",
    "stem_channels": 8,
    "stages": ((16, 1, 4),),
}


def load_made(data_dir, dataset, split, storage, progress):
    return make_portraits(96, split=split)


@pytest.fixture(autouse=True)
def tiny_world(monkeypatch):
    monkeypatch.setitem(BACKBONE_PRESETS, "tiny", TINY)
    monkeypatch.setattr(trainer_module, "load_portraits", load_made)
    monkeypatch.setattr(
        trainer_module, "resolve_splits", lambda data, say: data
    )


def make_config(path):
    training = TrainingConfig(epochs=1, batch_size=8, warmup_epochs=0)
    return ExperimentConfig(
        run_dir=str(path),
        model=ModelConfig(backbone="tiny"),
        training=training,
    )


def test_the_clock_changes_nothing_of_the_training(tmp_path):
    rows = []
    for name, trainer_class in (("a", Trainer), ("b", WaitingTrainer)):
        trainer = trainer_class(make_config(tmp_path / name), progress=False)
        run = trainer.fit()
        with run.history_path.open() as file:
            rows.append(next(csv.DictReader(file)))
    assert rows[0].keys() == rows[1].keys()
    for name, value in rows[0].items():
        assert float(rows[1][name]) == pytest.approx(float(value), rel=1e-3)
    assert trainer.waiting.portraits == 96
    assert 0 < trainer.waiting.share < 1
    assert 0 < trainer.waiting.epoch_seconds < 60


def test_a_slow_input_is_waited_for(tmp_path, monkeypatch):
    class SlowBatches(trainer_module.TrainingBatches):
        def dataset(self, first_epoch=0):
            for batch in super().dataset(first_epoch):
                time.sleep(0.5)
                yield batch

    monkeypatch.setattr(trainer_module, "TrainingBatches", SlowBatches)
    trainer = WaitingTrainer(make_config(tmp_path / "run"), progress=False)
    trainer.fit()
    assert trainer.waiting.share > 0.5
    # Six of the twelve steps are on the clock.
    assert trainer.waiting.epoch_seconds > 12 * 0.5
