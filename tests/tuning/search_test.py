import contextlib
import dataclasses
import json

import keras
import pytest

from tests.portrait_factory import make_portraits
from tests.tuning.results import make_result
from tp_keras.config import ExperimentConfig
from tp_keras.config import TrainingConfig
from tp_keras.errors import UserError
from tp_keras.runs.run_folder import RunFolder
from tp_keras.tuning import portrait_tuner
from tp_keras.tuning import search
from tp_keras.tuning.portrait_tuner import PortraitTuner
from tp_keras.tuning.report import write_report
from tp_keras.tuning.search import run_search
from tp_keras.tuning.search_settings import SearchSettings
from tp_keras.tuning.search_space import SearchSpace
from tp_keras.tuning.trial_result import read_results

TINY = (
    'PortraitBackbone(block_type="separable", stem_channels=8, '
    "stages=((16, 1, 4),))"
)
SETTINGS = SearchSettings(
    base=ExperimentConfig(training=TrainingConfig(batch_size=16)),
    space=SearchSpace(backbones=(TINY,)),
    tuner="hyperband",
    trials=3,
    budget_seconds=0.5,
)


@pytest.fixture(autouse=True)
def made_data(monkeypatch):
    """Portraits of plain colours in place of a data set."""

    def load_made(data_dir, dataset, split, storage):
        seed = ["train", "validation"].index(split)
        return make_portraits(48, seed=seed, split=split)

    monkeypatch.setattr(search, "load_portraits", load_made)
    monkeypatch.setattr(search, "resolve_splits", lambda data: data)


@pytest.fixture
def trained(monkeypatch):
    """Made figures in place of a training, and the trials that asked."""
    trained = []

    def train(self, path, chosen, budget_seconds):
        trained.append(path.name)
        names = ("score", "accuracies", "latency_ms", "images_per_second")
        result = dataclasses.asdict(make_result(score=chosen["dropout_rate"]))
        counts = ("parameters", "epochs", "examples_seen", "train_seconds")
        return {name: result[name] for name in names + counts}

    monkeypatch.setattr(PortraitTuner, "_train", train)
    monkeypatch.setattr(search, "LatencyMeter", contextlib.nullcontext)
    monkeypatch.setattr(keras.utils, "clear_session", lambda: None)
    return trained


def test_a_search_trains_measures_and_reports(tmp_path, capsys):
    settings = dataclasses.replace(SETTINGS, tuner="bayesian", trials=1)
    folder = run_search(tmp_path / "search", settings)
    assert folder.is_finished
    (result,) = read_results(folder.path)
    assert result.describe() in capsys.readouterr().out
    run = RunFolder(folder.trial_path(result.trial_id) / "run")
    assert run.is_finished
    assert run.config.model.backbone == TINY
    # The figures are those of the best epoch.
    history = run.read_history()
    best = max(history, key=lambda row: row["val_score"])
    assert result.score == best["val_score"]
    assert result.accuracies == {
        task: best[f"val_{task}_accuracy"]
        for task in ("gender", "hair_color", "hair_type")
    }
    assert result.score == pytest.approx(sum(result.accuracies.values()) / 3)
    assert (
        result.parameters == run.load_model().inference_model().count_params()
    )
    assert result.epochs == len(history)
    assert result.latency_ms > 0
    assert result.images_per_second > 0
    assert result.seconds >= result.train_seconds > 0
    assert f"Best: trial {result.trial_id}" in write_report(
        folder.path, "demo", settings.base
    )


def test_a_finished_search_is_left_as_it_is(tmp_path, trained, monkeypatch):
    run_search(tmp_path / "search", SETTINGS)
    assert len(trained) == 3
    with monkeypatch.context() as context:
        context.delattr(search, "search_alone")
        run_search(tmp_path / "search", SETTINGS)
    # It may be made longer.
    run_search(tmp_path / "search", dataclasses.replace(SETTINGS, trials=5))
    assert len(trained) == 5
    assert len(read_results(tmp_path / "search")) == 5


def test_a_stopped_search_goes_on(tmp_path, trained, monkeypatch):
    told = PortraitTuner.on_trial_end

    def stop(self, trial):
        told(self, trial)
        if len(trained) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(PortraitTuner, "on_trial_end", stop)
    with pytest.raises(KeyboardInterrupt):
        run_search(tmp_path / "search", SETTINGS)
    before = read_results(tmp_path / "search")
    assert len(before) == 1
    run_search(tmp_path / "search", SETTINGS)
    assert len(trained) == len(set(trained)) == 3
    assert read_results(tmp_path / "search")[0] == before[0]


def test_a_chief_killed_before_the_first_trial_comes_back(tmp_path):
    folder = search.SearchFolder(tmp_path)
    folder.claim(SETTINGS)
    # What it does before it listens.
    PortraitTuner(folder, None, None).save()
    again = PortraitTuner(folder, None, None)
    assert again.remaining_trials == 3


def test_a_trained_trial_is_not_trained_again(tmp_path, trained, monkeypatch):
    def die(self, trial):
        raise SystemExit  # Between the result and keras-tuner's notice of it.

    with monkeypatch.context() as context:
        context.setattr(PortraitTuner, "on_trial_end", die)
        with pytest.raises(SystemExit):
            run_search(tmp_path / "search", SETTINGS)
    assert len(trained) == 1
    run_search(tmp_path / "search", SETTINGS)
    assert len(trained) == 3
    assert len(read_results(tmp_path / "search")) == 3


def test_a_failed_trial_is_a_result(tmp_path, trained, monkeypatch, capsys):
    train = PortraitTuner._train

    def fail_first(self, path, chosen, budget_seconds):
        figures = train(self, path, chosen, budget_seconds)
        if len(trained) == 1:
            raise MemoryError("no room for\nall these numbers")
        return figures

    monkeypatch.setattr(PortraitTuner, "_train", fail_first)
    folder = run_search(tmp_path / "search", SETTINGS)
    statuses = [result.status for result in read_results(folder.path)]
    assert statuses == ["failed", "completed", "completed"]
    failed = read_results(folder.path)[0]
    assert failed.message == "MemoryError: no room for"
    assert "failed: MemoryError" in capsys.readouterr().out
    path = folder.trial_path(failed.trial_id)
    assert "all these numbers" in (path / "error.txt").read_text()
    assert not (path / "attempts.json").exists()


def test_a_search_without_success_says_so(tmp_path, trained, monkeypatch):
    def fail(*args):
        raise ValueError("a bad idea")

    monkeypatch.setattr(PortraitTuner, "_train", fail)
    with pytest.raises(UserError, match="ValueError: a bad idea"):
        run_search(tmp_path / "search", SETTINGS)
    assert len(read_results(tmp_path / "search")) == 3


def test_a_trial_that_kills_its_process_is_given_up(tmp_path, trained):
    search_path = tmp_path / "search"
    attempts = search_path / "trials" / "0" / "attempts.json"
    attempts.parent.mkdir(parents=True)
    # As after three kills in the first trial.
    attempts.write_text(json.dumps(portrait_tuner._MOST_ATTEMPTS))
    search.SearchFolder(tmp_path / "other").claim(SETTINGS)
    (tmp_path / "other" / "settings.json").rename(search_path / "settings.json")
    run_search(search_path, SETTINGS)
    first, *others = read_results(search_path)
    assert "ended 3 times" in first.message
    assert [result.status for result in others] == ["completed"] * 2


def test_attempts_are_counted_until_something_comes_back(tmp_path):
    for expected in (1, 2):
        with portrait_tuner._counted_attempt(tmp_path):
            left = (tmp_path / "attempts.json").read_text()
        assert json.loads(left) == expected
        # As a kill would leave it.
        (tmp_path / "attempts.json").write_text(left)
    with (
        pytest.raises(KeyboardInterrupt),
        portrait_tuner._counted_attempt(tmp_path),
    ):
        raise KeyboardInterrupt
    assert not (tmp_path / "attempts.json").exists()


def test_missing_data_is_told_before_a_folder_is_made(tmp_path, monkeypatch):
    def missing(*args):
        raise UserError("There is no prepared data set.")

    monkeypatch.setattr(search, "resolve_splits", missing)
    with pytest.raises(UserError, match="no prepared data"):
        run_search(tmp_path / "search", SETTINGS)
    assert not (tmp_path / "search").exists()
