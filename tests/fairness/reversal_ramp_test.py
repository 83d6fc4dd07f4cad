import math

import keras
import numpy as np
import pytest

from tests.portrait_factory import make_portraits
from tp_keras.fairness.reversal_ramp import ReversalRamp
from tp_keras.fairness.reversal_ramp import ramped_strength
from tp_keras.models import PortraitBackbone
from tp_keras.models import PortraitClassifier


def test_strength_by_hand():
    assert ramped_strength(0.0, 2.0) == 0.0
    assert ramped_strength(0.1, 2.0) == pytest.approx(2.0 * math.tanh(0.5))
    assert ramped_strength(1.0, 2.0) == pytest.approx(2.0, rel=1e-4)
    assert ramped_strength(-1.0, 2.0) == 0.0
    assert ramped_strength(9.0, 2.0) == ramped_strength(1.0, 2.0)


class _Record(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.values = []

    def on_train_batch_end(self, batch, logs=None):
        self.values.append(float(self.model.reversal.strength))


def test_ramp_follows_the_iterations_also_after_a_resumption():
    backbone = PortraitBackbone("separable", 8, ((8, 1, 4),))
    classifier = PortraitClassifier(backbone)
    classifier.compile("sgd")
    portraits = make_portraits(16)
    labels = {
        name: np.maximum(portraits.labels[label], 0)
        for name, label in classifier.label_names.items()
    }
    record = _Record()
    for _ in range(2):
        classifier.fit(
            portraits.images,
            labels,
            batch_size=8,
            epochs=1,
            verbose=0,
            callbacks=[ReversalRamp(1.5, ramp_steps=3), record],
        )
    assert record.values == pytest.approx(
        [ramped_strength(step / 3, 1.5) for step in range(4)], rel=1e-6
    )
