import numpy as np
import pytest

from tp_keras.records.group_plot import draw_groups
from tp_keras.records.group_plot import group_handles
from tp_keras.records.group_plot import rows_height
from tp_keras.records.plot_kit import group_styles
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.record import Record


def make_records(groups):
    """Returns a figure of two classes in each group; one isn't defined."""
    records = [
        Record("recall", "mood", group, 0.1 * i, i, 0, 0.1 * i, class_name=name)
        for name in ("calm", "wild")
        for i, group in enumerate(groups, start=1)
    ]
    records[-1] = Record(
        "recall", "mood", groups[-1], None, 0, class_name="wild"
    )
    return records


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_every_figure_has_a_mark_an_interval_and_few_a_text(count):
    groups = [f"group {index}" for index in range(count)]
    records = make_records(groups)
    panel = new_figure(8, rows_height(2, count)).subplots()

    draw_groups(panel, records, groups, is_few=lambda record: record.count < 2)
    shown = [record for record in records if record.value is not None]
    assert [line.get_xdata()[0] for line in panel.lines] == [
        record.value for record in shown
    ]
    hollow = [line.get_markerfacecolor() == "white" for line in panel.lines]
    assert hollow == [record.count < 2 for record in shown]
    ends = [
        tuple(lines.get_segments()[0][:, 0])
        for lines in panel.collections
        if hasattr(lines, "get_segments")
    ]
    assert ends == [(record.low, record.high) for record in shown]
    texts = [text.get_text() for text in panel.texts]
    expected = [f"{record.value:.0%} of {record.count}" for record in shown]
    assert texts == (expected if count <= 4 else [])
    # Marks stand in the row of their class, in the order of the groups.
    heights = np.array([line.get_ydata()[0] for line in panel.lines])
    assert (np.diff(heights) > 0).all()
    assert np.rint(heights).tolist() == [0] * count + [1] * (count - 1)
    names = [label.get_text() for label in panel.get_yticklabels()]
    assert names == ["calm", "wild"]


def test_styles_tell_eight_groups_apart_and_stay_the_same():
    groups = [f"group {index}" for index in range(8)]
    styles = group_styles(groups)
    assert len({tuple(style.items()) for style in styles.values()}) == 9
    assert len({style["color"] for style in styles.values()}) == 9
    assert group_styles(["all", *groups]) == styles
    handles = group_handles(groups)
    assert [handle.get_label() for handle in handles] == groups
    assert [handle.get_color() for handle in handles] == [
        styles[group]["color"] for group in groups
    ]
