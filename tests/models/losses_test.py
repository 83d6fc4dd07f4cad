import keras
import numpy as np
import pytest

from tp_keras.models.losses import SmoothedCrossentropy

LOGITS = np.log(np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]], "float32"))


def test_loss_is_the_mean_over_labelled_rows_by_hand():
    loss = SmoothedCrossentropy()
    assert float(loss([0, 1], LOGITS)) == pytest.approx(
        (np.log(2.0) - np.log(0.8)) / 2
    )
    # The second row has no label: the first alone is the mean.
    assert float(
        loss([0, 0], LOGITS, sample_weight=np.array([1.0, 0.0]))
    ) == pytest.approx(np.log(2.0))
    assert float(
        loss([0, 1], LOGITS, sample_weight=np.array([3.0, 1.0]))
    ) == pytest.approx((3 * np.log(2.0) - np.log(0.8)) / 4)


def test_loss_without_a_single_label_is_zero():
    loss = SmoothedCrossentropy(0.1)
    assert float(loss([0, 0], LOGITS, sample_weight=np.zeros(2))) == 0.0


def test_smoothing_equals_keras_categorical_crossentropy():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(16, 5)).astype("float32")
    labels = rng.integers(5, size=16)
    expected = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=0.15
    )(np.eye(5, dtype="float32")[labels], logits)
    assert float(SmoothedCrossentropy(0.15)(labels, logits)) == pytest.approx(
        float(expected), rel=1e-5
    )


def test_loss_survives_its_config():
    copy = SmoothedCrossentropy.from_config(
        SmoothedCrossentropy(0.2).get_config()
    )
    assert copy.label_smoothing == 0.2
    assert copy.reduction == "mean_with_sample_weight"


def test_loss_refuses_a_smoothing_of_one():
    with pytest.raises(ValueError, match="Received: label_smoothing=1"):
        SmoothedCrossentropy(1.0)
