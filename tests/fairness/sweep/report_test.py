import dataclasses
import re

import pytest

from tests.fairness.sweep.made_outcomes import TASK
from tests.fairness.sweep.made_outcomes import make_outcome
from tests.portrait_factory import SCHEMA
from tp_keras.errors import UserError
from tp_keras.fairness.sweep import report
from tp_keras.fairness.sweep.outcome import choose
from tp_keras.fairness.sweep.report import front_of
from tp_keras.fairness.sweep.report import front_plot
from tp_keras.fairness.sweep.report import points_of
from tp_keras.fairness.sweep.settings import ChoiceSettings
from tp_keras.records.report import read_report

SETTINGS = ChoiceSettings()


def write_report(folder, outcomes, settings=SETTINGS):
    return report.write_report(folder, outcomes, SCHEMA, settings)


@pytest.fixture
def outcomes():
    mixed = {"accuracy": 0.895, "costs": (1.25, 1.75)}
    return [
        make_outcome("none", {"accuracy": 0.91}, {"accuracy": 0.89}),
        make_outcome("grl:1", {"probe": 0.55}, {"probe": 0.65}, **mixed),
        make_outcome("grl:2", {}, {}, accuracy=0.89, probe=0.7),
    ]


def test_the_report_names_choice_rule_means_and_spread(outcomes, tmp_path):
    choice, text = write_report(tmp_path, outcomes)
    assert choice.chosen.name == "grl:1"
    assert text == (tmp_path / "table.md").read_text()
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"table.md", "front.png", "report.json"}
    assert read_report(tmp_path).sections[0].summary.frame.columns[3] == "none"
    plain = re.sub(" +", " ", text)
    for words in (
        "2 seeds (0, 1), 3 variants",
        "Chosen: **grl:1**.",
        "lose more than 2.0 points of recall",
        "| blond female | validation | 40 | 0.900 | 0.900 | +0.000 |",
        # The front is marked, and what another one beats is not.
        "| grl:1 * | 0.895 |",
        "| grl:2 | 0.890 |",
    ):
        assert words in plain, words
    for words in ("With a smaller probe, but failing", "hair_type, ", "flips"):
        assert words not in plain
    # What was passed over is said.
    outcomes.append(make_outcome("grl:3", {}, {}, accuracy=0.5, probe=0.55))
    outcomes.append(make_outcome("grl:4", {}, {}, accuracy=0.5, probe=0.65))
    _, text = write_report(tmp_path, outcomes)
    assert (
        "Chosen: **grl:1**. With a smaller probe, but failing:\n"
        "- grl:3: accuracy 50.0 % after 90.0 %\n\n| recall of hair_color"
        in text
    )


def test_costs_decide_nothing(outcomes, tmp_path):
    choice, text = write_report(tmp_path, outcomes)
    # On a busy machine.
    busy = [
        dataclasses.replace(item, costs=tuple(9.0 * c for c in item.costs))
        for item in outcomes
    ]
    slow, slow_text = write_report(tmp_path, busy)
    assert slow.chosen.name == choice.chosen.name
    pairs = zip(text.splitlines(), slow_text.splitlines(), strict=True)
    for line, slow_line in pairs:
        if line.startswith("|"):
            line, slow_line = (x.split("|")[:-2] for x in (line, slow_line))
        assert line == slow_line
    assert text != slow_text


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
    points = points_of(outcomes, "test", TASK, "excess", "worst_group")
    assert front_of(points) == [3, 2, 0]
    # Without a figure there is no place.
    points = points_of(outcomes, "test", TASK, "conditional_probe", "accuracy")
    assert points[3] is None and 3 not in front_of(points)


def test_the_plot_numbers_every_variant_that_has_figures():
    outcomes = [
        make_outcome("none"),
        make_outcome("grl:1", probe=0.6, excess=-0.1),
        make_outcome("grl:2", probe=None),
    ]
    figure = front_plot(outcomes, choose(outcomes, TASK, SETTINGS))
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names[:3] == ["none", "grl:1", "grl:2"]
    left, right = figure.axes
    assert [text.get_text() for text in left.texts] == ["0", "1"]
    assert [text.get_text() for text in right.texts] == ["0", "1", "2"]
    # What is below 0 stands as far from it.
    assert right.texts[1].xy == (0.1, 0.5)
    no_figures = dataclasses.replace(
        make_outcome("none"), records={"validation": ([],), "test": ([],)}
    )
    front_plot([no_figures], choose([no_figures], TASK, SETTINGS))


def test_another_task_is_no_choice(outcomes, tmp_path):
    other = ChoiceSettings(task="hair_type")
    with pytest.raises(UserError, match="out of hair_color. Rec.*hair_type"):
        write_report(tmp_path, outcomes, other)
