import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tp_keras.debiasing.leace import fit_leace
from tp_keras.errors import UserError


@pytest.fixture(scope="module")
def rows():
    """Features whose classes show gender each in a direction of its own."""
    generator = np.random.default_rng(0)
    classes = generator.integers(4, size=3000)
    genders = generator.random(3000) < np.array([0.6, 0.5, 0.2, 0.8])[classes]
    genders = genders.astype(int)
    features = generator.normal(size=(3000, 12))
    features = features @ generator.normal(size=(12, 12)) + 2.0
    features += 3.0 * generator.normal(size=(4, 12))[classes]
    shifts = generator.normal(size=(4, 12)) + generator.normal(size=12)
    features += shifts[classes] * genders[:, None]
    return features, genders, classes


def covariance(features, concept):
    return (concept - concept.mean()) @ features / len(features)


def within(features, concept, classes):
    return max(
        np.abs(covariance(features[rows], concept[rows])).max()
        for rows in (classes == value for value in np.unique(classes))
    )


def rank_of(eraser):
    """How many directions are gone."""
    return round(len(eraser.kernel) - np.trace(eraser.kernel))


def normalized(features):
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def test_one_direction_by_hand():
    # Gender moves the first column alone, and nothing covaries with it.
    features = np.array([[0, 0], [0, 1], [2, 0], [2, 1]], float)
    eraser = fit_leace(features, [0, 0, 1, 1])
    np.testing.assert_allclose(eraser.kernel, [[0, 0], [0, 1]], atol=1e-12)
    np.testing.assert_allclose(eraser.bias, [1, 0], atol=1e-12)


def test_it_is_the_closed_form_and_leaves_a_linear_probe_nothing(rows):
    # The oblique projection, written by an inverse instead of a square root.
    features, genders, _ = rows
    cross = covariance(features, genders)[:, None]
    precision = np.linalg.inv(np.cov(features.T, bias=True))
    expected = np.eye(12) - cross @ np.linalg.inv(
        cross.T @ precision @ cross
    ) @ (cross.T @ precision)
    eraser = fit_leace(features, genders)
    np.testing.assert_allclose(eraser.kernel.T, expected, atol=1e-9)
    erased = eraser(features)
    np.testing.assert_allclose(erased.mean(0), features.mean(0), atol=1e-9)
    assert np.abs(covariance(features, genders)).max() > 0.1
    assert np.abs(covariance(erased, genders)).max() < 1e-6
    probe = LogisticRegression(tol=1e-10, max_iter=1000).fit(erased, genders)
    assert np.abs(probe.coef_).max() < 1e-6


def test_where_nothing_is_to_erase_nothing_changes():
    half = np.random.default_rng(0).normal(size=(50, 5))
    eraser = fit_leace(np.concatenate([half, half]), np.repeat([0, 1], 50))
    np.testing.assert_array_equal(eraser.kernel, np.eye(5))
    np.testing.assert_allclose(eraser.bias, 0, atol=1e-12)


def test_inside_every_class_nothing_covaries(rows):
    features, genders, classes = rows
    eraser = fit_leace(features, genders, classes)
    assert rank_of(eraser) == 4
    assert within(features, genders, classes) > 0.1
    assert within(eraser(features), genders, classes) < 1e-6
    # What the class tells of gender stays.
    assert np.abs(covariance(eraser(features), genders)).max() > 1e-3


def test_classes_stay_apart_where_they_go_with_gender():
    # Gender is the first column, the class the second; nine of ten of a
    # class are of one gender, so the overall eraser takes the class along.
    # Every group has the same noise, so gender is in the first column alone.
    noise = 0.3 * np.random.default_rng(0).normal(size=(100, 3))
    groups = [(0, 0)] * 9 + [(0, 1), (1, 0)] + [(1, 1)] * 9
    features = np.concatenate([noise + [g, c, 0] for c, g in groups])
    classes, genders = np.repeat(groups, 100, axis=0).T

    def apart(features):
        means = [features[classes == value].mean(0) for value in (0, 1)]
        return means[1][1] - means[0][1]

    overall = fit_leace(features, genders)(features)
    conditional = fit_leace(features, genders, classes)(features)
    assert within(features, genders, classes) > 0.05
    assert within(conditional, genders, classes) < 1e-6
    assert apart(conditional) == pytest.approx(1.0)
    assert apart(overall) < 0.5


def test_rows_of_one_length_are_erased_as_such_inside_every_class(rows):
    features, genders, classes = rows
    features = features - features.mean(0) + 0.5

    def left(**options):
        eraser = fit_leace(features, genders, classes, **options)
        return within(normalized(eraser(features)), genders, classes)

    assert left() > 1e-4
    assert left(normalized=True) < 1e-6


def test_rows_of_one_length_change_least(rows):
    # A second road: the closed form with the offset as one more column, for
    # rows that count by the inverse of their length.
    features, genders, _ = rows
    eraser = fit_leace(features, genders, normalized=True)
    found = normalized(eraser(features))
    assert np.abs(covariance(found, genders)).max() < 1e-6
    pull = 1 / np.linalg.norm(eraser(features), axis=1, keepdims=True)
    padded = pull * np.concatenate([features, np.ones((3000, 1))], axis=1)
    cross = padded.T @ (genders - genders.mean())[:, None]
    along = np.linalg.solve(padded.T @ padded, cross)
    expected = np.eye(13) - cross @ along.T / (cross.T @ along)
    np.testing.assert_allclose(eraser.kernel.T, expected[:-1, :-1], atol=1e-6)
    np.testing.assert_allclose(eraser.bias, expected[:-1, -1], atol=1e-6)


def test_rows_without_a_class_and_classes_of_few_rows_are_left_out(rows):
    features, genders, classes = rows
    kept = np.arange(3000) < 2000
    missing = np.where(kept, classes, -1)
    expected = fit_leace(features[kept], genders[kept], classes[kept])
    found = fit_leace(features, genders, missing)
    np.testing.assert_array_equal(found.kernel, expected.kernel)
    genders = np.where(classes == 3, 1, genders)
    genders[np.flatnonzero(classes == 3)[:8]] = 0
    eraser = fit_leace(features, genders, classes)
    assert rank_of(eraser) == 3
    kept = classes < 3
    assert within(eraser(features)[kept], genders[kept], classes[kept]) < 1e-6


def test_columns_that_tell_nothing_and_too_few_rows(rows):
    features, genders, _ = rows
    columns = features, features[:, :2], np.full((3000, 1), 7.0)
    constant = np.concatenate(columns, axis=1)
    erased = fit_leace(constant, genders)(constant)
    assert np.abs(covariance(erased, genders)).max() < 1e-6
    np.testing.assert_allclose(erased[:, -1], 7.0)
    few, some = features[:8], np.arange(8) % 2
    eraser = fit_leace(few, some)
    assert np.isfinite(eraser.kernel).all()
    assert np.abs(covariance(eraser(few), some)).max() < 1e-6


def test_a_layer_takes_the_eraser_up(rows):
    features, genders, _ = rows
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(3000, 20))
    kernel, bias = generator.normal(size=(20, 12)), generator.normal(size=12)
    eraser = fit_leace(features, genders)
    folded, offset = eraser.fold(kernel, bias)
    np.testing.assert_allclose(
        inputs @ folded + offset, eraser(inputs @ kernel + bias), atol=1e-9
    )


def test_several_groups_are_erased_as_columns(rows):
    features, _, classes = rows
    columns = np.eye(4)[classes]
    eraser = fit_leace(features, columns)
    # What three of four groups add up to is known of the fourth.
    assert rank_of(eraser) == 3
    for column in columns.T:
        assert np.abs(covariance(features, column)).max() > 0.1
        assert np.abs(covariance(eraser(features), column)).max() < 1e-6


def test_what_is_no_concept_is_refused(rows):
    features, genders, classes = rows
    with pytest.raises(UserError, match="nothing to erase.*Received: .*0: 0"):
        fit_leace(features, np.ones(3000))
    with pytest.raises(UserError, match="with 10 rows.*Received: .*0: 0"):
        fit_leace(features, np.ones(3000), classes)
    with pytest.raises(UserError, match="nothing to erase"):
        fit_leace(features, genders, np.full(3000, -1))
    broken = features.copy()
    broken[5, 2] = np.nan
    with pytest.raises(UserError, match="Received: 1 of features, concept"):
        fit_leace(broken, genders)
