import dataclasses

import numpy as np
import pytest
from scipy.stats.contingency import relative_risk

from tests.generator.evaluation.made_generators import BandJudge
from tests.generator.evaluation.made_generators import MadeSampler
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import GENDER
from tests.portrait_factory import HAIR_COLOR
from tests.portrait_factory import HAIR_TYPE
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.generator.evaluation import attributes
from tp_keras.generator.evaluation.attributes import Cell

TASKS = SCHEMA.condition_tasks


def by(fields, **criteria):
    """Returns the one of `fields` that has the criteria."""
    (found,) = (
        one
        for one in fields
        if all(one.get(name) == value for name, value in criteria.items())
    )
    return found


def same(*columns):
    return dict(zip(SCHEMA.conditions, map(np.array, columns), strict=True))


def test_fidelity_by_hand():
    asked = same([0, 0, 1, 1], [0, 1, -1, 3], [-1, -1, -1, -1])
    said = same([0, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0])
    real = same([0, 1, 0, 1, 1], [0, 1, 2, 3, 4], [0, 0, 0, 1, 1])
    real_said = same([0, 1, 0, 1, 0], [0, 1, 2, 0, 0], [0, 0, 0, 1, 0])
    found = list(
        attributes.measure_fidelity(TASKS, asked, said, real, real_said)
    )
    gender, color, kind = (
        by(found, metric="fidelity", task=task) for task in SCHEMA.conditions
    )
    assert gender["value"] == pytest.approx((3 / 4) / (4 / 5))
    assert color["value"] == pytest.approx((2 / 3) / (3 / 5))
    assert color["count"] == 3
    # Nothing was asked of hair type.
    assert kind["value"] is None


def test_cells_by_hand():
    blond = HAIR_COLOR.classes.index("blond")
    female, male = (
        Cell(((GENDER, gender), (HAIR_COLOR, blond))) for gender in (0, 1)
    )
    wavy = Cell(((HAIR_TYPE, 1),))
    real = same([0] * 4 + [1], [blond] * 5, [1] * 5)
    real_said = same([0, 0, 0, 1, 0], [blond] * 5, [1, 1, 1, 1, 0])
    answers = {
        female: same([0, 1, 0, 0], [blond, 0, 0, 0], [0] * 4),
        male: same([0] * 4, [blond] * 4, [0] * 4),
        wavy: same([0] * 4, [0] * 4, [1, 1, 1, 0]),
    }
    found = list(attributes.measure_cells(answers, real, real_said))

    for name, task, expected in (
        ("female, blond", "gender", 1.0),
        ("female, blond", "hair_color", 0.25),
        # The judge recognises no real one.
        ("male, blond", "gender", None),
        ("wavy", "hair_type", pytest.approx(0.75 / 0.8)),
    ):
        fields = by(found, metric="cell_fidelity", class_name=name, task=task)
        assert fields["value"] == expected
    worst = by(found, metric="worst_cell_fidelity", task="hair_color")
    assert (worst["value"], worst["class_name"]) == (0.25, "female, blond")


def test_cells_are_every_combination_once():
    cells = attributes.all_cells(TASKS)
    assert len({cell.name for cell in cells}) == len(cells) == 2 * 5 * 3
    labels = [own.tolist() for own in cells[-1].labels(2).values()]
    assert labels == [[1, 1], [4, 4], [2, 2]]
    rows = cells[-1].rows(same([1, 0, 1], [4, 4, 4], [2, 2, -1]))
    assert rows.tolist() == [0]


@pytest.mark.parametrize("hits, base", [(0, 20), (20, 20), (1, 2)])
def test_ends_hold_the_ratio_where_shares_are_at_their_ends(hits, base):
    low, high = attributes.ratio_interval(hits, 20, base, 20)
    assert 0 <= low <= hits / base <= high != low
    # A base of next to nothing leaves it open.
    low, high = attributes.ratio_interval(5, 10, 1, 100)
    assert low == 0 and high > 100


def test_an_interval_of_a_ratio_covers_as_often_as_it_says():
    # Of large counts it is that of the logarithm.
    low, high = attributes.ratio_interval(7200, 9000, 8100, 9000)
    known = relative_risk(7200, 9000, 8100, 9000).confidence_interval(0.95)
    assert (low, high) == pytest.approx((known.low, known.high), abs=1e-4)
    generator = np.random.default_rng(0)
    ours = generator.binomial(60, 0.9, 2000)
    theirs = generator.binomial(40, 0.95, 2000)
    covered = [
        low <= 0.9 / 0.95 <= high
        for low, high in (
            attributes.ratio_interval(int(a), 60, int(b), 40)
            for a, b in zip(ours, theirs, strict=True)
        )
    ]
    assert 0.93 < np.mean(covered) < 0.985


# === Edits ===


def measure(sampler, before=None, schema=SCHEMA):
    portraits = make_portraits(120, seed=3, missing=0.1, schema=schema)
    judge = BandJudge(schema)
    found = attributes.measure_edits(
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
    # Also turns the gender of every portrait whose hair it edits.
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
    fields = attributes.measure_edits(
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
