import json

import pytest

from tp_keras.config import ExperimentConfig
from tp_keras.runs.callbacks import SCORE
from tp_keras.tuning.oracle import make_oracle
from tp_keras.tuning.search_settings import SearchSettings
from tp_keras.tuning.search_space import SearchSpace


def make(
    tmp_path,
    tuner="bayesian",
    trials=6,
    seed=0,
    backbones=("a", "b"),
    dropout_rates=(0.0, 0.5),
):
    # Few dimensions, so that a proposal takes little time.
    space = SearchSpace(
        backbones=backbones,
        learning_rates=(1e-3, 1e-3),
        augment_strengths=(1.0, 1.0),
        label_smoothings=(0.0, 0.0),
        weight_decays=(0.1, 0.1),
        dropout_rates=dropout_rates,
    )
    settings = SearchSettings(
        base=ExperimentConfig(),
        space=space,
        tuner=tuner,
        trials=trials,
        seed=seed,
    )
    return make_oracle(settings, tmp_path)


def end(oracle, trial, score):
    oracle.update_trial(trial.trial_id, {SCORE: score})
    trial.status = "COMPLETED"
    oracle.end_trial(trial)


def score_of(trial):
    return 0.5 + trial.hyperparameters.values["dropout_rate"]


@pytest.mark.parametrize("tuner", ["hyperband", "bayesian"])
def test_seeds_decide_and_trials_end(tmp_path, tuner):
    chosen = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        oracle = make(tmp_path / name, tuner, trials=4, seed=seed)
        chosen[name] = []
        while (trial := oracle.create_trial("me")).status == "RUNNING":
            chosen[name].append(trial.hyperparameters.values)
            end(oracle, trial, score_of(trial))
        assert trial.status == "STOPPED"
    assert len(chosen["a"]) == 4
    assert chosen["a"] == chosen["b"]
    assert chosen["a"] != chosen["c"]


def test_hyperband_gives_the_best_third_the_threefold(tmp_path):
    oracle = make(tmp_path, "hyperband", trials=13)
    trials = []
    while (trial := oracle.create_trial("me")).status == "RUNNING":
        trials.append(trial)
        end(oracle, trial, score_of(trial))
    units = [t.hyperparameters.values["tuner/epochs"] for t in trials]
    # Nine on a ninth, three on a third, one on all: the first bracket.
    assert sorted(units) == [1] * 9 + [3] * 3 + [9]
    first = [t for t in trials if t.hyperparameters.values["tuner/epochs"] == 1]
    best = sorted(first, key=score_of)[-3:]
    promoted = [
        t.hyperparameters.values["tuner/trial_id"]
        for t in trials
        if t.hyperparameters.values["tuner/epochs"] == 3
    ]
    assert sorted(promoted) == sorted(t.trial_id for t in best)


def test_bayesian_tries_no_choice_twice(tmp_path):
    oracle = make(
        tmp_path,
        trials=9,
        backbones=("a", "b", "c", "d"),
        dropout_rates=(0.2, 0.2),
    )
    tried = []
    while (trial := oracle.create_trial("me")).status == "RUNNING":
        tried.append(trial.hyperparameters.values["backbone"])
        end(oracle, trial, 0.5)
    assert trial.status == "STOPPED"
    assert sorted(tried) == ["a", "b", "c", "d"]


def test_bayesian_goes_where_the_score_is(tmp_path):
    oracle = make(tmp_path, trials=6, backbones=("a",))
    rates = []
    while (trial := oracle.create_trial("me")).status == "RUNNING":
        rates.append(trial.hyperparameters.values["dropout_rate"])
        # Best at 0.5, the end of the range, and only this number counts.
        end(oracle, trial, rates[-1])
    at_random, proposed = rates[:3], rates[3:]
    assert sum(proposed) > sum(at_random)


def test_a_trial_cut_short_is_done_again(tmp_path):
    oracle = make(tmp_path)
    first = oracle.create_trial("me")
    end(oracle, first, 0.7)
    cut = oracle.create_trial("me")
    again = make(tmp_path)
    assert again.create_trial("another").trial_id == cut.trial_id
    assert again.trials[first.trial_id].score == 0.7


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
