import types

import numpy as np
import pytest

from tests.portrait_factory import GENDER
from tests.portrait_factory import HAIR_TYPE
from tests.portrait_factory import ORIGIN
from tests.portrait_factory import SIGNS
from tp_keras.fairness.plots import choose_neighbors
from tp_keras.fairness.plots import draw_leakage
from tp_keras.fairness.plots import draw_neighbors
from tp_keras.records.plot_kit import group_styles
from tp_keras.records.record import Record

LAYERS = ("backbone", "hair_type_embedding", "answer")


def record(metric, value, count=80, group="all", **fields):
    ends = {} if value is None else {"low": value - 0.1, "high": value + 0.1}
    return Record(metric, "hair_type", group, value, count, **ends, **fields)


def marks(panel):
    """Places of the drawn marks."""
    return [
        (float(x), float(y))
        for line in panel.lines
        if line.get_marker() not in (None, "None")
        for x, y in zip(*line.get_data(), strict=True)
    ]


PROBES = [
    record(metric, value + shift, variant=f"{kind} {layer}", null=0.5)
    for metric, shift in (("group_probe", 0), ("conditional_group_probe", -0.1))
    for kind, value in (("linear", 0.7), ("mlp", 0.8))
    for layer in LAYERS
]


def test_probes_stand_by_layer_against_band_and_guessing():
    band = [record("leakage_band_low", 0.6), record("leakage_band_high", 0.69)]
    figure = draw_leakage([*PROBES, *band], HAIR_TYPE, GENDER)
    overall, inside = figure.axes
    for panel, shift in ((overall, 0.0), (inside, -0.1)):
        np.testing.assert_allclose(
            [y for _, y in marks(panel)], [0.7 + shift] * 3 + [0.8 + shift] * 3
        )
        assert [round(x) for x, _ in marks(panel)] == [0, 1, 2, 0, 1, 2]
        labels = [text.get_text() for text in panel.get_xticklabels()]
        assert labels == ["backbone", "hair\ntype\nembedding", "answer"]
        assert [0.5, 0.5] in [list(line.get_ydata()) for line in panel.lines]
    (shade,) = overall.patches
    assert shade.get_y() == pytest.approx(0.6)
    assert shade.get_height() == pytest.approx(0.09)
    assert not inside.patches


def test_probes_without_support_leave_gaps_and_guessing_is_chance():
    probes = [*PROBES]
    probes[1] = record("group_probe", None, 9, variant=probes[1].variant)
    overall, inside = draw_leakage(probes, HAIR_TYPE, GENDER).axes
    assert (len(marks(overall)), len(marks(inside))) == (5, 6)
    probes = [record("group_probe", 0.6, variant="mlp answer", null=1 / 3)]
    overall, _ = draw_leakage(probes, HAIR_TYPE, ORIGIN).axes
    lines = [list(line.get_ydata()) for line in overall.lines]
    assert [1 / 3, 1 / 3] in lines


@pytest.mark.parametrize("task", [HAIR_TYPE, SIGNS], ids=lambda t: t.name)
@pytest.mark.parametrize("protected", [GENDER, ORIGIN], ids=lambda t: t.name)
def test_neighbours_are_framed_by_group_and_named_by_class(task, protected):
    last = protected.num_classes - 1
    classes = np.array([[0, 0, 1, 0], [1, 0, 0, 0]])
    groups = np.array([[0, 0, 1, 1], [1, last, 1, 1]])
    labels = classes.ravel() if task.has_classes else np.zeros((8, 2), int)
    portraits = types.SimpleNamespace(
        images=np.full((8, 12, 10, 3), 77, np.uint8),
        labels={task.name: labels},
        groups=groups.ravel(),
        schema=types.SimpleNamespace(groups=protected.classes),
    )
    rows = np.arange(8).reshape(2, 4)
    (panel,) = draw_neighbors(portraits, task, rows).axes
    pixels = panel.images[0].get_array().reshape(-1, 3)
    frame = 22 * 20 - 12 * 10
    styles = group_styles(protected.classes)
    for index, name in enumerate(protected.classes):
        color = bytes.fromhex(styles[name]["color"][1:])
        found = (pixels == list(color)).all(1).sum()
        assert found == (groups == index).sum() * frame
    assert (pixels == 77).all(1).sum() == 8 * 12 * 10
    words = [text.get_text().split("\n") for text in panel.texts]
    names = [word[0] for word in words if len(word) == 1]
    shown = [HAIR_TYPE.classes[index] for index in classes.ravel()]
    assert names == (shown if task.has_classes else [""] * 8)
    first, second = protected.classes[:2]
    counts = [[part.strip() for part in word] for word in words if word[1:]]
    assert counts[0][0] == f"1 of 3 {first}"
    assert counts[1][0] == f"{3 - (last > 1)} of 3 {second}"
    if task.has_classes:
        assert [count[1][:1] for count in counts] == ["2", "0"]


def test_every_group_is_asked_in_turn_and_unlabelled_ones_are_left_out():
    classes = np.array([0, 0, -1, 0, 0, 1, 1, 1])
    groups = np.array([0, 0, 0, 1, 1, 0, 1, -1])
    embedding = np.random.default_rng(0).normal(size=(8, 5))
    rows = choose_neighbors(classes, groups, embedding, seed=0)
    # All six that have label and gender, and nobody is his own neighbour.
    assert sorted(rows[:, 0]) == [0, 1, 3, 4, 5, 6]
    for line in rows:
        assert sorted(line) == [0, 1, 3, 4, 5, 6]
    cells = list(zip(classes[rows[:, 0]], groups[rows[:, 0]], strict=True))
    assert cells == sorted(cells)


def test_neighbours_come_nearest_first():
    angles = np.array([0.0, 0.1, 0.3, 0.6, 1.0])
    embedding = 7 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    ones = np.zeros(5, int)
    rows = choose_neighbors(ones, ones, embedding, seed=0).tolist()
    assert [0, 1, 2, 3, 4] in rows
    assert [2, 1, 0, 3, 4] in rows


def test_ten_queries_of_many_come_from_each_group():
    generator = np.random.default_rng(1)
    classes = np.repeat([0, 1, 2], 40)
    groups = (generator.random(120) < 0.05).astype(int)
    embedding = generator.normal(size=(120, 8))
    rows, again, other = (
        choose_neighbors(classes, groups, embedding, seed) for seed in (3, 3, 4)
    )
    assert rows.shape == (10, 11)
    asked = set(zip(classes[rows[:, 0]], groups[rows[:, 0]], strict=True))
    assert asked == set(zip(classes, groups, strict=True))
    np.testing.assert_array_equal(rows, again)
    assert not np.array_equal(rows, other)


@pytest.mark.parametrize("labelled", [0, 1])
def test_nothing_to_show_is_no_query(labelled):
    classes = np.where(np.arange(4) < labelled, 0, -1)
    assert choose_neighbors(classes, np.zeros(4, int), np.eye(4), 0) is None
