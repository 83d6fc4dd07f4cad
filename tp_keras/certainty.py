"""How sure an answer is, and how sure it must be.

A network that was trained until it is right is more certain, or, with smoothed
labels, less certain than it is right. One temperature for each task mends that
(C. Guo et al., On Calibration of Modern Neural Networks, 2017). What it takes
is measured on the validation split (`tp_keras.evaluation.calibration`).
"""

import numpy as np

from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task


def with_temperature(task: Task, answers, temperature: float) -> np.ndarray:
    """Returns probabilities as if logits had been divided by a temperature.

    Args:
        task: What they answer; numbers stay as they are.
        answers: Float `[..., classes]`.
        temperature: Above 1 for less certain answers, below for more.

    Example:
        >>> with_temperature(task, [[0.9, 0.1]], 2.0)
        array([[0.75, 0.25]], dtype=float32)
    """
    answers = np.asarray(answers, np.float32)
    if task.kind == REGRESSION or temperature == 1:
        return answers
    powers = answers.astype(np.float64) ** (1 / temperature)
    if task.kind == MULTI_LABEL:
        others = (1 - answers.astype(np.float64)) ** (1 / temperature)
        total = powers + others
    else:
        total = powers.sum(-1, keepdims=True)
    return (powers / total).astype(np.float32)


def confidence(task: Task, answers) -> np.ndarray:
    """Returns the probability of what is predicted, of each flag its own.

    Args:
        task: A task with classes or flags.
        answers: Probabilities `[count, classes]`.

    Returns:
        Float `[count]`, of flags `[count, flags]`.
    """
    answers = np.asarray(answers)
    if task.kind == MULTI_LABEL:
        return np.maximum(answers, 1 - answers)
    predicted = task.predicted(answers)
    return np.take_along_axis(answers, predicted[:, None], axis=-1)[:, 0]


def unfamiliarity(features, mean, whitening) -> np.ndarray:
    """Returns how far portraits lie from those of the training.

    The squared Mahalanobis distance of the features' logarithms, about 1 on
    average for portraits like them (K. Lee et al., A Simple Unified Framework
    for Detecting Out-of-Distribution Samples, 2018, with a single class).

    Args:
        features: Float `[count, channels]`, the averages of what a backbone
            sees.
        mean: Float `[channels]`, of the training portraits' logarithms.
        whitening: Float `[channels, channels]` that makes them uncorrelated
            and of variance 1.
    """
    gaps = (log_features(features) - mean) @ whitening
    return (gaps**2).mean(-1)


def log_features(features) -> np.ndarray:
    """Returns logarithms that keep the sign, as features grow by factors."""
    features = np.asarray(features, np.float64)
    return np.sign(features) * np.log1p(np.abs(features))


def half_width(spread: dict, numbers) -> np.ndarray:
    """Returns within how much of a number the true one lies, two in three.

    Args:
        spread: `edges` between ranges of predicted numbers, and `half_widths`,
            one more, of the ranges.
        numbers: Float `[count]`.
    """
    rows = np.searchsorted(spread["edges"], numbers)
    return np.asarray(spread["half_widths"], np.float64)[rows]


def reason_of_doubt(task: Task, answers, facts: dict) -> str | None:
    """Says why an answer is not sure, or returns None.

    Args:
        task: What is answered.
        answers: Calibrated probabilities `[classes]`, or a number.
        facts: What was measured of the task: its `threshold`, and of a number
            the `spread` as of `half_width`.
    """
    if task.kind == REGRESSION:
        if "spread" not in facts:
            return None
        width = float(half_width(facts["spread"], [answers])[0])
        if width <= facts["threshold"]:
            return None
        return (
            f"numbers like this one are off by more than {width:.3g} "
            f"{task.unit}".rstrip()
            + " one time in three"
        )
    threshold = facts.get("threshold", 0.0)
    sure = confidence(task, np.asarray(answers)[None])[0]
    if task.kind == MULTI_LABEL:
        doubted = [
            f"{name} {value:.2f}"
            for name, value in zip(task.classes, sure, strict=True)
            if value < threshold
        ]
        told = ", ".join(doubted)
    else:
        told = f"{sure:.2f}" if sure < threshold else ""
    return f"probability {told}, sure from {threshold:.2f}" if told else None
