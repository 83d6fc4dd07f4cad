import dataclasses
import re

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation

from tests.fairness.sweep.made_outcomes import make_outcome
from tp_keras.fairness.sweep import targets
from tp_keras.fairness.sweep.choice import choose
from tp_keras.fairness.sweep.plot import front_plot
from tp_keras.fairness.sweep.report import write_report
from tp_keras.fairness.sweep.table import front_of
from tp_keras.tasks import HAIR_COLOR

# What none has in `make_outcome`, and a variant that reaches all.
REACHED = {
    "accuracy": 0.89,
    "probe": 0.6,
    "worst": 0.6,
    "odds": 0.06,
    "excess": 0.03,
    "gender": 0.945,
    "flips": 0.1,
}
MISSED = {
    "accuracy": 0.885,
    "probe": 0.61,
    "worst": 0.59,
    "odds": 0.11,
    "excess": 0.04,
    "gender": 0.94,
    "flips": 0.11,
}


def compare(figures, costs=(1.6,), limits=targets.SYNTHETIC):
    none = make_outcome("none", flips=0.3)
    rows = targets.compare(
        none, make_outcome("grl:1", costs=costs, **figures), limits
    )
    return {row.title: row for row in rows}


def test_targets_are_reached_at_their_limits_and_not_beyond():
    rows = compare(REACHED)
    assert {row.reached for row in rows.values()} == {True}
    assert len(rows) == 9
    rows = compare(MISSED, costs=(1.61,))
    assert [title for title, row in rows.items() if row.reached] == [
        "unconditional probe"
    ]
    assert rows["accuracy"].before == (0.9,)
    assert rows["accuracy"].after == (0.885,)


def test_targets_of_real_portraits_are_others():
    assert targets.targets_for("tiny_portraits/archives/1.0.0") is targets.REAL
    synthetic = "tiny_portraits/synthetic/1.0.0"
    assert targets.targets_for(synthetic) is targets.SYNTHETIC
    figures = {"probe": 0.66, "odds": 0.15, "null": 0.2}
    rows = compare(figures, limits=targets.REAL)
    assert rows["conditional probe of the embedding"].reached
    assert rows["equalised-odds difference"].reached
    # Chance is no excuse there.
    rows = compare({"odds": 0.16, "null": 0.2}, limits=targets.REAL)
    assert not rows["equalised-odds difference"].reached
    rows = compare({"odds": 0.16, "null": 0.2})
    assert rows["equalised-odds difference"].reached


def test_a_good_worst_group_need_not_be_better():
    rows = targets.compare(
        make_outcome("none", worst=0.8),
        make_outcome("grl:1", worst=0.7),
        targets.REAL,
    )
    row = {row.title: row for row in rows}["worst supported group recall"]
    assert row.reached is None
    assert row.target == "was above 0.8"
    # Real portraits have no twins.
    assert "counterfactual flips" not in {row.title for row in rows}


def test_what_is_not_supported_is_neither_reached_nor_missed():
    row = compare({"probe": None})["conditional probe of the embedding"]
    assert row.reached is None
    assert (
        compare({}, costs=(None,))["cost of training and debiasing"].reached
        is None
    )


@pytest.fixture
def outcomes():
    return [
        make_outcome("none", {"accuracy": 0.91}, {"accuracy": 0.89}),
        make_outcome(
            "grl:1",
            {"probe": 0.55},
            {"probe": 0.65},
            accuracy=0.895,
            costs=(1.25, 1.75),
        ),
        make_outcome("grl:2", {}, {}, accuracy=0.89, probe=0.7),
    ]


def test_the_report_names_choice_rule_means_and_spread(outcomes, tmp_path):
    choice, text = write_report(tmp_path, outcomes)
    assert choice.chosen.name == "grl:1"
    assert text == (tmp_path / "table.md").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {
        "table.md",
        "front.png",
    }
    plain = re.sub(" +", " ", text)
    assert "2 seeds (0, 1), 3 variants" in plain
    assert "Chosen: **grl:1**." in plain
    assert "lose more than 2.0 points of recall" in plain
    assert "With a smaller probe, but failing" not in plain
    assert (
        "| conditional probe of the embedding | 0.900 (0.900 to 0.900) | "
        "0.600 (0.550 to 0.650) | at most 0.60 | yes |" in plain
    )
    assert (
        "| cost of training and debiasing | 1.000 (1.000 to 1.000) | "
        "1.500 (1.250 to 1.750) | at most 1.6 | yes |" in plain
    )
    assert (
        "| blond female | validation | 40 | 0.900 | 0.900 | +0.000 |" in plain
    )
    # The front is marked, and what another one beats is not.
    assert "| grl:1 * | 0.895 |" in plain
    assert "| grl:2 | 0.890 |" in plain
    assert "hair_type, " not in plain
    assert "flips" not in plain


def test_the_report_says_what_was_passed_over(outcomes, tmp_path):
    outcomes.append(make_outcome("grl:3", {}, {}, accuracy=0.5, probe=0.55))
    outcomes.append(make_outcome("grl:4", {}, {}, accuracy=0.5, probe=0.65))
    _, text = write_report(tmp_path, outcomes)
    assert (
        "Chosen: **grl:1**. With a smaller probe, but failing:\n\n"
        "- grl:3: accuracy 50.0 % after 90.0 %\n\n| hair_color, test" in text
    )


def test_the_report_says_what_fails(tmp_path):
    outcomes = [make_outcome("none"), make_outcome("grl:1", accuracy=0.5)]
    _, text = write_report(tmp_path, outcomes)
    assert "No variant passes" in text
    assert "- grl:1: accuracy 50.0 % after 90.0 %; conditional" in text
    assert "grl:1 (not chosen)" in text
    _, text = write_report(tmp_path, outcomes[:1])
    assert "Nothing was compared with none." in text


def test_the_front_takes_the_size_of_an_excess():
    outcomes = [
        make_outcome("none", excess=0.05, worst=0.5),
        make_outcome("grl:1", excess=-0.3, worst=0.4),
        make_outcome("grl:2", excess=-0.01, worst=0.45),
        make_outcome("grl:3", probe=None, excess=0.0, worst=0.1),
    ]
    criteria = {"score": "worst_group", "cost": "excess"}
    front = front_of(outcomes, "test", HAIR_COLOR, **criteria)
    assert front == [3, 2, 0]
    # Without a figure there is no place.
    assert 3 not in front_of(outcomes, "test", HAIR_COLOR)


def test_names_cover_neither_each_other_nor_points():
    rng = np.random.default_rng(0)
    outcomes = [make_outcome("none")] + [
        make_outcome(
            f"conditional_grl:{number}+conditional_leace",
            probe=0.6 + 0.02 * rng.random(),
            accuracy=0.8 + 0.02 * rng.random(),
        )
        for number in range(12)
    ]
    figure = front_plot(outcomes, choose(outcomes))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    panel = figure.axes[0]
    names = [
        item
        for item in panel.get_children()
        if isinstance(item, Annotation) and item.get_text()
    ]
    assert len(names) == 13
    boxes = [name.get_window_extent(canvas.get_renderer()) for name in names]
    points = panel.transData.transform([name.xy for name in names])
    for number, box in enumerate(boxes):
        assert not box.count_overlaps(boxes[:number] + boxes[number + 1 :])
        assert not any(box.contains(*point) for point in points)
        assert panel.bbox.x0 <= box.x0 and box.x1 <= panel.bbox.x1


def test_the_plot_of_one_point_and_of_missing_figures():
    for item in (make_outcome("none"), make_outcome("none", probe=None)):
        front_plot([item], choose([item]))
    no_figures = dataclasses.replace(
        make_outcome("none"), records={"validation": ([],), "test": ([],)}
    )
    front_plot([no_figures], choose([no_figures]))
