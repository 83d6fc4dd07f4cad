import numpy as np
import pytest

from .. import facts
from . import labels


@pytest.fixture(scope="module")
def table():
    return labels.LabelTable.draw(5)


def test_the_table_repeats_itself_and_differs_between_seeds(table):
    again = labels.LabelTable.draw(5)
    np.testing.assert_array_equal(table.labels, again.labels)
    np.testing.assert_array_equal(table.shown, again.shown)
    assert (table.labels != labels.LabelTable.draw(6).labels).any()


def test_the_joint_counts_are_those_of_the_real_attribute_file():
    # Margins stated apart from the table, so a slip of one cell shows.
    counts = labels.JOINT_COUNTS
    assert counts.sum() == facts.FULL_COUNT
    assert counts.sum((1, 2)).tolist() == [84232, 50502]
    assert counts.sum((0, 2)).tolist() == [
        32577, 29526, 20530, 4680, 1825, 45596,
    ]  # fmt: skip
    assert counts.sum((0, 1)).tolist() == [27373, 48205, 2390, 56766]


def test_labels_follow_the_real_joint_table(table):
    # Pearson's statistic over the filled cells; near duplicates repeat rows,
    # which widens its spread a little.
    gender, color, hair = table.labels.astype(int).T
    color[color < 0] = len(labels.COLORS)
    hair[hair < 0] = len(labels.TYPES)
    seen = np.zeros(labels.JOINT_COUNTS.shape)
    np.add.at(seen, (gender, color, hair), 1)
    shares = labels.JOINT_COUNTS / labels.JOINT_COUNTS.sum()
    assert (seen[shares == 0] == 0).all()
    expected = shares * len(table.labels)
    large = expected > 5
    statistic = ((seen - expected)[large] ** 2 / expected[large]).sum()
    degrees = large.sum() - 1
    assert statistic < degrees + 5 * np.sqrt(2 * degrees)


def test_pictures_contradict_their_labels_at_the_stated_rates(table):
    shown, said = table.shown, table.labels
    hairy = said[:, 1] < labels.COLORS.index("bald")
    eligible = {
        "gender": np.ones(len(said), bool),
        "hair_color": (said[:, 1] >= 0) & hairy,
        "hair_type": (said[:, 2] >= 0)
        & (said[:, 2] < labels.TYPES.index("bald")),
    }
    for column, (task, rows) in enumerate(eligible.items()):
        rate = (shown[rows, column] != said[rows, column]).mean()
        stated = labels.LABEL_NOISE[task]
        error = np.sqrt(stated * (1 - stated) / rows.sum())
        assert abs(rate - stated) < 5 * error, task
        rest = ~rows & (said[:, column] >= 0)
        np.testing.assert_array_equal(shown[rest, column], said[rest, column])


def test_a_missing_label_shows_a_plausible_class(table):
    assert (table.shown >= 0).all()
    # Of the women without a colour label, those of wavy hair are as often
    # blond as the labelled ones.
    wavy = labels.TYPES.index("wavy")
    rows = (table.labels == (0, labels.MISSING, wavy)).all(1)
    blond = (table.shown[rows, 1] == labels.COLORS.index("blond")).mean()
    counts = labels.JOINT_COUNTS[0, :-1, wavy]
    stated = counts[labels.COLORS.index("blond")] / counts.sum()
    assert abs(blond - stated) < 0.03


@pytest.mark.parametrize("count", [1, 10, 2000, facts.FULL_COUNT])
def test_indices_ascend_and_fill_the_splits_in_proportion(table, count):
    indices = labels.choose_indices(count, 5, table.source)
    assert len(indices) == count
    assert (np.diff(indices) > 0).all()
    assert indices[0] >= 0 and indices[-1] < facts.INDEX_END
    for split, real in labels.SPLIT_COUNTS.items():
        begin, end = facts.SPLIT_RANGES[split]
        held = ((indices >= begin) & (indices < end)).sum()
        assert abs(held - count * real / facts.FULL_COUNT) < 1


def test_a_small_pack_holds_near_duplicates_with_their_sources(table):
    indices = labels.choose_indices(4000, 5, table.source)
    second = indices[table.source[indices] != indices]
    assert 15 < len(second) < 65  # 1 percent of 4,000
    assert np.isin(second - 1, indices).all()
    np.testing.assert_array_equal(
        table.labels[second], table.labels[second - 1]
    )
    assert all(
        facts.split_of(index) == facts.split_of(index - 1) for index in second
    )
