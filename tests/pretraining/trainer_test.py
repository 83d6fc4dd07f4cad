import dataclasses

import keras
import numpy as np
import pytest

from tests.made_runs import TINY_SEPARABLE
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.errors import UserError
from tp_keras.models import create_backbone
from tp_keras.pretraining.config import PretrainConfig
from tp_keras.pretraining.config import PretrainModelConfig
from tp_keras.pretraining.config import PretrainTrainingConfig
from tp_keras.pretraining.trainer import PretrainTrainer
from tp_keras.pretraining.watch import CollapseGuard

PORTRAITS = {
    "train": make_portraits(64),
    "validation": make_portraits(32, seed=1, split="validation"),
}


def make_config(path, **training):
    settings = {"epochs": 2, "passes_per_epoch": 1, "batch_size": 16}
    return PretrainConfig(
        run_dir=str(path),
        model=PretrainModelConfig(
            backbone=TINY_SEPARABLE,
            hidden_size=16,
            bottleneck_size=8,
            prototypes=32,
        ),
        training=PretrainTrainingConfig(**settings | training),
    )


def train(path, callbacks=(), **training):
    return PretrainTrainer(
        make_config(path, **training),
        progress=False,
        portraits=PORTRAITS,
        callbacks=callbacks,
    ).fit()


def weights(run):
    return run.load_model().get_weights()


@pytest.fixture
def histories(monkeypatch):
    """The loggers that are made, to be closed where a training breaks off."""
    made = []

    class Logger(keras.callbacks.CSVLogger):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            made.append(self)

    monkeypatch.setattr(keras.callbacks, "CSVLogger", Logger)
    yield made
    for logger in made:
        if logger.csv_file:
            logger.csv_file.close()


def test_a_training_that_is_stopped_resumes_to_the_same(tmp_path, histories):
    whole = train(tmp_path / "whole")

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                histories[-1].on_train_end()
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "parts", callbacks=[Stop()])
    parts = train(tmp_path / "parts")
    for one, other in zip(weights(whole), weights(parts), strict=True):
        np.testing.assert_array_equal(one, other)
    assert whole.history_path.read_text() == parts.history_path.read_text()
    assert whole.is_finished and parts.facts["epochs"] == 2
    assert parts.facts["examples_seen"] == 2 * 64

    # What it leaves is a backbone, and it is not what it began with.
    backbone = create_backbone(str(whole.model_path), SCHEMA.image_shape)
    assert backbone.output_shape[-1] == 16
    other = train(tmp_path / "other", seed=1)
    assert any(
        (one != own).any()
        for one, own in zip(weights(whole), weights(other), strict=True)
    )
    rows = whole.read_history()
    assert [row["epoch"] for row in rows] == [0, 1]
    assert {"val_rank", "val_knn_gender", "loss"} <= set(rows[0])
    assert 0 <= rows[0]["val_knn_gender"] <= 1


def test_labels_teach_nothing(tmp_path):
    # Other labels, and the same pictures: the same weights.
    flipped = {
        split: dataclasses.replace(
            part, labels=part.labels | {"gender": 1 - part.labels["gender"]}
        )
        for split, part in PORTRAITS.items()
    }
    first = train(tmp_path / "first", epochs=1)
    second = PretrainTrainer(
        make_config(tmp_path / "second", epochs=1),
        progress=False,
        portraits=flipped,
    ).fit()
    for one, other in zip(weights(first), weights(second), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_file_of_one_size_is_refused(tmp_path):
    config = make_config(tmp_path / "run")
    model = dataclasses.replace(config.model, backbone="own.keras")
    config = dataclasses.replace(config, model=model)
    with pytest.raises(UserError, match="Views come in two sizes"):
        PretrainTrainer(config, progress=False, portraits=PORTRAITS).fit()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"mean_entropy": 0.01}, "a few prototypes are the answer to all"),
        ({"answer_entropy": 0.9999}, "answers everything to each"),
        ({"val_rank": 1.1}, "the features lie on a line"),
    ],
    ids=["one for all", "all for each", "line"],
)
def test_a_collapse_ends_the_training(changed, message):
    fine = {"mean_entropy": 0.9, "answer_entropy": 0.5, "val_rank": 20.0}
    guard = CollapseGuard()
    guard.on_epoch_end(1, fine)
    guard.on_epoch_end(0, fine | changed)  # Too early to be judged.
    with pytest.raises(UserError, match=message):
        guard.on_epoch_end(1, fine | changed)


def test_a_loss_that_is_no_number_ends_it():
    with pytest.raises(UserError, match="not a number any more"):
        CollapseGuard().on_train_batch_end(3, {"loss": float("nan")})


def test_a_teacher_that_never_sharpens_collapses(tmp_path, histories):
    with pytest.raises(UserError, match="answers everything to each"):
        train(tmp_path / "run", teacher_temperature=10.0)
