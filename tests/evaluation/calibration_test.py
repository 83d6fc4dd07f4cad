import numpy as np
import pytest

from tp_keras.evaluation import class_figures as calibration


def naive_error(confidences, correct, num_bins):
    error = 0.0
    for index in range(num_bins):
        inside = [
            (confidence, hit)
            for confidence, hit in zip(confidences, correct, strict=True)
            if index / num_bins < confidence <= (index + 1) / num_bins
        ]
        if inside:
            accuracy = sum(hit for _, hit in inside) / len(inside)
            confidence = sum(value for value, _ in inside) / len(inside)
            error += len(inside) / len(correct) * abs(accuracy - confidence)
    return error


def draw(generator, count, accuracy_of):
    confidences = generator.uniform(0.3, 1.0, size=count)
    return confidences, generator.random(count) < accuracy_of(confidences)


def test_error_equals_a_naive_loop():
    # By hand: two bins, with one hit of two and a hit.
    confidences = np.array([0.61, 0.65, 0.2])
    correct = np.array([True, False, True])
    bins = calibration.equal_width_bins(confidences)
    error = calibration.expected_calibration_error(confidences, correct, bins)
    assert error == pytest.approx(2 / 3 * (0.63 - 0.5) + 1 / 3 * (1 - 0.2))
    confidences, correct = draw(
        np.random.default_rng(0), 500, lambda confidence: confidence**2
    )
    error = calibration.expected_calibration_error(
        confidences, correct, calibration.equal_width_bins(confidences)
    )
    assert error == pytest.approx(naive_error(confidences, correct, 15))


def test_bins_at_their_edges_and_certain_answers():
    confidences = [0.0, 1 / 15, 1 / 15 + 1e-9, 0.2, 1.0]
    bins = calibration.equal_width_bins(confidences)
    assert bins.tolist() == [0, 0, 1, 2, 14]
    ones = np.ones(4)
    bins = calibration.equal_width_bins(ones)
    for right in (True, False):
        correct = np.full(4, right)
        error = calibration.expected_calibration_error(ones, correct, bins)
        assert error == 1 - right


def value_and_interval(confidences, correct, generator):
    measured = confidences, correct, calibration.equal_width_bins(confidences)
    value = calibration.expected_calibration_error(*measured)
    return value, *calibration.calibration_interval(*measured, 200, generator)


def test_interval_covers_a_miscalibrated_model_and_holds_the_value():
    # Too sure of itself by 0.15 everywhere, which is the true error.
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        confidences, correct = draw(
            generator, 400, lambda confidence: confidence - 0.15
        )
        value, low, high = value_and_interval(confidences, correct, generator)
        assert low <= value <= high
        covered += low <= 0.15 <= high
    assert covered >= 85


def test_interval_of_a_calibrated_model_holds_the_value():
    generator = np.random.default_rng(0)
    confidences, correct = draw(generator, 200, lambda confidence: confidence)
    value, low, high = value_and_interval(confidences, correct, generator)
    assert 0 <= low <= value <= high <= 1
    assert high - low > 0.02
    # Not moved by resampling, which by itself makes the error larger.
    assert (low + high) / 2 == pytest.approx(value, rel=0.15)
