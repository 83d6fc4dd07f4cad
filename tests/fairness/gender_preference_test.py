import numpy as np
import pytest

from tp_keras.evaluation import neighbors
from tp_keras.fairness.gender_preference import cross_gender_preference
from tp_keras.tasks import HAIR_COLOR


def random_rows(count, seed=0):
    generator = np.random.default_rng(seed)
    labels = generator.integers(3, size=count)
    genders = generator.integers(2, size=count)
    embedding = generator.normal(size=(count, 5)) + np.eye(5)[labels]
    embedding[:, 4] += genders
    return labels, genders, neighbors.unit_rows(embedding)


def measure(labels, genders, vectors):
    return cross_gender_preference(labels, genders, vectors, HAIR_COLOR)


def test_equal_similarities_count_by_half():
    labels = np.array([0, 0, 0, 1, 1])
    genders = np.array([0, 1, 1, 0, 1])
    same = np.tile(np.eye(2)[:1], (5, 1)).astype(np.float32)
    means, counts, _ = measure(labels, genders, same)
    np.testing.assert_array_equal(means, [0.5, 0.5, 0.5])
    np.testing.assert_array_equal(counts, [5, 2, 3])
    # One of two men of class 0 is far from all: beaten where he is wanted.
    same[1] = [0, 1]
    means, *_ = measure(labels, genders, same)
    np.testing.assert_allclose(means, slow_preferences(labels, genders, same))
    assert means[1] == pytest.approx((0.25 + 0.5) / 2)


def slow_preferences(labels, genders, vectors):
    """Query by query and pair by pair: [all, female, male]."""
    chances = {0: [], 1: []}
    rows = range(len(labels))
    for query in rows:
        wins = [
            np.sign(vectors[query] @ vectors[i] - vectors[query] @ vectors[j])
            for i in rows
            for j in rows
            if query not in (i, j)
            and labels[i] == labels[query] != labels[j]
            and genders[i] != genders[query] == genders[j]
        ]
        if wins:
            chances[genders[query]].append((1 + np.mean(wins)) / 2)
    return [
        np.mean(part) for part in (chances[0] + chances[1], *chances.values())
    ]


def test_agrees_with_plain_loops_in_blocks(monkeypatch):
    case = random_rows(40)
    monkeypatch.setattr(neighbors, "_BLOCK_SIZE", 60)
    np.testing.assert_allclose(
        measure(*case)[0], slow_preferences(*case), atol=1e-7
    )


def test_error_is_that_of_leaving_out_each_portrait():
    labels, genders, vectors = random_rows(250)
    errors = measure(labels, genders, vectors)[2]
    without = []
    for row in range(250):
        keep = np.arange(250) != row
        without.append(measure(labels[keep], genders[keep], vectors[keep])[0])
    spread = np.square(without - np.mean(without, axis=0)).sum(axis=0)
    np.testing.assert_allclose(errors, np.sqrt(spread * 249 / 250), rtol=0.03)


@pytest.mark.parametrize("genders", [[0, 0, 0, 0], [0, 1, 1, 1]])
def test_nothing_to_compare(genders):
    labels = np.array([0, 1, 1, 1])
    vectors = neighbors.unit_rows(np.eye(4))
    means, counts, errors = measure(labels, np.array(genders), vectors)
    assert np.isnan(means).all()
    assert np.isnan(errors).all()
    assert counts.tolist() == [0, 0, 0]
