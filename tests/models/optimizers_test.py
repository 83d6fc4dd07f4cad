import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.rounding import UNIT
from tests.rounding import float32_error
from tp_keras.models.optimizers import FusedAdamW

STRATEGY = tf.distribute.MirroredStrategy(["CPU:0"])


def updated(optimizer_class, steps, strategy=None, **kwargs):
    """Variables and the optimizer's state after steps of given gradients.

    What a network would make of the variables doesn't come back as gradients,
    so that nothing but the roundings of the updates differs.
    """
    rng = np.random.default_rng(0)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, decay_steps=30, warmup_target=0.02, warmup_steps=4
    )
    strategy = strategy or tf.distribute.get_strategy()
    with strategy.scope():
        optimizer = optimizer_class(
            schedule, weight_decay=0.3, ema_momentum=0.9, **kwargs
        )
        variables = [
            keras.Variable(rng.normal(size=shape), dtype="float32", name=name)
            for name, shape in (("kernel", (6, 8)), ("bias", (8,)))
        ]
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        optimizer.build(variables)
        for _ in range(steps):
            gradients = [rng.normal(size=v.shape) for v in variables]
            gradients = [tf.constant(g, "float32") for g in gradients]
            strategy.run(optimizer.apply, args=(gradients,))
    return [(v.path, np.array(v)) for v in [*variables, *optimizer.variables]]


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"use_ema": True},
        {"amsgrad": True},
        {"strategy": STRATEGY, "use_ema": True},
    ],
    ids=["plain", "averaged", "amsgrad", "strategy"],
)
def test_updates_are_those_of_keras(kwargs):
    steps = 20
    ours = updated(FusedAdamW, steps, **kwargs)
    theirs = updated(keras.optimizers.AdamW, steps, **kwargs)
    for (_, x), (path, y) in zip(ours, theirs, strict=True):
        # Ten roundings a step, each of at most the largest value; and 1 - beta2
        # of the second moments is a thousandth of what is rounded.
        largest = np.abs(y).max()
        error = float32_error(10 * steps, largest)
        error += "velocity" in path and UNIT / (1 - 0.999) * largest
        # In a strategy it is the base class.
        error *= "strategy" not in kwargs
        assert np.abs(x - y).max() <= error, path


def test_one_step_by_hand():
    variable = keras.Variable([1.0, -2.0])
    optimizer = FusedAdamW(
        0.1, weight_decay=0.5, epsilon=0.0, use_ema=True, ema_momentum=0.75
    )
    optimizer.apply([tf.constant([3.0, -4.0])], [variable])
    # Decay by .1 * .5 first; Adam's first step is the learning rate.
    expected = [0.95 - 0.1, -1.9 + 0.1]
    np.testing.assert_allclose(variable, expected, rtol=1e-6)
    (average,) = optimizer._model_variables_moving_average
    np.testing.assert_allclose(average, expected, rtol=1e-6)
    before = np.array(variable)
    optimizer.apply([tf.constant([3.0, -4.0])], [variable])
    np.testing.assert_allclose(
        average, 0.75 * before + 0.25 * np.array(variable), rtol=1e-6
    )


def test_one_kernel_updates_a_variable():
    variable = keras.Variable([1.0])
    optimizer = FusedAdamW(0.1)
    optimizer.build([variable])
    graph = tf.function(
        lambda: optimizer.apply([tf.constant([1.0])])
    ).get_concrete_function()
    operations = [op.type for op in graph.graph.get_operations()]
    assert operations.count("ResourceApplyAdam") == 1
    assert "Sqrt" not in operations


@pytest.mark.parametrize("in_strategy", [False, True])
def test_a_factor_is_one_of_the_learning_rate_alone(in_strategy):
    strategy = STRATEGY if in_strategy else tf.distribute.get_strategy()
    with strategy.scope():
        plain, fast = keras.Variable([1.0]), keras.Variable([1.0, -1.0])
        optimizer = FusedAdamW(0.01, weight_decay=0.5, epsilon=0.0)
        optimizer.build([plain, fast])
        optimizer.set_learning_rate_factor([fast], 3)
        gradients = [tf.constant([2.0]), tf.constant([0.5, -4.0])]
        strategy.run(optimizer.apply, args=(gradients,))
    # The decay is .01 * .5 for both; Adam's first step is the learning rate.
    np.testing.assert_allclose(plain, [0.995 - 0.01], rtol=1e-6)
    np.testing.assert_allclose(fast, [0.995 - 0.03, -0.995 + 0.03], rtol=1e-6)


@pytest.mark.parametrize("fused", [True, False])
def test_what_begins_late_moves_as_if_it_began_then(fused, monkeypatch):
    if not fused:
        monkeypatch.setattr(FusedAdamW, "_is_fusible", lambda *_: False)
    gradients = [tf.constant([g]) for g in (0.5, -2.0, 1.0)]
    late, first = keras.Variable([1.0]), keras.Variable([1.0])
    optimizer = FusedAdamW(0.01, weight_decay=0.0)
    optimizer.build([first, late])
    optimizer.set_learning_rate_factor([late], 0.5, first_step=40)
    for _ in range(40):
        optimizer.apply([tf.constant([1.0])], [first])
    expected = keras.Variable([1.0])
    fresh = keras.optimizers.AdamW(0.005, weight_decay=0.0)
    for gradient in gradients:
        optimizer.apply([tf.constant([1.0]), gradient], [first, late])
        fresh.apply([gradient], [expected])
    np.testing.assert_allclose(late, expected, rtol=1e-5)
