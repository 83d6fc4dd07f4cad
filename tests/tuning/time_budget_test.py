import dataclasses
import pathlib

import pytest

from tests.made_runs import TINY_SEPARABLE
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tests.runs.trainer_test import run_eagerly
from tp_keras.config import ExperimentConfig
from tp_keras.config import ModelConfig
from tp_keras.config import TrainingConfig
from tp_keras.tuning import time_budget
from tp_keras.tuning.time_budget import StepTimer
from tp_keras.tuning.time_budget import rehearse
from tp_keras.tuning.time_budget import shorten
from tp_keras.tuning.time_budget import train_for


@pytest.fixture
def config(tmp_path, monkeypatch):
    run_eagerly(monkeypatch)
    return ExperimentConfig(
        run_dir=str(tmp_path / "trial" / "run"),
        model=ModelConfig(backbone=TINY_SEPARABLE),
        training=TrainingConfig(epochs=50, batch_size=16, averaging=0.99),
    )


@pytest.fixture(scope="module")
def portraits():
    return {
        "train": make_portraits(96, schema=EVERY_KIND),
        "validation": make_portraits(
            32, seed=1, split="validation", schema=EVERY_KIND
        ),
    }


class Clock:
    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(time_budget.time, "perf_counter", lambda: self.now)


def run_epoch(timer, clock, epoch, ends, end):
    """One epoch whose batches (number, time) and whose end are given."""
    timer.on_epoch_begin(epoch)
    begin = clock.now
    for batch, moment in ends:
        clock.now = begin + moment
        timer.on_train_batch_end(batch)
    clock.now = begin + end
    timer.on_epoch_end(epoch)


def test_steps_are_timed_without_the_first_of_an_epoch(monkeypatch):
    timer, clock = StepTimer(), Clock(monkeypatch)
    # 5 s of tracing, then two steps of 1 s; then 2 s of validation.
    run_epoch(timer, clock, 0, [(0, 5.0), (1, 6.0), (2, 7.0)], end=9.0)
    assert (timer.steps, timer.step_seconds) == (2, 1.0)
    # 0.5 s until the first batch, and two steps of 2 s; 3 s of validation.
    run_epoch(timer, clock, 1, [(0, 0.5), (1, 2.5), (2, 4.5)], end=7.5)
    assert (timer.steps, timer.step_seconds) == (4, 1.5)
    # Three steps at the pace of this epoch, and the rest.
    assert timer.overhead_seconds == pytest.approx(7.5 - 3 * 2.0)


def test_several_steps_in_one_execution_count_as_several(monkeypatch):
    timer, clock = StepTimer(), Clock(monkeypatch)
    run_epoch(timer, clock, 0, [(3, 6.0), (7, 8.0)], end=9.0)
    assert (timer.steps, timer.step_seconds) == (4, 0.5)
    # An epoch of one execution counts unless it traces.
    timer = StepTimer()
    run_epoch(timer, clock, 0, [(3, 60.0)], end=61.0)
    assert timer.steps == 0
    run_epoch(timer, clock, 1, [(3, 2.0)], end=3.0)
    assert (timer.steps, timer.step_seconds) == (4, 0.5)
    assert timer.overhead_seconds == 1.0


@pytest.fixture
def rehearsed(monkeypatch):
    """Steps of 0.5 s and epochs with 1 s beside them, found by no training."""
    timer = StepTimer()
    with monkeypatch.context() as patched:
        clock = Clock(patched)
        for epoch in range(4):
            # In one of them the machine is busy with something else.
            pace = 5.0 if epoch == 2 else 0.5
            ends = [(place, (1 + place) * pace) for place in range(500)]
            run_epoch(timer, clock, epoch, ends, end=500 * pace + 1)
    return timer


def test_as_many_epochs_as_fit_are_trained(rehearsed, config, portraits):
    # 96 portraits are 6 steps: an epoch takes 6 * 0.5 + 1 = 4 s.
    run, step_seconds = train_for(config, portraits, 11.9, rehearsed)
    assert run.facts["examples_seen"] == 2 * 96
    assert run.is_finished
    assert len(run.read_history()) == 2
    assert step_seconds == 0.5
    # The cosine runs over exactly these epochs.
    assert run.config.training.epochs == 2


def test_a_part_of_an_epoch_where_none_fits(
    rehearsed, config, portraits, monkeypatch
):
    monkeypatch.setattr(time_budget.Trainer, "fit", lambda trainer: trainer)
    # After 1 s for the validation, 3 of the 6 steps fit into 2.6 s.
    trainer, _ = train_for(config, portraits, 2.6, rehearsed)
    assert trainer.config.training.epochs == 1
    half = portraits["train"].take(slice(None, None, 2))
    assert trainer.portraits["train"].fingerprint == half.fingerprint
    # And one step at least.
    trainer, _ = train_for(config, portraits, 0.01, rehearsed)
    assert len(trainer.portraits["train"]) == config.training.batch_size


def test_the_rehearsal_measures_and_leaves_nothing(config, portraits):
    timer = rehearse(config, portraits)
    # All but the first of four epochs of 6 steps, which are one execution.
    assert timer.steps == 3 * 6
    assert timer.step_seconds > 0
    assert not list(pathlib.Path(config.run_dir).parent.glob("*"))


def test_warm_up_and_averaging_shrink_with_the_training(config):
    passes = dataclasses.replace(config.training, passes_per_epoch=3)
    config = dataclasses.replace(config, training=passes)
    short = shorten(config, epochs=5, steps_per_epoch=20).training
    assert short.epochs == 5
    assert short.passes_per_epoch == 1
    assert short.warmup_epochs == 0.5
    assert short.averaging == 0.9  # A memory of 10 of 100 steps.
    long = shorten(config, epochs=100, steps_per_epoch=50).training
    assert long.warmup_epochs == config.training.warmup_epochs
    assert long.averaging == config.training.averaging
    assert shorten(config, 1, 1).training.averaging == 0.0
