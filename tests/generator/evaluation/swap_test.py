import numpy as np
import pytest

from tests.generator.evaluation.made_generators import ColorJudge
from tests.generator.evaluation.made_generators import MadeSampler
from tests.portrait_factory import make_portraits
from tp_keras import tasks
from tp_keras.generator.evaluation import swap


def measure(sampler, before=None):
    portraits = make_portraits(120, seed=3, missing=0.1)
    judge = ColorJudge()
    found = swap.measure_swaps(
        sampler.edit,
        judge.predict,
        portraits.images,
        portraits.labels,
        before or judge.predict(portraits.images),
        seed=0,
    )
    return {
        (
            one["metric"],
            one["task"],
            one.get("class_name"),
            one.get("variant"),
        ): one
        for one in found
    }


def test_an_edit_that_does_what_it_should():
    found = measure(MadeSampler())
    for task in tasks.TASK_NAMES:
        assert found["swap_success", task, None, None]["value"] == 1
        assert found["swap_kept", task, None, None]["value"] == 1
    assert found["unedited_kept", "all", None, None]["value"] == 1
    classes = [
        found["swap_success", "hair_color", name, None]["count"]
        for name in ("black", "brown", "blond", "gray")
    ]
    whole = found["swap_success", "hair_color", None, None]
    assert sum(classes) == whole["count"] > 20
    assert min(classes) > 0


def test_an_edit_that_does_nothing():
    found = measure(MadeSampler(ignore=["hair_color"]))
    color = found["swap_success", "hair_color", None, None]
    assert color["value"] == 0
    assert found["swap_kept", "hair_color", None, None]["value"] == 1
    assert found["swap_success", "gender", None, None]["value"] == 1


class Meddling(MadeSampler):
    """Also turns the gender of every portrait whose hair it edits."""

    def edit(self, images, labels, new_labels):
        changed = new_labels["hair_type"] != labels["hair_type"]
        gender = np.where(changed, 1 - labels["gender"], new_labels["gender"])
        return super().edit(images, labels, {**new_labels, "gender": gender})


def test_an_edit_that_changes_more_than_it_should():
    found = measure(Meddling())
    kept = {
        name: found["swap_kept", "hair_type", None, name]["value"]
        for name in ("gender", "hair_color")
    }
    assert kept == {"gender": 0, "hair_color": 1}
    assert found["swap_kept", "hair_type", None, None]["value"] == 0
    assert found["swap_kept", "gender", None, None]["value"] == 1


def test_only_what_is_read_rightly_counts():
    labels = {
        "gender": np.array([0, 0, 1, 1, 0]),
        "hair_color": np.array([0, 4, 1, 1, -1]),
        "hair_type": np.array([0, 0, 1, 2, 0]),
    }
    before = {name: own.copy() for name, own in labels.items()}
    assert swap.swappable_rows(labels, before).tolist() == [0, 2]
    before["gender"][2] = 0
    assert swap.swappable_rows(labels, before).tolist() == [0]


def test_no_portrait_at_all():
    wrong = {task.name: np.full(120, tasks.MISSING) for task in tasks.TASKS}
    found = measure(MadeSampler(), before=wrong)
    assert all(one["value"] is None for one in found.values())
    assert all(one["count"] == 0 for one in found.values())


@pytest.mark.parametrize("task", tasks.TASKS, ids=lambda task: task.name)
def test_the_new_class_is_another_one_and_never_bald(task):
    labels = {task.name: np.zeros(500, int)}
    new = swap.swap(labels, task, np.random.default_rng(0))[task.name]
    others = {
        index
        for index, name in enumerate(task.classes)
        if index and name != "bald"
    }
    assert set(new) == others
