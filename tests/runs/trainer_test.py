import dataclasses
import functools
import pathlib
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

from tests.export.networks import differing_layers
from tests.portrait_factory import AGE
from tests.portrait_factory import GENDER
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.config import ModelConfig
from tp_keras.config import TrainingConfig
from tp_keras.data.joint import join
from tp_keras.debias_config import DebiasConfig
from tp_keras.debiasing import trunk_features
from tp_keras.errors import UserError
from tp_keras.files import only_one
from tp_keras.models import PortraitBackbone
from tp_keras.models.presets import BACKBONE_PRESETS
from tp_keras.models.task_model import TaskModel
from tp_keras.runs import trainer as trainer_module
from tp_keras.runs.callbacks import BestModel
from tp_keras.runs.callbacks import ResumableEarlyStopping
from tp_keras.runs.score import SCORE
from tp_keras.runs.score import Score
from tp_keras.runs.trainer import Trainer
from tp_keras.tasks import Schema

TINY = {"block_type": "separable", "stem_channels": 8, "stages": ((16, 1, 4),)}


# As many steps as of one data set; who has no hair tells of the age.
JOINT = ("made/first", "made/second")
SECOND = Schema(SCHEMA.image_shape, (GENDER, AGE))


def load_made(data_dir, dataset, split, storage, progress):
    seed = ["train", "validation"].index(split)
    if dataset != JOINT:
        return make_portraits(48, seed=seed, split=split)
    first = make_portraits(36, seed=seed, split=split)
    return join([first, make_portraits(12, seed + 2, split, schema=SECOND)])


def as_they_are(data, say):
    return data


COMPILE = TaskModel.compile


def run_eagerly(monkeypatch):
    """For a few steps: a graph would take longer to make than to run."""
    compile_eagerly = functools.partialmethod(COMPILE, run_eagerly=True)
    monkeypatch.setattr(TaskModel, "compile", compile_eagerly)


def make_tiny_world(monkeypatch, eager=True):
    """Portraits of plain colours and a backbone of two layers."""
    if eager:
        run_eagerly(monkeypatch)
    monkeypatch.setattr(trunk_features, "_MOST_PASSES", 2)
    monkeypatch.setitem(BACKBONE_PRESETS, "tiny", TINY)
    monkeypatch.setattr("tp_keras.data.source.load_portraits", load_made)
    monkeypatch.setattr(trainer_module, "resolve_splits", as_they_are)


@pytest.fixture(autouse=True)
def tiny_world(monkeypatch):
    make_tiny_world(monkeypatch)


class Stop(keras.callbacks.Callback):
    """Interrupts where an epoch begins, and closes the history."""

    def __init__(self, number, history):
        super().__init__()
        self.number = number
        self.history = history

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.number:
            self.history.on_train_end()
            raise KeyboardInterrupt


def stop_in_epoch(monkeypatch, number):
    """Interrupts the trainings that are started from now on."""
    make = Trainer._callbacks

    def callbacks(*args):
        made = make(*args)
        (history,) = (
            callback
            for callback in made
            if isinstance(callback, keras.callbacks.CSVLogger)
        )
        return [*made, Stop(number, history)]

    monkeypatch.setattr(Trainer, "_callbacks", callbacks)


# An adversary told the class would find no group large enough to learn from.
def make_config(
    path, debias="grl", scope="network", strength=5.0, dataset=None, **training
):
    data = DataConfig()
    if dataset:
        data = DataConfig(dataset=dataset, mixing=0.5)
    return ExperimentConfig(
        run_dir=str(path),
        data=data,
        model=ModelConfig(backbone="tiny"),
        debias=DebiasConfig(
            debias=debias,
            debias_scope=scope,
            branch_steps=6,
            branch_batch_size=16,
            adversary_steps=2,
            adversary_units=(8,),
            strength=strength,
            ramp=0.1,
        ),
        training=TrainingConfig(
            **{
                "epochs": 3,
                "batch_size": 16,
                "warmup_epochs": 1,
                "averaging": 0.9,
                "optimizer": "muon",
                **training,
            }
        ),
    )


def train_in_world(make, folder, eager=True):
    """Trains in the tiny world, for a whole module."""
    with pytest.MonkeyPatch.context() as patch:
        make_tiny_world(patch, eager)
        return Trainer(make(folder / "run"), progress=False).fit()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A training of the whole network against an adversary."""
    folder = tmp_path_factory.mktemp("whole")
    return train_in_world(make_config, folder, eager=False)


@pytest.fixture(scope="module")
def joint(tmp_path_factory):
    """The same on two data sets, mixed."""
    make = functools.partial(make_config, dataset=JOINT)
    return train_in_world(make, tmp_path_factory.mktemp("joint"), eager=False)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    def make(path):
        return make_config(path, "none", epochs=1)

    return train_in_world(make, tmp_path_factory.mktemp("plain"))


def weights_of(run, path=None):
    return run.load_model(path).get_weights()


def assert_same(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


# A process that trains `make_config(folder)`, on data sets if they are named,
# and is killed in an epoch, when the adversaries have become other ones than
# those of a fresh start.
KILLED_TRAINING = """
import os, signal, sys
import keras
from tests.runs import trainer_test as t
from tp_keras.data import source

t.BACKBONE_PRESETS["tiny"] = t.TINY
source.load_portraits = t.load_made
t.trainer_module.resolve_splits = t.as_they_are

class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == 1:
            os.kill(os.getpid(), signal.SIGKILL)

callbacks = t.Trainer._callbacks
t.Trainer._callbacks = lambda *args: [*callbacks(*args), Kill()]
dataset = tuple(sys.argv[2:])
t.Trainer(t.make_config(sys.argv[1], dataset=dataset), progress=False).fit()
"""


def test_a_run_explains_itself(whole):
    run = whole
    assert run.is_finished
    assert run.facts["epochs"] == 3
    assert run.facts["examples_seen"] == 3 * 48
    assert set(run.facts["fingerprints"]) == {"train", "validation"}
    history = run.read_history()
    assert [row["examples_seen"] for row in history] == [48, 96, 144]
    best = max(history, key=lambda row: row[SCORE])
    assert run.facts["best_epoch"] == best["epoch"] + 1
    assert list((run.path / "tensorboard").rglob("*tfevents*"))
    assert not run.backups.exist()
    # All layers were trained with the method, and nothing is left to do.
    assert "debias_seconds" not in run.facts
    assert not run.trained_path.exists()
    # A second call has nothing to do.
    written = run.model_path.stat().st_mtime_ns
    again = Trainer(make_config(run.path), progress=False).fit()
    assert again.model_path.stat().st_mtime_ns == written


@pytest.mark.parametrize("dataset", [(), JOINT], ids=["one", "joint"])
def test_a_killed_run_resumes_to_the_same_weights(
    whole, joint, dataset, tmp_path, monkeypatch
):
    whole = joint if dataset else whole
    monkeypatch.setattr(TaskModel, "compile", COMPILE)
    killed = subprocess.run(
        [
            sys.executable,
            "-c",
            KILLED_TRAINING,
            str(tmp_path / "run"),
            *dataset,
        ],
        cwd=pathlib.Path(__file__).parents[2],
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL
    config = make_config(tmp_path / "run", dataset=dataset)
    trainer = Trainer(config, progress=False)
    assert not trainer.run.is_finished
    assert trainer.run.backups.newest() == 1
    resumed = trainer.fit()
    assert resumed.facts["epochs"] == 3
    assert_same(weights_of(whole), weights_of(resumed))
    assert resumed.read_history() == whole.read_history()


def test_data_sets_are_mixed_as_the_settings_say(tmp_path, monkeypatch, capsys):
    make, mixed = trainer_module.TrainingBatches, []

    def make_batches(portraits, **settings):
        mixed.append((portraits.parts, settings["mixing"]))
        return make(portraits, **settings)

    monkeypatch.setattr(trainer_module, "TrainingBatches", make_batches)
    config = make_config(tmp_path / "run", "none", epochs=1, dataset=JOINT)
    run = Trainer(config).fit()
    assert mixed == [((36, 12), 0.5)]
    name = "made/here/1.0.0"
    said = (
        f"A pass takes 30 of the 36 of {name} (62%) and 18 of the 12 of {name}"
    )
    assert said in capsys.readouterr().out
    assert run.facts["dataset"] == f"{name} + {name}"
    assert run.schema.task_names[-1] == "age"


def test_a_run_that_fails_in_its_second_stage_resumes_there(
    tmp_path, monkeypatch
):
    expected = []

    def save_nothing(self, classifier):
        expected.append(classifier.get_weights())
        raise KeyboardInterrupt

    config = make_config(tmp_path / "run", scope="branch", epochs=1)
    with monkeypatch.context() as patch:
        patch.setattr(trainer_module.RunFolder, "save_model", save_nothing)
        with pytest.raises(KeyboardInterrupt):
            Trainer(config, progress=False).fit()
    run = trainer_module.RunFolder(tmp_path / "run")
    assert run.is_trained and not run.model_path.exists()

    # Nothing is trained again but the guarded layers.
    monkeypatch.setattr(
        Trainer, "build_model", lambda *args: pytest.fail("began anew")
    )
    resumed = Trainer(config, progress=False).fit()
    assert resumed.is_finished and resumed.facts["epochs"] == 1
    assert resumed.facts["debias_seconds"] >= 0
    served = resumed.load_model().inference_model()
    assert resumed.facts["parameters"] == served.count_params()
    assert_same(expected[0], weights_of(resumed))
    # What training left stays, and the other head and trunk with it.
    before = resumed.load_model(resumed.trained_path)
    differing = differing_layers(before, resumed.load_model())
    assert {"hair_color", "hair_type", "guarded_convolution"} <= differing
    assert not differing & {"gender", "backbone"}


# Those with a state or rows of their own; after_training_test has them all.
@pytest.mark.parametrize("debias", ["subsample", "domain_independent"])
def test_the_best_classifier_is_kept_without_traces_of_a_method(
    tmp_path, debias
):
    config = make_config(tmp_path / "run", debias, epochs=2)
    run = Trainer(config, progress=False).fit()
    model = run.load_model()
    assert type(model) is trainer_module.PortraitClassifier
    assert model.count_params() == untrained().count_params()
    validation = make_portraits(48, seed=1, split="validation")
    answers = model.predict_answers(validation.images, verbose=0)
    accuracies = []
    for task in model.tasks:
        labels = validation.labels[task.name]
        hits = answers[task.name].argmax(axis=1) == labels
        accuracies.append(hits[labels >= 0].mean())
    best = pytest.approx(run.facts["best_score"], abs=1e-6)
    assert np.mean(accuracies) == best


def test_a_run_tells_its_splits_and_another_seed_gives_other_weights(
    plain, tmp_path, monkeypatch
):
    def resolve(data, say):
        return dataclasses.replace(
            data, train_split="train[0:9]", validation_split="train[9:]"
        )

    def load(data_dir, dataset, split, storage, progress):
        seed = ["train[0:9]", "train[9:]"].index(split)
        return make_portraits(48, seed=seed, split=split)

    monkeypatch.setattr(trainer_module, "resolve_splits", resolve)
    monkeypatch.setattr("tp_keras.data.source.load_portraits", load)
    config = make_config(tmp_path / "run", "none", epochs=1, seed=4)
    run = Trainer(config, progress=False).fit()
    a, b = weights_of(plain), weights_of(run)
    assert np.abs(a[0] - b[0]).max() > 0
    assert run.config.data.location("validation")[2] == "train[9:]"
    # The same command finds it finished.
    written = run.model_path.stat().st_mtime_ns
    again = Trainer(config, progress=False).fit()
    assert again.model_path.stat().st_mtime_ns == written
    other = dataclasses.replace(
        config, data=dataclasses.replace(config.data, dataset="other")
    )
    with pytest.raises(UserError, match="dataset: .* against other"):
        Trainer(other, progress=False).fit()


def test_other_data_under_the_same_settings_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(
        Trainer, "build_model", lambda *args: pytest.fail("got to the model")
    )
    config = make_config(tmp_path / "run")
    trainer = Trainer(config, progress=False)
    with (
        only_one(tmp_path / "run"),
        pytest.raises(UserError, match="Another process"),
    ):
        trainer.fit()
    assert not trainer.run.path.exists()
    trainer.run.claim(config)
    trainer.run.record(fingerprints={"train": "x", "validation": "y"})
    trainer.run.model_path.touch()
    # A finished run would pass for one of these portraits.
    for status in ("training", "finished"):
        trainer.run.record(status=status)
        with pytest.raises(UserError, match="other portraits"):
            trainer.fit()


def test_a_finished_run_needs_its_data_no_more(tmp_path, monkeypatch):
    def gone(*args):
        raise UserError("There is no prepared data set.")

    monkeypatch.setattr("tp_keras.data.source.load_portraits", gone)
    config = make_config(tmp_path / "run")
    trainer = Trainer(config, progress=False)
    trainer.run.claim(config)
    trainer.run.record(status="finished", fingerprints={"validation": "y"})
    with pytest.raises(UserError, match=str(trainer.run.path)):
        trainer.fit()
    trainer.run.model_path.touch()
    assert trainer.fit().is_finished


@pytest.mark.parametrize(
    ("label", "message"), [(0, "straight alone of"), (-1, "no label of")]
)
def test_labels_that_teach_nothing_are_refused(
    tmp_path, monkeypatch, label, message
):
    def load(*args):
        portraits = load_made(*args)
        portraits.labels["hair_type"][:] = label
        return portraits

    monkeypatch.setattr("tp_keras.data.source.load_portraits", load)
    config = make_config(tmp_path / "run", "none", epochs=1)
    with pytest.raises(
        UserError, match=f"--tasks without.* {message} hair_type"
    ):
        Trainer(config, progress=False).fit()
    assert not (tmp_path / "run").exists()


def test_early_stopping_remembers_the_epochs_before_a_resumption():
    history = [{"epoch": e, SCORE: s} for e, s in enumerate([0.5, 0.4])]
    stopping = ResumableEarlyStopping(
        history=history, monitor=SCORE, mode="max", patience=3
    )
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    stopping.set_model(model)
    stopping.on_train_begin()
    stopping.on_epoch_end(2, {SCORE: 0.45})
    assert not stopping.stopped_epoch
    stopping.on_epoch_end(3, {SCORE: 0.45})
    assert stopping.stopped_epoch == 3 and model.stop_training


def untrained(tasks=()):
    backbone = PortraitBackbone(image_shape=SCHEMA.image_shape, **TINY)
    return trainer_module.PortraitClassifier(backbone, SCHEMA, tasks)


@pytest.mark.parametrize("only_last", [False, True])
def test_the_best_model_is_kept_or_where_asked_the_last(tmp_path, only_last):
    path = tmp_path / "model.keras"
    model = untrained(["gender"])
    score = Score(("gender_accuracy",))
    best = BestModel(path, model, 10, score, 0.7, only_last)
    best.set_model(model)
    best.on_test_end({"gender_accuracy": 0.6})
    assert path.exists() == only_last and best.best_score == 0.7
    best.on_test_end({"gender_accuracy": 0.8})
    assert list(tmp_path.iterdir()) == [path]
    logs = {}
    best.on_epoch_end(2, logs)
    assert logs == {SCORE: 0.8, "examples_seen": 30}


@pytest.mark.parametrize("debias", ["none", "grl"])
def test_the_score_is_the_one_of_the_settings(tmp_path, debias):
    config = make_config(
        tmp_path / "run", debias, epochs=2, score="neutral_accuracy"
    )
    run = Trainer(config, progress=False).fit()
    validation = load_made("", (), "validation", "", False)
    answers = run.load_model().predict_answers(validation.images, verbose=0)
    scores = []
    for task in validation.schema.guarded_tasks:
        labels = validation.labels[task.name]
        right = answers[task.name].argmax(-1) == labels
        women, men = (
            right[(labels >= 0) & (validation.groups == group)].mean()
            for group in (0, 1)
        )
        scores.append((women + men) / 2 - abs(women - men))
    # Of the epoch that was kept: the last one, where a strength grows.
    kept = run.facts["best_epoch"] if debias == "none" else 2
    row = run.read_history()[kept - 1]
    assert row[SCORE] == pytest.approx(np.mean(scores), abs=1e-6)
    assert row[SCORE] == pytest.approx(
        np.mean(
            [row[f"val_{name}_neutral_accuracy"] for name in SCHEMA.guarded]
        )
    )


def test_a_score_that_there_is_not_is_refused(tmp_path):
    config = make_config(tmp_path / "run", "none", score="age_accuracy")
    with pytest.raises(UserError, match="Received: score=age_accuracy"):
        Trainer(config, progress=False).fit()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("steps", "expected"), [(355, 5), (150, 6), (16, 8), (71, 1), (1, 1)]
)
def test_steps_of_an_execution_divide_the_epoch(tmp_path, steps, expected):
    config = make_config(tmp_path)
    assert Trainer(config).steps_per_execution(steps) == expected
