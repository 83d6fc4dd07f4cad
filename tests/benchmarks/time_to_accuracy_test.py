import csv
import time
import types

import keras
import numpy as np
from PIL import Image

from benchmarks import time_to_accuracy as module
from benchmarks.time_to_accuracy import TimeToAccuracy
from benchmarks.time_to_accuracy import mean_curve
from benchmarks.time_to_accuracy import read_curve
from tests.portrait_factory import make_portraits
from tp_keras.config import ExperimentConfig
from tp_keras.config import ModelConfig
from tp_keras.config import TrainingConfig
from tp_keras.runs.run_folder import RunFolder
from tp_keras.runs.score import SCORE
from tp_keras.runs.trainer import Trainer


class Slow(keras.callbacks.Callback):
    """Takes its time over the second epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            time.sleep(1.5)


def test_a_curve_has_the_seconds_of_the_training(tmp_path):
    config = ExperimentConfig(
        run_dir=str(tmp_path / "run"),
        model=ModelConfig(backbone="portrait_xs"),
        training=TrainingConfig(epochs=12, batch_size=16, precision="float32"),
    )
    portraits = {
        split: make_portraits(32, split=split)
        for split in ("train", "validation")
    }
    run = Trainer(config, False, portraits, callbacks=[Slow()]).fit()
    curve = read_curve(run)
    np.testing.assert_allclose(
        curve[:, 1], [row[SCORE] for row in run.read_history()]
    )
    took = np.diff(curve[:, 0])
    assert curve[0, 0] > 0 and curve[-1, 0] == run.facts["seconds"]
    assert took.min() > 0 and 1.4 < took[0] - took[1] < 4


def made_run(folder, seconds, scores):
    """A finished run, as PyTorch's are: its history tells the seconds."""
    folder.mkdir(parents=True)
    rows = [
        {"epoch": epoch, SCORE: score, "seconds": (epoch + 1) * seconds}
        for epoch, score in enumerate(scores)
    ]
    with (folder / "history.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    facts = {"seconds": rows[-1]["seconds"], "epochs": len(rows)}
    run = RunFolder(folder)
    return types.SimpleNamespace(
        path=folder, facts=facts, read_history=run.read_history
    )


def test_when_a_recipe_is_as_good_as_the_first(tmp_path, monkeypatch, capsys):
    made = {
        "before": ([0.5, 0.7, 0.8, 0.8], [0.6, 0.7, 0.8, 0.7], 10.0, 0.75),
        "now": ([0.7, 0.8], [0.7, 0.9], 8.0, 0.76),
        "short": ([0.5], [0.6], 4.0, 0.5),
    }

    def train(experiment, recipe, seed, data_dir):
        *scores, seconds, accuracy = made[recipe.name]
        run = made_run(
            tmp_path / recipe.name / str(seed), seconds, scores[seed]
        )
        run.hits = np.repeat([[accuracy]], 3, axis=0)
        return run

    monkeypatch.setattr(module, "train_recipe", train)
    monkeypatch.setattr(module, "hits_on_test", lambda run: run.hits)
    TimeToAccuracy(
        recipes=tuple(f"{name}:" for name in made),
        seeds=(0, 1),
        output=tmp_path / "deep" / "curves.png",
    ).execute()
    lines = capsys.readouterr().out.strip().split("\n")
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in lines
        if line.startswith("|")
    ][2:]
    assert [row[0] for row in rows] == list(made)
    # Seconds and their share, the test, and when the validation was there:
    # the mean of the first is best, 0.8, after 30 of its 40 s.
    assert [row[2] for row in rows] == ["40", "16", "4"]
    assert [row[3] for row in rows] == ["100%", "40%", "10%"]
    assert [row[6] for row in rows] == ["+0.0", "+1.0", "-25.0"]
    assert [row[7] for row in rows] == ["75%", "40%", "not"]
    with Image.open(tmp_path / "deep" / "curves.png") as plot:
        assert min(plot.size) > 400


def test_a_mean_curve_has_the_range_of_the_seeds():
    curve = mean_curve(
        [np.array([[10, 0.5], [20, 0.9]]), np.array([[12, 0.7], [26, 0.8]])]
    )
    np.testing.assert_allclose(
        curve, [[11, 0.6, 0.5, 0.7], [23, 0.85, 0.8, 0.9]]
    )
    assert module.seconds_to(curve, 0.6) == 11
    assert module.seconds_to(curve, 0.9) is None
