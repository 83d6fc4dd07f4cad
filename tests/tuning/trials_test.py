"""Trials are given out once, again if their worker is lost, and end once."""

import dataclasses

import pytest
from tqdm import tqdm

from tests.tuning.results import make_result
from tp_keras.config import ExperimentConfig
from tp_keras.errors import UserError
from tp_keras.tuning import trials as module
from tp_keras.tuning.search_settings import SearchFolder
from tp_keras.tuning.search_settings import SearchSettings
from tp_keras.tuning.search_space import SearchSpace
from tp_keras.tuning.trial import read_results
from tp_keras.tuning.trials import Trials

SETTINGS = SearchSettings(
    ExperimentConfig(), SearchSpace(), tuner="hyperband", trials=3
)
PATIENCE = 10.0


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when a test says so."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def trials(tmp_path, clock):
    return open_trials(tmp_path / "search")


def open_trials(path):
    folder = SearchFolder(path)
    folder.claim(SETTINGS)
    return Trials(folder, tqdm(disable=True), PATIENCE)


def take(trials, worker):
    return trials.take(worker).get("trial_id")


def end(trials, worker, trial_id, **figures):
    result = make_result(trial_id, **figures)
    trials.end(worker, dataclasses.asdict(result))


def test_each_trial_has_one_worker_and_ends_once(trials):
    assert take(trials, "a") == "0"
    assert take(trials, "a") == "0"  # It has one, and needs no other.
    assert take(trials, "b") == "1"
    end(trials, "a", "0", score=0.5)
    end(trials, "b", "1")
    assert take(trials, "b") == "2"
    # As long as one runs it may get lost, so nobody goes.
    assert trials.take("a") == {"status": "IDLE"}
    end(trials, "b", "2")
    assert not trials.is_done
    assert trials.take("a") == {"status": "STOPPED"}
    assert not trials.is_done  # The other doesn't know.
    assert trials.take("b") == {"status": "STOPPED"}
    assert trials.is_done
    results = read_results(trials.folder.path)
    assert [result.worker for result in results] == ["a", "b", "b"]
    assert trials.oracle.get_trial("0").score == 0.5


def test_a_silent_worker_loses_its_trial_to_the_next_that_asks(
    trials, clock, capsys
):
    assert take(trials, "lost") == "0"
    assert take(trials, "here") == "1"
    clock[0] += 0.9 * PATIENCE
    trials.sign("here", "1")
    assert take(trials, "new") == "2"
    clock[0] += 0.2 * PATIENCE
    end(trials, "here", "1")
    assert take(trials, "here") == "0"
    assert "No sign of worker lost for 10 s" in capsys.readouterr().out
    # It was only slow, and first: the other's result comes too late.
    end(trials, "lost", "0", score=0.6)
    end(trials, "here", "0", score=0.7)
    end(trials, "new", "2")
    assert trials.take("here") == {"status": "STOPPED"}
    assert [r.score for r in read_results(trials.folder.path)] == [
        0.6,
        0.8,
        0.8,
    ]
    # Nobody waits for the lost one for ever.
    assert not trials.is_done
    clock[0] += PATIENCE
    assert trials.is_done


def test_the_last_worker_may_go_without_a_word(trials, clock):
    for trial_id in "012":
        assert take(trials, "a") == trial_id
        assert not trials.is_done
        end(trials, "a", trial_id)
    assert not trials.is_done
    clock[0] += PATIENCE
    assert trials.is_done


def test_a_late_result_spares_another_the_trial(trials, clock):
    assert take(trials, "slow") == "0"
    clock[0] += PATIENCE
    assert trials.oracle.release("slow")
    end(trials, "slow", "0")
    assert take(trials, "next") == "1"


def test_workers_survive_their_chief(trials, tmp_path):
    assert take(trials, "a") == "0"
    again = open_trials(tmp_path / "search")
    again.sign("a", "0")
    assert take(again, "b") == "1"
    end(again, "a", "0")
    assert take(again, "a") == "2"


def test_a_trial_that_ends_its_workers_is_given_up(trials):
    for worker in "abc":
        assert take(trials, worker) == "0"
        assert trials.lose(worker)
    assert not trials.lose("c")
    assert take(trials, "d") == "1"
    (result,) = read_results(trials.folder.path)
    assert result.message.startswith("The process ended 3 times")


def test_a_trial_that_is_given_back_counts_no_attempt(trials):
    for worker in "abcd":
        assert take(trials, worker) == "0"
        trials.give_back(worker)
    trials.give_back("d")
    assert take(trials, "e") == "0"


@pytest.mark.parametrize(
    "result",
    [
        {"trial_id": "../../../mine"},
        {"trial_id": "0", "score": "high"},
        {"trial_id": "0", "status": None},
    ],
)
def test_a_result_of_something_else_is_refused(trials, result):
    assert take(trials, "a") == "0"
    values = dataclasses.asdict(make_result()) | result
    with pytest.raises(UserError, match="Received"):
        trials.end("a", values)
    assert not read_results(trials.folder.path)
    assert take(trials, "a") == "0"
