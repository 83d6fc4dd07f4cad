import keras
import numpy as np
import pytest

from tp_keras.models import PortraitBackbone
from tp_keras.pretraining.config import PretrainModelConfig
from tp_keras.pretraining.config import PretrainTrainingConfig
from tp_keras.pretraining.dino import Dino
from tp_keras.pretraining.dino import Prototypes
from tp_keras.pretraining.dino import with_head

SIZES = PretrainModelConfig(hidden_size=8, bottleneck_size=4, prototypes=6)


def make_dino(seed=0, steps=10, **settings):
    keras.utils.set_random_seed(seed)
    student, teacher = (
        with_head(
            PortraitBackbone("separable", 4, ((8, 1, 2),), (None, None, 3)),
            SIZES,
            name,
        )
        for name in ("student", "teacher")
    )
    return Dino(student, teacher, steps, PretrainTrainingConfig(**settings))


def make_views(seed=0, count=4, local=2):
    rng = np.random.default_rng(seed)
    return {
        "global": rng.integers(0, 255, (count, 2, 16, 12, 3), np.uint8),
        "local": rng.integers(0, 255, (count, local, 8, 6, 3), np.uint8),
    }


def softmax(values):
    powers = np.exp(values - values.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def numpy(values):
    return keras.ops.convert_to_numpy(values)


def flat(views):
    return views.reshape(-1, *views.shape[2:])


def test_prototypes_are_cosines():
    layer = Prototypes(5)
    vectors = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    found = numpy(layer(vectors))
    kernel = numpy(layer.kernel)
    for row in range(3):
        for column in range(5):
            a, b = vectors[row], kernel[:, column]
            cosine = a @ b / np.sqrt(a @ a) / np.sqrt(b @ b)
            assert found[row, column] == pytest.approx(cosine, abs=1e-6)
    assert Prototypes.from_config(layer.get_config()).prototypes == 5


def test_the_loss_is_that_of_all_pairs_of_different_views_by_hand():
    dino = make_dino(student_temperature=0.2, teacher_temperature=0.1)
    dino.compile("sgd")
    center = np.linspace(-0.1, 0.1, 6).astype("float32")
    dino.center.assign(center)
    views = make_views()
    found = dino.evaluate(views, batch_size=4, verbose=0, return_dict=True)

    told = numpy(dino.teacher(flat(views["global"]))).reshape(4, 2, 6)
    goals = softmax((told - center) / 0.1)
    answers = np.concatenate(
        [
            numpy(dino.student(flat(view))).reshape(4, -1, 6)
            for view in views.values()
        ],
        axis=1,
    )
    logs = np.log(softmax(answers / 0.2))
    losses = [
        -(goals[row, t] * logs[row, s]).sum()
        for row in range(4)
        for t in range(2)
        for s in range(4)
        if s != t
    ]
    assert len(losses) == 4 * 6
    assert found["loss"] == pytest.approx(np.mean(losses), rel=1e-5)

    def entropy(shares):
        return -(shares * np.log(shares)).sum(-1) / np.log(6)

    assert found["answer_entropy"] == pytest.approx(
        entropy(goals).mean(), rel=1e-4
    )
    assert found["mean_entropy"] == pytest.approx(
        entropy(goals.mean((0, 1))), rel=1e-4
    )
    # What is only looked at changes nothing.
    np.testing.assert_array_equal(numpy(dino.center), center)
    assert float(dino.step) == 0


def test_teacher_and_center_follow_by_hand():
    dino = make_dino(steps=4, teacher_momentum=0.5, center_momentum=0.75)
    dino.compile(keras.optimizers.SGD(0.1))
    views = make_views()
    means, momenta = [], []
    for step in range(3):
        before = [numpy(v) for v in dino.teacher.weights]
        seen = [numpy(v) for v in dino.student.weights]
        # A short average looks back less: (1 + step) / (10 + step).
        cosine = 1 - 0.5 * (1 + np.cos(np.pi * step / 4)) / 2
        momentum = min(cosine, (1 + step) / (10 + step))
        momenta.append(momentum)
        center = numpy(dino.center)
        dino.train_on_batch(views)
        for old, own, new in zip(
            before, seen, dino.teacher.weights, strict=True
        ):
            expected = momentum * old + (1 - momentum) * own
            np.testing.assert_allclose(numpy(new), expected, atol=1e-6)
        told = numpy(dino.teacher(flat(views["global"])))
        means.append(told.mean(0))
        # The first batch is all that there is to go by at first.
        share = max(0.25, 1 / (1 + step))
        np.testing.assert_allclose(
            numpy(dino.center),
            center + share * (means[-1] - center),
            atol=1e-6,
        )
    assert float(dino.step) == 3
    # The student has learned, and the teacher not by itself.
    changed = [
        (numpy(v) != old).any()
        for v, old in zip(dino.student.weights, seen, strict=True)
    ]
    assert any(changed)
    assert not dino.teacher.trainable_variables
    assert momenta[0] == pytest.approx(0.1)


def test_it_learns_to_tell_portraits_apart():
    # Two kinds of pictures: the answers to one come to be others.
    dino = make_dino(steps=60, teacher_momentum=0.9)
    dino.compile(keras.optimizers.Adam(1e-2))
    views = make_views(count=16)
    for view in views.values():
        view[:8, ..., 0] = 255
        view[8:, ..., 2] = 255
    begin = dino.train_on_batch(views, return_dict=True)["loss"]
    for _ in range(59):
        end = dino.train_on_batch(views, return_dict=True)
    assert end["loss"] < 0.7 * begin
    told = numpy(dino.teacher(flat(views["global"]))).argmax(-1)
    assert not set(told[:16]) & set(told[16:])


def test_a_step_without_small_views():
    dino = make_dino()
    dino.compile("sgd")
    views = make_views(local=0)
    assert np.isfinite(dino.train_on_batch(views, return_dict=True)["loss"])
