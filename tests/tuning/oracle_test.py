import json

import pytest

from tp_keras.config import ExperimentConfig
from tp_keras.runs.score import SCORE
from tp_keras.tuning.oracle import make_oracle
from tp_keras.tuning.search_settings import SearchSettings
from tp_keras.tuning.search_space import SearchSpace


def make(tmp_path, backbones=("a", "b"), dropout_rates=(0.0, 0.5), **settings):
    # Few dimensions, so that a proposal takes little time.
    space = SearchSpace(
        backbones=backbones,
        learning_rates=(1e-3, 1e-3),
        augment_strengths=(1.0, 1.0),
        label_smoothings=(0.0, 0.0),
        weight_decays=(0.1, 0.1),
        dropout_rates=dropout_rates,
    )
    settings = SearchSettings(ExperimentConfig(), space, **settings)
    return make_oracle(settings, tmp_path)


def run_all(oracle, score):
    """Runs all trials, and returns them and how it ended."""
    trials = []
    while (trial := oracle.create_trial("me")).status == "RUNNING":
        trials.append(trial)
        end(oracle, trial, score(trial))
    assert trial.status == "STOPPED"
    return trials


def values_of(trials, name):
    return [trial.hyperparameters.values[name] for trial in trials]


def end(oracle, trial, score):
    oracle.update_trial(trial.trial_id, {SCORE: score})
    trial.status = "COMPLETED"
    oracle.end_trial(trial)


def score_of(trial):
    return 0.5 + trial.hyperparameters.values["dropout_rate"]


@pytest.mark.parametrize("tuner", ["hyperband", "bayesian"])
def test_seeds_decide_and_trials_end(tmp_path, tuner):
    found = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        oracle = make(tmp_path / name, tuner=tuner, trials=4, seed=seed)
        trials = run_all(oracle, score_of)
        found.append([trial.hyperparameters.values for trial in trials])
    assert len(found[0]) == 4
    assert found[0] == found[1] != found[2]


def test_hyperband_gives_the_best_third_the_threefold(tmp_path):
    trials = run_all(make(tmp_path, tuner="hyperband", trials=13), score_of)
    units = values_of(trials, "tuner/epochs")
    # Nine on a ninth, three on a third, one on all: the first bracket.
    assert sorted(units) == [1] * 9 + [3] * 3 + [9]
    first, second = (
        [trial for trial, unit in zip(trials, units, strict=True) if unit == of]
        for of in (1, 3)
    )
    best = sorted(first, key=score_of)[-3:]
    promoted = values_of(second, "tuner/trial_id")
    assert sorted(promoted) == sorted(trial.trial_id for trial in best)


def test_bayesian_tries_no_choice_twice_and_goes_where_the_score_is(tmp_path):
    oracle = make(
        tmp_path / "a",
        trials=9,
        backbones=("a", "b", "c", "d"),
        dropout_rates=(0.2, 0.2),
    )
    tried = values_of(run_all(oracle, lambda trial: 0.5), "backbone")
    assert sorted(tried) == ["a", "b", "c", "d"]
    # Best at 0.5, the end of the range, and only this number counts.
    oracle = make(tmp_path / "b", trials=6, backbones=("a",))
    rates = values_of(run_all(oracle, score_of), "dropout_rate")
    assert sum(rates[3:]) > sum(rates[:3])


def test_a_kill_between_two_files_loses_nothing(tmp_path):
    oracle = make(tmp_path, trials=3)
    first = oracle.create_trial("me")
    path = tmp_path / "oracle" / "oracle.json"
    before = path.read_text()
    end(oracle, first, 0.7)
    second = oracle.create_trial("me")
    # The trials were written, and the state that tells of them was not.
    path.write_text(before)
    assert list(json.loads(before)["ongoing_trials"]) == ["me"]
    again = make(tmp_path, trials=3)
    trial = again.create_trial("me")
    assert trial.trial_id == second.trial_id
    end(again, trial, 0.6)
    third = again.create_trial("me")
    assert third.trial_id not in (first.trial_id, second.trial_id)
    end(again, third, 0.5)
    assert again.create_trial("me").status == "STOPPED"
    best, *_ = again.get_best_trials()
    assert (best.trial_id, best.score) == (first.trial_id, 0.7)
