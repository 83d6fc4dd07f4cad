import dataclasses
import re

import numpy as np
import pytest

from tests.made_runs import TINY_SEPARABLE
from tests.portrait_factory import make_portraits
from tests.printed_commands import find_commands
from tests.printed_commands import parse
from tests.printed_commands import parse_next
from tests.printed_commands import refusal
from tp_keras.config import ExperimentConfig
from tp_keras.config import ModelConfig
from tp_keras.config import TrainingConfig
from tp_keras.pretraining import comparison
from tp_keras.pretraining.folder import PretrainRunFolder
from tp_keras.runs import trainer as trainer_module
from tp_keras.runs.run_folder import RunFolder
from training import pretrain
from training.command import run
from training.compare_pretraining import ComparePretraining
from training.configs import EXPERIMENTS
from training.train import Train

TINY = (
    *("demo", "--dataset", "tiny_portraits/synthetic_tiny", "--epochs", "2"),
    *("--passes_per_epoch", "1", "--backbone", TINY_SEPARABLE),
    *("--prototypes", "16", "--hidden_size", "16", "--batch_size", "32"),
)


@pytest.fixture(scope="module")
def pretrained(tiny_data_dir, tmp_path_factory):
    path = tmp_path_factory.mktemp("pretrained") / "my run"
    pretrain.main(
        [*TINY, "--data_dir", str(tiny_data_dir), "--run_dir", str(path)]
    )
    return path


def test_what_it_leaves_says_what_to_do_with_it(
    pretrained, tiny_data_dir, capsys
):
    readme = (pretrained / "README.md").read_text()
    compare, train = (parse(line) for line in find_commands(readme))
    assert compare == ComparePretraining(str(pretrained))
    assert isinstance(train, Train)
    assert train.config.model.backbone == str(pretrained / "model.keras")
    words = ["--data_dir", str(tiny_data_dir), "--run_dir", str(pretrained)]
    pretrain.main([*TINY, *words])
    said = capsys.readouterr().out
    assert "is finished; nothing to train" in said
    assert parse_next(said) == compare
    said = refusal(capsys, pretrain.main, [*TINY, *words, "--seed", "4"])
    assert "seed: 0 against 4" in said


def test_all_ways_are_compared(pretrained, monkeypatch, capsys):
    training = TrainingConfig(batch_size=32, averaging=0.0, warmup_epochs=0.5)
    config = ExperimentConfig(
        model=ModelConfig(tasks=("gender",)), training=training
    )
    monkeypatch.setitem(EXPERIMENTS, "demo", ("", config))
    words = ["--run_dir", str(pretrained), "--epochs", "2", "--seeds", "3"]
    words += ["--fractions", "0.1"]
    run(ComparePretraining, words)
    said = capsys.readouterr()
    for way in (*comparison.WAYS, "tuning adds"):
        assert way in said.out
    rows = re.findall(r"^\| gender +\| (\S+ %)", said.out, re.MULTILINE)
    assert rows == ["10 %"]
    assert f"Page: {pretrained}/comparison.html" in said.out
    assert (pretrained / "comparison.html").is_file()
    names = {path.name for path in (pretrained / "comparison").iterdir()}
    assert {"gender.png", "history.png", "maps.png"} <= names

    # From scratch there is as much time as both others took together.
    folder = pretrained / "trainings"
    tuned, scratch = (
        RunFolder(folder / f"10-percent-seed3-{way}")
        for way in ("tuned", "scratch")
    )
    seconds = tuned.facts["seconds"]
    spent = PretrainRunFolder(pretrained).facts["seconds"]
    epochs = 2 * (spent + seconds) / seconds
    assert scratch.facts["epochs"] == pytest.approx(epochs, abs=1)
    assert scratch.config.model.backbone == TINY_SEPARABLE
    # Steps are as many as with all labels: ten of a batch of all there are.
    for own in (tuned.config.training, scratch.config.training):
        assert (own.batch_size, own.passes_per_epoch) == (32, 10)
    # A second time nothing is trained.
    monkeypatch.delattr(trainer_module.Trainer, "_train")
    run(ComparePretraining, words)
    assert capsys.readouterr().out == said.out


def test_parts_are_drawn_by_seed_and_share():
    portraits = make_portraits(100)
    rows = comparison.Labelled(0.3, 0).rows(portraits)
    assert len(set(rows)) == 30 and (np.diff(rows) > 0).all()
    again = comparison.Labelled(0.3, 0).rows(portraits)
    np.testing.assert_array_equal(rows, again)
    assert (comparison.Labelled(0.3, 1).rows(portraits) != rows).any()
    assert len(comparison.Labelled(0.001, 0).rows(portraits)) == 10
    assert len(comparison.Labelled(1.0, 0).rows(portraits)) == 100


def test_a_class_alone_is_the_answer():
    portraits = {
        split: make_portraits(20, seed=seed, split=split, missing=0)
        for seed, split in enumerate(("train", "validation", "test"))
    }
    (task, *_) = portraits["train"].schema.tasks
    labels = {task.name: np.zeros(20, np.int32)}
    portraits["train"] = dataclasses.replace(portraits["train"], labels=labels)
    known = {split: np.ones((20, 3)) for split in portraits}
    said = comparison._probe(known, portraits, task, np.arange(20))
    assert {*said} == {comparison.PROBE, comparison.NEAREST}
    for answers in said.values():
        np.testing.assert_array_equal(answers, 0)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--run_dir", "nowhere"], "There is no run.*nowhere"),
        (["--run_dir", "x", "--fractions", "0", "1"], "fractions above 0"),
        (["--run_dir", "x", "--fractions", "1.5"], "at most 1"),
        (["--run_dir", "x", "--seeds"], "one or more seeds"),
        (["--run_dir", "x", "--experiment", "none"], "experiment=none"),
    ],
)
def test_what_can_not_be_compared_is_refused(words, expected, capsys):
    said = refusal(capsys, run, ComparePretraining, words)
    assert re.search(expected, said, re.DOTALL), said
