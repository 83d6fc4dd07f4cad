import pytest

from tests.fairness.sweep.made_outcomes import TASK
from tests.fairness.sweep.made_outcomes import make_outcome
from tp_keras.fairness.sweep import outcome as outcome_lib
from tp_keras.fairness.sweep.settings import ChoiceSettings


def recalls(female, male):
    return {("blond", "female"): (female, 200), ("blond", "male"): (male, 20)}


NONE = make_outcome("none", recalls=recalls(0.9, 0.5))


def choose(outcomes, **settings):
    return outcome_lib.choose(outcomes, TASK, ChoiceSettings(**settings))


def failures(choice):
    return {item.outcome.name: item.failures for item in choice.verdicts}


def test_the_smallest_probe_is_chosen_among_those_that_pass():
    choice = choose(
        [
            NONE,
            make_outcome("grl:1", probe=0.7),
            make_outcome("grl:2", probe=0.6),
            make_outcome("grl:3", probe=0.5, accuracy=0.889),
        ]
    )
    assert choice.chosen.name == "grl:2"
    assert failures(choice) == {
        "grl:1": (),
        "grl:2": (),
        "grl:3": ("accuracy 88.9 % after 90.0 %",),
    }
    # A loss of exactly a point passes.
    for accuracy, passes in ((0.89, True), (0.8899, False)):
        item = make_outcome("grl:1", probe=0.6, accuracy=accuracy)
        assert (choose([NONE, item]).chosen is item) == passes


def test_no_group_may_be_levelled_down():
    level = make_outcome("grl:1", probe=0.5, recalls=recalls(0.875, 0.875))
    kept = make_outcome("grl:2", probe=0.8, recalls=recalls(0.88, 0.5))
    choice = choose([NONE, level, kept])
    assert choice.chosen is kept
    assert failures(choice)["grl:1"] == (
        "recall lost: blond female 2.5 points (n = 200)",
    )
    # A group of fewer portraits than are needed does not decide.
    small = {"unsupported": [("blond", "female")]}
    none = make_outcome("none", recalls=recalls(0.9, 0.5), **small)
    less = make_outcome("grl:1", probe=0.5, recalls=recalls(0.5, 0.5), **small)
    assert choose([none, less]).chosen is less


def test_recalls_are_pooled_over_the_seeds():
    seeds = [{"recalls": recalls(recall, 0.5)} for recall in (0.85, 0.92)]
    pooled = make_outcome("grl:1", *seeds, probe=0.5)
    none = make_outcome("none", {}, {}, recalls=recalls(0.9, 0.5))
    assert choose([none, pooled]).chosen is pooled
    # Not the mean of recalls: each portrait of each seed counts once.
    group = "blond", "female"
    uneven = make_outcome(
        "grl:1", {"recalls": {group: (1.0, 10)}}, {"recalls": {group: (0, 30)}}
    )
    assert uneven.group_recalls("test", TASK)[group] == (0.25, 40)


def test_one_portrait_of_a_small_group_is_not_levelling_down():
    for lost, passes in ((1, True), (2, False)):
        # One of 20 is 5 points; in each of two seeds, as many.
        for seeds in (({},), ({}, {})):
            none = make_outcome("none", *seeds, recalls=recalls(0.9, 0.5))
            fewer = {"probe": 0.5, "recalls": recalls(0.9, 0.5 - lost / 20)}
            item = make_outcome("grl:1", *seeds, **fewer)
            assert (choose([none, item]).chosen is item) == passes


def test_within_half_a_point_the_worst_group_decides():
    far = make_outcome("grl:3", probe=0.606, worst=0.9)
    near = make_outcome("grl:2", probe=0.605, worst=0.7)
    best = make_outcome("grl:1", probe=0.6, worst=0.6)
    assert choose([NONE, best, near, far]).chosen is near
    assert choose([NONE, best, near, far], tie=0.0).chosen is best


def test_if_nothing_passes_the_best_and_their_failures_are_named():
    far = make_outcome(
        "grl:2", probe=0.5, accuracy=0.8, recalls=recalls(0.7, 0.25)
    )
    near = make_outcome("grl:1", probe=0.7, accuracy=0.85)
    useless = make_outcome("reweigh", probe=0.9)
    choice = choose([NONE, far, near, useless])
    assert choice.chosen is None
    assert choice.shown is near
    assert failures(choice) == {
        "grl:1": ("accuracy 85.0 % after 90.0 %",),
        "reweigh": ("conditional probe 0.900 after 0.900",),
        "grl:2": (
            "recall lost: blond male 25.0 points (n = 20), "
            "blond female 20.0 points (n = 200)",
            "accuracy 80.0 % after 90.0 %",
        ),
    }


def test_what_is_not_supported_or_good_on_test_alone_is_not_chosen():
    choice = choose([NONE, make_outcome("grl:1", probe=None)])
    assert choice.chosen is None
    assert failures(choice) == {"grl:1": ("conditional probe not supported",)}
    tested = make_outcome("grl:1", probe=0.5)
    swapped = make_outcome("grl:1", probe=0.95)
    tested.records["validation"] = swapped.records["validation"]
    assert choose([NONE, tested]).chosen is None


def test_made_outcomes_are_what_they_say():
    assert NONE.mean("test", "conditional_probe", TASK) == pytest.approx(0.9)
    assert NONE.mean("test", "equalized_odds", TASK) == pytest.approx(0.4)
    assert NONE.group_recalls("test", TASK) == recalls(0.9, 0.5)
