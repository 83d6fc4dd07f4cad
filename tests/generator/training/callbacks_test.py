import types

import keras
import numpy as np
import pytest

from tp_keras.errors import UserError
from tp_keras.generator.training.callbacks import CollapseGuard
from tp_keras.generator.training.callbacks import KLWarmup


def weights_of_steps(callback, count, before=7.0):
    """The weight that each of some steps is trained with."""
    variable = keras.Variable(before)
    # Of a model it takes this alone.
    callback._model = types.SimpleNamespace(kl_weight=variable)
    weights = []
    for step in range(count):
        callback.on_train_batch_begin(step)
        weights.append(float(variable))
    return weights


@pytest.mark.parametrize(
    ("steps", "first_step", "expected"),
    [
        (4, 0, [0.0, 0.5, 1.0, 1.5, 2.0, 2.0]),
        # Resumed, or grown right after the warm-up.
        (4, 3, [1.5, 2.0, 2.0]),
        (0, 4, [2.0, 2.0]),
        # Without one the weight is there from the first step on.
        (0, 0, [2.0, 2.0]),
    ],
)
def test_the_weight_of_the_kl_grows_to_its_value(steps, first_step, expected):
    callback = KLWarmup(steps, 2.0, first_step)
    assert weights_of_steps(callback, len(expected)) == pytest.approx(expected)


def test_a_loss_that_is_no_number_ends_the_training():
    guard = CollapseGuard()
    guard.on_train_batch_end(0, {"loss": 3.0})
    for loss in (np.nan, np.inf):
        with pytest.raises(UserError, match="--learning_rate .* in step 5"):
            guard.on_train_batch_end(4, {"loss": loss})


@pytest.mark.parametrize(("kl", "active"), [(0.99, 4.0), (12.0, 0.5)])
def test_a_collapsed_posterior_ends_the_training(kl, active):
    with pytest.raises(UserError, match="--beta, or .* after epoch 3"):
        CollapseGuard().on_epoch_end(2, {"kl": kl, "active_latents": active})


def test_a_healthy_posterior_goes_on():
    CollapseGuard().on_epoch_end(2, {"kl": 1.0, "active_latents": 1.0})
