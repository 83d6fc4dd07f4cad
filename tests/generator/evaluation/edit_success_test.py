import dataclasses

import numpy as np
import pytest

from tests.generator.evaluation.made_generators import BandJudge
from tests.generator.evaluation.made_generators import MadeSampler
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import HAIR_COLOR
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.generator.evaluation import edit_success


def measure(sampler, before=None, schema=SCHEMA):
    portraits = make_portraits(120, seed=3, missing=0.1, schema=schema)
    judge = BandJudge(schema)
    found = edit_success.measure_edits(
        sampler,
        judge,
        portraits,
        before or judge.predict(portraits.images),
        seed=0,
    )
    return {
        (one["metric"], one["task"], one.get("variant")): one for one in found
    }


@pytest.mark.parametrize("schema", [SCHEMA, EVERY_KIND], ids=["hair", "kinds"])
def test_an_edit_that_does_what_it_should(schema):
    found = measure(MadeSampler(schema), schema=schema)
    for task in schema.conditions:
        assert found["edit_success", task, None]["value"] == 1
        assert found["edit_kept", task, None]["value"] == 1
    assert found["unedited_kept", "all", None]["value"] == 1
    assert found["edit_success", task, None]["count"] > 20


def test_an_edit_that_does_nothing_or_more_than_it_should():
    found = measure(MadeSampler(ignore=["hair_color"]))
    assert found["edit_success", "hair_color", None]["value"] == 0
    assert found["edit_kept", "hair_color", None]["value"] == 1
    assert found["edit_success", "gender", None]["value"] == 1
    found = measure(Meddling())
    assert found["edit_kept", "hair_type", "gender"]["value"] == 0
    assert found["edit_kept", "hair_type", "hair_color"]["value"] == 1
    assert found["edit_kept", "hair_type", None]["value"] == 0
    assert found["edit_kept", "gender", None]["value"] == 1


class Meddling(MadeSampler):
    """Also turns the gender of every portrait whose hair it edits."""

    def edit(self, images, labels, new_labels):
        changed = new_labels["hair_type"] != labels["hair_type"]
        gender = np.where(changed, 1 - labels["gender"], new_labels["gender"])
        return super().edit(images, labels, {**new_labels, "gender": gender})


def test_only_what_is_read_rightly_counts_and_contradicts_nothing():
    # Of six: two are bald in one task, one misread, one without a label.
    labels = {
        "gender": np.array([0, 0, 1, 1, 0, 1]),
        "hair_color": np.array([0, 4, 1, 1, -1, 2]),
        "hair_type": np.array([0, 0, 1, 2, 0, 1]),
    }
    before = {name: own.copy() for name, own in labels.items()}
    before["gender"][2] = 0
    numbers = []

    class Listening(MadeSampler):
        def edit(self, images, labels, new_labels):
            numbers.append(images.ravel().tolist())
            return images

    class Numbered:
        def predict(self, images):
            return {name: before[name][images[:, 0]] for name in before}

    portraits = dataclasses.replace(
        make_portraits(1), images=np.arange(6)[:, None], labels=labels
    )
    fields = edit_success.measure_edits(
        Listening(), Numbered(), portraits, before, seed=0
    )
    assert {one["count"] for one in fields} == {2}
    assert numbers == [[0, 5]] * 4


def test_no_portrait_at_all():
    wrong = {name: np.full(120, -1) for name in SCHEMA.conditions}
    for one in measure(MadeSampler(), before=wrong).values():
        assert (one["value"], one["count"]) == (None, 0)


def test_the_new_class_is_any_other_one_but_bald():
    asked = []

    class Listening(MadeSampler):
        def edit(self, images, labels, new_labels):
            asked.append((labels["hair_color"], new_labels["hair_color"]))
            return super().edit(images, labels, new_labels)

    measure(Listening())
    old, new = (np.concatenate(own) for own in zip(*asked, strict=True))
    pairs = set(zip(old.tolist(), new.tolist(), strict=True))
    others = range(HAIR_COLOR.classes.index("bald"))
    assert pairs == {(a, b) for a in others for b in others}
