import numpy as np
import pytest

from tests.generator.evaluation.made_generators import ColorJudge
from tests.generator.evaluation.made_generators import MadeSampler
from tests.portrait_factory import make_portraits
from tp_keras import tasks
from tp_keras.generator.evaluation import attributes
from tp_keras.generator.evaluation.attributes import Cell


def by(fields, **criteria):
    """Returns the one of `fields` that has the criteria."""
    (found,) = (
        one
        for one in fields
        if all(one.get(name) == value for name, value in criteria.items())
    )
    return found


def same(gender, hair_color, hair_type):
    return {
        "gender": np.array(gender),
        "hair_color": np.array(hair_color),
        "hair_type": np.array(hair_type),
    }


def test_fidelity_by_hand():
    asked = same([0, 0, 1, 1], [0, 1, -1, 3], [-1, -1, -1, -1])
    said = same([0, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0])
    real = same([0, 1, 0, 1, 1], [0, 1, 2, 3, 4], [0, 0, 0, 1, 1])
    real_said = same([0, 1, 0, 1, 0], [0, 1, 2, 0, 0], [0, 0, 0, 1, 0])
    found = list(attributes.measure_fidelity(asked, said, real, real_said))
    gender = by(found, metric="fidelity", task="gender")
    assert gender["value"] == pytest.approx((3 / 4) / (4 / 5))
    color = by(found, metric="fidelity", task="hair_color")
    assert color["value"] == pytest.approx((2 / 3) / (3 / 5))
    assert color["count"] == 3
    # Nothing was asked of hair type.
    assert by(found, metric="fidelity", task="hair_type")["value"] is None
    mean = by(found, metric="mean_fidelity")
    assert mean["value"] == pytest.approx(
        (gender["value"] + color["value"]) / 2
    )


def test_a_generator_that_ignores_labels_is_at_chance():
    real = make_portraits(400, seed=1)
    judge = ColorJudge()
    made = MadeSampler(ignore=["hair_color"]).generate(real.labels, seed=2)
    found = list(
        attributes.measure_fidelity(
            real.labels,
            judge.predict(made),
            real.labels,
            judge.predict(real.images),
        )
    )
    assert by(found, metric="fidelity", task="gender")["value"] == 1
    color = by(found, metric="fidelity", task="hair_color")
    assert color["value"] == pytest.approx(1 / 5, abs=0.07)


def test_cells_by_hand():
    blond = tasks.HAIR_COLOR.classes.index("blond")
    female = Cell(tasks.HAIR_COLOR, blond, 0)
    male = Cell(tasks.HAIR_COLOR, blond, 1)
    wavy = Cell(tasks.HAIR_TYPE, 1)
    real = same([0] * 4 + [1], [blond] * 5, [1] * 5)
    real_said = same([0, 0, 0, 1, 1], [blond] * 5, [1, 1, 1, 1, 0])
    answers = {
        female: same([0, 1, 0, 0], [blond, 0, 0, 0], [0] * 4),
        male: same([0] * 4, [0] * 4, [0] * 4),
        wavy: same([0] * 4, [0] * 4, [1, 1, 1, 0]),
    }
    found = list(attributes.measure_cells(answers, real, real_said, 2))

    def fidelity(**criteria):
        return by(found, metric="cell_fidelity", **criteria)["value"]

    assert fidelity(group="female", task="gender") == 1.0
    assert fidelity(group="female", task="hair_color") == 0.25
    # One real portrait is too few.
    assert fidelity(group="male", task="hair_color") is None
    assert fidelity(group="all", task="hair_type") == pytest.approx(0.75 / 0.8)
    worst = by(found, metric="worst_cell_fidelity")
    assert worst["value"] == 0.25
    assert (worst["group"], worst["class_name"]) == ("female", "blond")


def test_every_cell_is_there_once():
    cells = attributes.all_cells()
    assert len(set(cells)) == len(cells) == 2 * 5 + 3


def test_conditions_of_a_cell_are_those_of_its_portraits():
    labels = same([0, 0, 1], [2, 2, 2], [0, 1, 0])
    cell = Cell(tasks.HAIR_COLOR, 2, 1)
    generator = np.random.default_rng(0)
    drawn = attributes.draw_cell_labels(cell, labels, 7, generator)
    assert {name: set(own) for name, own in drawn.items()} == {
        "gender": {1},
        "hair_color": {2},
        "hair_type": {0},
    }
    drawn = attributes.draw_cell_labels(
        Cell(tasks.HAIR_COLOR, 4, 1), labels, 7, generator
    )
    assert {name: set(own) for name, own in drawn.items()} == {
        "gender": {1},
        "hair_color": {4},
        "hair_type": {-1},
    }
