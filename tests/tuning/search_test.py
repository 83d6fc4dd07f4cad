import concurrent.futures
import dataclasses
import errno
import json
import os
import socket

import keras
import pytest

from tests.export.networks import Here
from tests.made_runs import TINY_SEPARABLE
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tests.runs.trainer_test import run_eagerly
from tests.tuning.results import make_result
from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.config import TrainingConfig
from tp_keras.errors import UserError
from tp_keras.files import only_one
from tp_keras.fresh_process import ProcessEnded
from tp_keras.runs.run_folder import RunFolder
from tp_keras.tuning import search
from tp_keras.tuning import trial
from tp_keras.tuning.hosts import Host
from tp_keras.tuning.hosts import RemoteTrials
from tp_keras.tuning.report import write_report
from tp_keras.tuning.search import run_search
from tp_keras.tuning.search import run_worker
from tp_keras.tuning.search_settings import SearchFolder
from tp_keras.tuning.search_settings import SearchSettings
from tp_keras.tuning.search_space import SearchSpace
from tp_keras.tuning.trial import read_results

SETTINGS = SearchSettings(
    base=ExperimentConfig(training=TrainingConfig(batch_size=16)),
    space=SearchSpace(backbones=(TINY_SEPARABLE,)),
    tuner="hyperband",
    trials=3,
    budget_seconds=0.1,
)


@pytest.fixture(autouse=True)
def made_data(monkeypatch):
    """Portraits of plain colours in place of a data set."""

    def load_made(data_dir, dataset, split, storage, progress):
        seed = ["train", "validation"].index(split)
        return make_portraits(48, seed=seed, split=split, schema=EVERY_KIND)

    run_eagerly(monkeypatch)
    monkeypatch.setattr("tp_keras.data.source.load_portraits", load_made)
    monkeypatch.setattr(search, "resolve_splits", lambda data: data)
    monkeypatch.setattr(search, "find_builder", lambda *_: None)
    monkeypatch.setattr(search, "read_schema", lambda _: EVERY_KIND)


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

    monkeypatch.setattr(trial.TrialRunner, "_train", train)
    monkeypatch.setattr(trial, "FreshProcess", Here)
    monkeypatch.setattr(keras.utils, "clear_session", lambda: None)
    return trained


def test_a_search_trains_measures_and_reports(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(trial, "FreshProcess", Here)
    monkeypatch.setattr(trial, "_MEASURED_SECONDS", 0.0)
    settings = dataclasses.replace(SETTINGS, tuner="bayesian", trials=1)
    folder = run_search(tmp_path / "search", settings)
    assert folder.is_finished
    (result,) = read_results(folder.path)
    assert result.describe() in capsys.readouterr().out
    run = RunFolder(folder.trial_path(result.trial_id) / "run")
    assert run.is_finished
    assert run.config.model.backbone == TINY_SEPARABLE
    # The figures are those of the best epoch.
    history = run.read_history()
    best = max(history, key=lambda row: row["val_score"])
    assert result.score == best["val_score"]
    assert result.accuracies == {
        task: best[f"val_{task}_accuracy"] for task in EVERY_KIND.task_names
    }
    assert result.score == pytest.approx(sum(result.accuracies.values()) / 5)
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
    def die(oracle, trial):
        raise SystemExit  # Between the result and keras-tuner's notice of it.

    with (
        only_one(tmp_path / "search"),
        pytest.raises(UserError, match="Another process"),
    ):
        run_search(tmp_path / "search", SETTINGS)
    with monkeypatch.context() as context:
        context.setattr("keras_tuner.Oracle.end_trial", die)
        with pytest.raises(SystemExit):
            run_search(tmp_path / "search", SETTINGS)
    assert len(trained) == 1
    # A trained trial is not trained again.
    run_search(tmp_path / "search", SETTINGS)
    assert len(trained) == len(read_results(tmp_path / "search")) == 3
    with monkeypatch.context() as context:
        context.delattr(search, "TrialRunner")
        run_search(tmp_path / "search", SETTINGS)
    # It may be made longer.
    run_search(tmp_path / "search", dataclasses.replace(SETTINGS, trials=5))
    assert len(trained) == len(read_results(tmp_path / "search")) == 5


def test_a_stopped_search_goes_on(tmp_path, trained, monkeypatch):
    def stop():
        if len(trained) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(keras.utils, "clear_session", stop)
        with pytest.raises(KeyboardInterrupt):
            run_search(tmp_path / "search", SETTINGS)
    before = read_results(tmp_path / "search")
    assert len(before) == 1
    run_search(tmp_path / "search", SETTINGS)
    # The second was cut short, and is done again.
    assert sorted(trained) == ["0", "1", "1", "2"]
    assert read_results(tmp_path / "search")[0] == before[0]


def test_a_failed_trial_is_a_result(tmp_path, trained, monkeypatch, capsys):
    train = trial.TrialRunner._train

    def fail_first(self, path, chosen, budget_seconds):
        figures = train(self, path, chosen, budget_seconds)
        if len(trained) == 1:
            raise MemoryError("no room for\nall these numbers")
        return figures

    monkeypatch.setattr(trial.TrialRunner, "_train", fail_first)
    folder = run_search(tmp_path / "search", SETTINGS)
    statuses = [result.status for result in read_results(folder.path)]
    assert statuses == ["failed", "completed", "completed"]
    failed = read_results(folder.path)[0]
    assert failed.message == "MemoryError: no room for"
    assert "failed: MemoryError" in capsys.readouterr().out
    path = folder.trial_path(failed.trial_id)
    assert "all these numbers" in (path / "error.txt").read_text()
    assert not (path / "attempts.json").exists()


def test_a_full_disk_is_no_fault_of_a_trial(tmp_path, trained, monkeypatch):
    train = trial.TrialRunner._train

    def fill_once(self, path, chosen, budget_seconds):
        figures = train(self, path, chosen, budget_seconds)
        if len(trained) == 2:
            raise RuntimeError("a library") from OSError(
                errno.ENOSPC, os.strerror(errno.ENOSPC)
            )
        return figures

    with monkeypatch.context() as patch:
        patch.setattr(trial.TrialRunner, "_train", fill_once)
        with pytest.raises(RuntimeError):
            run_search(tmp_path / "search", SETTINGS)
    folder = run_search(tmp_path / "search", SETTINGS)
    statuses = [result.status for result in read_results(folder.path)]
    assert statuses == ["completed"] * 3
    assert trained == ["0", "1", "1", "2"]


def test_a_search_without_success_says_so(tmp_path, trained, monkeypatch):
    monkeypatch.setattr(trial.TrialRunner, "_train", refuse)
    with pytest.raises(UserError, match="UserError: The data is gone"):
        run_search(tmp_path / "search", SETTINGS)
    assert len(read_results(tmp_path / "search")) == 3


@pytest.mark.parametrize(("attempts", "given_up"), [(2, False), (3, True)])
def test_a_trial_that_kills_its_process_is_given_up(
    tmp_path, trained, attempts, given_up
):
    folder = SearchFolder(tmp_path / "search")
    folder.claim(SETTINGS)
    file = folder.trial_path("0") / "attempts.json"
    file.parent.mkdir(parents=True)
    # As kills in the first trial leave it.
    file.write_text(json.dumps(attempts))
    run_search(folder.path, SETTINGS)
    first, *others = read_results(folder.path)
    assert first.is_completed != given_up
    assert ("ended 3 times" in first.message) == given_up
    assert all(result.is_completed for result in others)
    assert not file.exists()


def refuse(*args):
    raise UserError("The data is gone.")


class Worker(Here):
    """A process that isn't one."""

    alive = []

    def __init__(self, environment):
        assert int(environment["TF_NUM_INTRAOP_THREADS"]) >= 1
        self.alive.append(self)

    def kill(self):
        self.alive.remove(self)


@pytest.fixture
def workers(monkeypatch):
    monkeypatch.setattr(search, "FreshProcess", Worker)
    monkeypatch.setattr(Worker, "alive", [])


def test_workers_share_the_trials(tmp_path, trained, workers):
    settings = dataclasses.replace(SETTINGS, trials=6)
    folder = run_search(tmp_path / "search", settings, workers=2)
    results = read_results(folder.path)
    assert [result.trial_id for result in results] == list("012345")
    assert {result.worker for result in results} <= {"0", "1"}
    assert sorted(trained) == list("012345")
    assert folder.is_finished


@pytest.mark.parametrize(("has_trial", "ends"), [(True, 4), (False, 1)])
def test_a_worker_that_ends_by_itself_is_started_again(
    tmp_path, trained, workers, monkeypatch, has_trial, ends
):
    left = ["end"] * ends

    def call(self, function, path, address, name, patience):
        if left:
            left.pop()
            if has_trial:
                with RemoteTrials(address, patience) as trials:
                    trials.take(worker=name)
            raise ProcessEnded
        return function(path, address, name, patience)

    monkeypatch.setattr(Worker, "call", call)
    if has_trial:
        folder = run_search(tmp_path / "search", SETTINGS, workers=1)
        # The fourth time it was given the next one.
        first, *others = read_results(folder.path)
        assert "ended 3 times" in first.message
        assert all(result.is_completed for result in others)
        assert sorted(trained) == ["1", "2"]
    else:
        with pytest.raises(UserError, match="before it had a trial"):
            run_search(tmp_path / "search", SETTINGS, workers=1)


def test_a_worker_elsewhere_shares_no_folder(tmp_path, trained, capsys):
    with socket.create_server(("127.0.0.1", 0)) as one:
        address = f"127.0.0.1:{one.getsockname()[1]}"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        chief = pool.submit(
            run_search, tmp_path / "a", SETTINGS, host=Host("chief", address)
        )
        other = dataclasses.replace(SETTINGS, budget_seconds=5.0)
        worker = Host("w1", address)
        # The one who came first waits for the other.
        with pytest.raises(UserError, match="0.1 against 5.0"):
            run_worker(tmp_path / "b", other, worker)
        assert not (tmp_path / "b").exists()
        run_worker(tmp_path / "b", SETTINGS, worker)
        folder = chief.result()
    assert folder.is_finished
    assert len(trained) == 3
    workers = {result.worker for result in read_results(folder.path)}
    assert workers == {f"w1@{socket.gethostname()}:{os.getpid()}"}
    assert not read_results(tmp_path / "b")


def test_all_workers_end_where_one_cannot_go_on(
    tmp_path, trained, workers, monkeypatch
):
    monkeypatch.setattr("tp_keras.data.source.load_portraits", refuse)
    with pytest.raises(UserError, match="data is gone"):
        run_search(tmp_path / "search", SETTINGS, workers=2)
    assert not Worker.alive
    # It may go on.
    assert not list((tmp_path / "search").rglob("attempts.json"))


@pytest.mark.large
def test_workers_train_for_real(tmp_path, tiny_data_dir, monkeypatch):
    monkeypatch.undo()
    settings = SearchSettings(
        base=ExperimentConfig(
            data=DataConfig(
                data_dir=str(tiny_data_dir),
                dataset="tiny_portraits/synthetic_tiny",
            ),
            training=TrainingConfig(batch_size=32),
        ),
        space=SearchSpace(block_types=("separable",), widths=(16,)),
        tuner="hyperband",
        trials=3,
        budget_seconds=2.0,
    )
    folder = run_search(tmp_path / "search", settings, workers=2)
    results = read_results(folder.path)
    assert [result.status for result in results] == ["completed"] * 3
    assert all(result.latency_ms > 0 for result in results)
    assert folder.is_finished


def test_missing_data_is_told_before_a_folder_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(search, "resolve_splits", refuse)
    with pytest.raises(UserError, match="data is gone"):
        run_search(tmp_path / "search", SETTINGS)
    assert not (tmp_path / "search").exists()
