import numpy as np
import pytest

from tp_keras.evaluation.plots import COLORS
from tp_keras.fairness.counterfactual_plot import draw_counterfactuals
from tp_keras.fairness.leakage_plot import draw_leakage
from tp_keras.fairness.neighbor_grid import NeighborGrid
from tp_keras.fairness.neighbor_plot import draw_neighbors
from tp_keras.fairness.recall_plot import draw_recalls
from tp_keras.records.record import Record
from tp_keras.tasks import HAIR_TYPE

LAYERS = ("backbone", "hair_type_embedding", "logits")


def record(metric, value, count=80, group="all", **fields):
    ends = {} if value is None else {"low": value - 0.1, "high": value + 0.1}
    return Record(metric, "hair_type", group, value, count, **ends, **fields)


def marks(panel):
    """Values of the drawn marks along both axes, with how they are filled."""
    return [
        (float(x), float(y), line.get_markerfacecolor())
        for line in panel.lines
        if line.get_marker() not in (None, "None")
        for x, y in zip(*line.get_data(), strict=True)
    ]


def test_recalls_of_few_are_hollow_and_of_none_are_named():
    records = [
        record("group_recall", 0.8, class_name="straight", group="female"),
        record("group_recall", 0.6, class_name="straight", group="male"),
        record("group_recall", 0.7, class_name="wavy", group="female"),
        record(
            "group_recall",
            0.2,
            7,
            class_name="wavy",
            group="male",
            variant="unsupported",
        ),
        record(
            "group_recall",
            None,
            0,
            class_name="bald",
            group="female",
            variant="unsupported",
        ),
        record("group_recall", 0.9, class_name="bald", group="male"),
    ]
    (panel,) = draw_recalls(records, HAIR_TYPE).axes
    shown = [(x, fill) for x, _, fill in marks(panel)]
    assert shown == [
        (0.8, COLORS["female"]),
        (0.6, COLORS["male"]),
        (0.7, COLORS["female"]),
        (0.2, "white"),
        (0.9, COLORS["male"]),
    ]
    assert [text.get_text() for text in panel.texts] == [
        "80% of 80",
        "60% of 80",
        "70% of 80",
        "20% of 7",
        "none",
        "90% of 80",
    ]
    # One joint for each class that both genders have.
    joints = [line for line in panel.lines if len(line.get_xdata()) == 2]
    assert [tuple(line.get_xdata()) for line in joints] == [
        (0.8, 0.6),
        (0.7, 0.2),
    ]


@pytest.fixture
def probes():
    return [
        record(metric, value + shift, variant=f"{kind} {layer}")
        for metric, shift in (
            ("gender_probe", 0.0),
            ("conditional_gender_probe", -0.1),
        )
        for kind, value in (("linear", 0.7), ("mlp", 0.8))
        for layer in LAYERS
    ]


def test_probes_stand_by_layer_against_band_and_guessing(probes):
    controls = [
        record("negative_control", 0.51, variant="mlp hair_type_embedding")
    ]
    band = [record("leakage_band_low", 0.6), record("leakage_band_high", 0.69)]
    figure = draw_leakage([*probes, *controls, *band], HAIR_TYPE)
    overall, inside = figure.axes
    for panel, shift in ((overall, 0.0), (inside, -0.1)):
        filled = [mark for mark in marks(panel) if mark[2] != "white"]
        np.testing.assert_allclose(
            [y for _, y, _ in filled], [0.7 + shift] * 3 + [0.8 + shift] * 3
        )
        assert [round(x) for x, _, _ in filled] == [0, 1, 2, 0, 1, 2]
        labels = [text.get_text() for text in panel.get_xticklabels()]
        assert labels == ["backbone", "hair\ntype\nembedding", "logits"]
        assert [0.5, 0.5] in [list(line.get_ydata()) for line in panel.lines]
    hollow = [mark for mark in marks(overall) if mark[2] == "white"]
    assert [(round(x), y) for x, y, _ in hollow] == [(1, 0.51)]
    (shade,) = overall.patches
    assert shade.get_y() == pytest.approx(0.6)
    assert shade.get_height() == pytest.approx(0.09)
    assert not inside.patches


def test_probes_without_support_leave_gaps(probes):
    probes[1] = record("gender_probe", None, 9, variant=probes[1].variant)
    overall, inside = draw_leakage(probes, HAIR_TYPE).axes
    assert len(marks(overall)) == 5
    assert len(marks(inside)) == 6


def test_counterfactuals_show_flips_and_distances():
    records = [
        record("counterfactual_flips", 0.2, group=group)
        for group in ("all", "female", "male")
    ]
    records += [
        record("counterfactual_distance", 0.1),
        record("class_distance", 0.4),
        record("counterfactual_distance_ratio", 0.25),
    ]
    flips, distances = draw_counterfactuals(records, HAIR_TYPE).axes
    assert [x for x, _, _ in marks(flips)] == [0.2, 0.2, 0.2]
    assert [x for x, _, _ in marks(distances)] == [0.1, 0.4]


def test_neighbours_are_framed_by_gender_and_named_by_hair():
    images = np.full((2, 4, 12, 10, 3), 77, np.uint8)
    grid = NeighborGrid(
        images=images,
        labels=np.array([[0, 0, 1, 0], [1, 0, 0, 0]]),
        genders=np.array([[0, 0, 1, 1], [1, 1, 1, 1]]),
    )
    (panel,) = draw_neighbors(grid, HAIR_TYPE).axes
    canvas = panel.images[0].get_array()
    colors = {
        name: tuple(int(COLORS[name][i : i + 2], 16) for i in (1, 3, 5))
        for name in ("female", "male")
    }
    pixels = canvas.reshape(-1, 3)
    frame = 22 * 20 - 12 * 10
    for name, count in (("female", 2), ("male", 6)):
        found = (pixels == colors[name]).all(1).sum()
        assert found == count * frame
    assert (pixels == 77).all(1).sum() == 8 * 12 * 10
    words = [text.get_text().split("\n") for text in panel.texts]
    names = [word[0] for word in words if len(word) == 1]
    assert names == ["straight", "straight", "wavy", "straight"] + [
        "wavy",
        "straight",
        "straight",
        "straight",
    ]
    counts = [[part.strip() for part in word] for word in words if word[1:]]
    assert counts == [
        ["1 of 3 female", "2 of 3 same hair"],
        ["3 of 3 male", "0 of 3 same hair"],
    ]
