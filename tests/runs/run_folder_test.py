import dataclasses

import pytest

import tp_keras
from tests.printed_commands import find_commands
from tests.printed_commands import parse
from tp_keras.config import ExperimentConfig
from tp_keras.config import TrainingConfig
from tp_keras.errors import UserError
from tp_keras.runs.run_folder import RunFolder
from training.evaluate import Evaluate
from training.export import Export


@pytest.fixture
def run(tmp_path):
    run = RunFolder(tmp_path / "my run")
    run.claim(ExperimentConfig(run_dir=str(run.path)))
    return run


def test_a_claimed_folder_knows_its_settings_and_refuses_others(run):
    assert run.config == ExperimentConfig(run_dir=str(run.path))
    run.claim(run.config)
    run.record(status="training")
    other = dataclasses.replace(run.config, training=TrainingConfig(seed=5))
    before = (run.path / "config.json").read_bytes()
    run.model_path.touch()
    with pytest.raises(UserError, match="another --run_dir.*seed: 0 against 5"):
        run.claim(other)
    assert (run.path / "config.json").read_bytes() == before
    run.claim(dataclasses.replace(run.config, run_dir="moved"))


def test_without_one_whole_epoch_a_folder_is_free_for_other_settings(run):
    run.record(status="training", fingerprints={"train": "a"})
    run.history_path.write_text("epoch,val_score\n")
    # What a process that was killed or had no room has left.
    (run.path / ".config.json.incomplete").touch()
    other = dataclasses.replace(run.config, training=TrainingConfig(seed=5))
    run.claim(other)
    assert run.config == other
    assert run.facts == {} and run.read_history() == []
    (run.backups.folder / "epoch-00001").mkdir(parents=True)
    with pytest.raises(UserError, match="seed: 5 against 0"):
        run.claim(ExperimentConfig(run_dir=str(run.path)))


def test_a_model_of_which_nothing_is_told_is_not_trained_over(run):
    run.model_path.touch()
    with pytest.raises(UserError, match="a model but no run.json"):
        run.settle(run.config, lambda data: data)


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="Expected a new or empty folder"):
        RunFolder(tmp_path).claim(ExperimentConfig())
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_facts_add_up_and_the_readme_tells(run):
    run.record(status="training", epochs=3)
    run.record(examples_seen=12_345)
    assert run.facts["epochs"] == 3
    assert run.facts["versions"]["keras"].startswith("3.")
    assert run.facts["versions"]["tp_keras"] == tp_keras.__version__
    readme = (run.path / "README.md").read_text()
    assert "training, 3 epochs, 12,345 examples seen" in readme
    path = str(run.path)
    assert [parse(line) for line in find_commands(readme)] == [
        Evaluate(path),
        Export(path),
    ]
    assert f"`tensorboard --logdir '{path}'`" in readme
    assert not run.is_finished


def test_other_data_is_refused(run):
    run.check_fingerprints({"train": "a"})
    run.record(fingerprints={"train": "a"})
    run.check_fingerprints({"train": "a"})
    with pytest.raises(UserError, match="other portraits"):
        run.check_fingerprints({"train": "b"})
    # What the run knows nothing of can't be another's.
    run.check_fingerprints({"train": "a", "test": "c"})
    with pytest.raises(UserError, match="other portraits"):
        run.check_fingerprints({"train": "b", "test": "c"})


def test_a_damaged_history_is_one_sentence(run):
    assert run.read_history() == []
    run.history_path.write_text("epoch,val_score\n0,0.1\n1,0.25\n")
    assert [row["val_score"] for row in run.read_history()] == [0.1, 0.25]
    for damaged in (b"epoch,a\n0,x\n", b"epoch,a\n0,\xff\n", b"epoch\n0,1\n"):
        run.history_path.write_bytes(damaged)
        with pytest.raises(UserError, match="history is damaged.*history.csv"):
            run.read_history()


def test_a_folder_without_run_or_model_is_one_sentence(tmp_path, run):
    with pytest.raises(UserError, match="There is no run.*training.train"):
        RunFolder(tmp_path / "nowhere").require()
    with pytest.raises(UserError, match="There is no run"):
        _ = RunFolder(tmp_path / "nowhere").config
    with pytest.raises(UserError, match="no model yet"):
        run.require()
    with pytest.raises(UserError, match="Expected a schema"):
        _ = run.schema
    (run.path / "config.json").write_text("{")
    with pytest.raises(UserError, match="Expected JSON in .*config.json"):
        _ = run.config
