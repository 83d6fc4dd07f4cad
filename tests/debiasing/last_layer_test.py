import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from tp_keras.debiasing.last_layer import count_level_rows
from tp_keras.debiasing.last_layer import refit_last_layer
from tp_keras.errors import UserError


def make_rows(counts, seed=0, noise=1.0):
    """The class is the first column, gender the second, four times as clear."""
    generator = np.random.default_rng(seed)
    cells = np.repeat(np.arange(np.size(counts)), np.ravel(counts))
    labels, genders = np.divmod(generator.permutation(cells), 2)
    features = noise * generator.normal(size=(len(labels), 6)) + 5.0
    features[:, 0] += 2.0 * labels
    features[:, 1] += 8.0 * genders
    return features * 10.0 ** np.arange(-2, 4), labels, genders


def recalls(layer, rows):
    features, labels, genders = rows
    correct = layer(features).argmax(1) == labels
    return np.array(
        [
            [correct[(labels == c) & (genders == g)].mean() for g in (0, 1)]
            for c in np.unique(labels)
        ]
    )


def test_the_balanced_layer_does_not_lean_on_gender():
    # Of each class 95 of 100 are of one gender: the plain layer takes it for
    # the class, and fails the five.
    rows = make_rows([[950, 50], [50, 950]])
    test = make_rows([[500, 500], [500, 500]], seed=1)
    plain = refit_last_layer(*rows, 2, balanced=False)
    level = refit_last_layer(*rows, 2, balanced=True)
    assert recalls(plain, test).min() < 0.6
    # Two Gaussians two deviations apart: 0.841 for the best of all layers.
    assert recalls(level, test).min() > 0.78
    assert recalls(level, test).mean() == pytest.approx(0.841, abs=0.03)
    # And it is known: only the first column counts, with the border between.
    slopes = level.kernel[:, 1] - level.kernel[:, 0]
    spread = rows[0].std(0)
    assert abs(slopes[1] * spread[1]) < 0.5 * slopes[0] * spread[0]


@pytest.mark.parametrize("num_classes", [2, 3])
def test_the_layer_is_scaler_and_regression_in_one(num_classes):
    features, labels, genders = make_rows([[80, 40]] * num_classes)
    layer = refit_last_layer(
        features, labels, genders, num_classes, balanced=False, strengths=[0.3]
    )
    scaler = StandardScaler().fit(features)
    model = LogisticRegression(C=0.3, max_iter=2000)
    model.fit(scaler.transform(features), labels)
    expected = model.predict_proba(scaler.transform(features))
    found = np.exp(layer(features))
    found /= found.sum(1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_strength_is_that_of_the_best_left_out_rows():
    # Many columns of noise and few rows: a weak penalty learns the noise.
    generator = np.random.default_rng(0)
    labels = np.arange(300) % 2
    features = generator.normal(size=(300, 120))
    features[:, :20] += 0.5 * labels[:, None]
    strong, weak, chosen = (
        refit_last_layer(
            features, labels, labels, 2, balanced=False, strengths=strengths
        ).kernel
        for strengths in ([1e-2], [1e4], [1e4, 1e-2])
    )
    assert not np.array_equal(strong, weak)
    np.testing.assert_array_equal(chosen, strong)


def test_the_rows_of_a_resample_by_hand():
    for counts, expected in (
        ([[90, 60], [40, 70], [3, 60]], 5 * 40),
        ([[90, 60], [40, 70], [5, 60]], 6 * 5),
        ([[4, 4], [4, 4]], 0),
    ):
        _, labels, genders = make_rows(counts)
        assert count_level_rows(labels, genders) == expected
    assert count_level_rows(np.full(9, -1), np.ones(9, int)) == 0


def test_two_layers_are_folded_into_one():
    generator = np.random.default_rng(0)
    features, labels, genders = make_rows([[60, 60], [60, 60]])
    kernel, bias = generator.normal(size=(6, 4)), generator.normal(size=4)
    hidden = features @ kernel + bias
    layer = refit_last_layer(hidden, labels, genders, 2, balanced=False)
    folded, offset = layer.fold(kernel, bias)
    np.testing.assert_allclose(features @ folded + offset, layer(hidden))


def test_small_groups_are_left_out():
    features, labels, genders = make_rows([[90, 60], [40, 70], [3, 60]])
    layer = refit_last_layer(features, labels, genders, 4)
    # Men alone stand for their class, and the fourth class is never predicted.
    predicted = layer(features).argmax(1)
    assert (predicted[(labels == 2) & (genders == 1)] == 2).mean() > 0.7
    assert (predicted != 3).all()


def test_rows_without_label_and_a_constant_column_count_nothing():
    features, labels, genders = make_rows([[60, 60], [60, 60]])
    features[:, 5] = 123.0
    known = np.arange(len(labels)) % 3 > 0
    expected = refit_last_layer(
        features[known], labels[known], genders[known], 2, seed=3
    )
    labels = np.where(known, labels, -1)
    found = refit_last_layer(features, labels, genders, 2, seed=3)
    np.testing.assert_array_equal(found.kernel, expected.kernel)
    layer = refit_last_layer(features, labels, genders, 2, balanced=False)
    np.testing.assert_array_equal(layer.kernel[5], 0.0)


def test_bad_input_is_refused():
    features, labels, genders = make_rows([[60, 60], [60, 60]])
    nothing = np.full(len(labels), -1)
    broken = features.copy()
    broken[0, 0] = np.inf
    for rows, message in (
        ((features, nothing, genders), "0 of 240 rows have a label"),
        ((features, labels, nothing), "0 a group"),
        ((features, labels * 0, genders), "two classes .* Received: 1 such"),
        ((broken, labels, genders), "Received: 1 that are NaN"),
    ):
        with pytest.raises(UserError, match=message):
            refit_last_layer(*rows, 2)
    with pytest.raises(UserError, match="two classes or more with 5"):
        refit_last_layer(*make_rows([[60, 60], [4, 4]]), 2)
