"""The same code trains under JAX, and TensorFlow serves what it learned."""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np

from tests.portrait_factory import make_portraits
from tp_keras.runs.run_folder import RunFolder

TRAINING = """
import sys
import keras
import numpy as np
from tests.runs import trainer_test as t

if keras.config.backend() != "jax":
    raise SystemExit("This is not JAX.")
t.BACKBONE_PRESETS["tiny"] = t.TINY
t.trainer_module.load_portraits = t.load_made
t.trainer_module.resolve_splits = t.as_they_are
config = t.make_config(sys.argv[1], strength=0.1, epochs=3)
run = t.Trainer(config, progress=False).fit()
images = t.make_portraits(8, seed=9).images
found = run.load_model().predict_answers(images, verbose=0)
np.savez(sys.argv[2], **found)

# One step of Adam: everything moves by its learning rate, the adversaries
# by theirs, and they don't decay.
from tp_keras.debiasing.debiased_classifier import DebiasedClassifier
from tp_keras.models.guarded_branch import GuardedBranch
from tp_keras.models.optimizers import FusedAdamW

train = t.make_portraits(96)
branch = GuardedBranch((1, 1, 4), [train.schema.task("hair_type")], 4, 0.0)
model = DebiasedClassifier(branch, train, config.debias)
model.compile_for_training(FusedAdamW(1e-3, weight_decay=0.2))
values = lambda variables: [keras.ops.convert_to_numpy(v) for v in variables]
groups = model.classifier_variables, model.adversary_variables
before = [values(group) for group in groups]
labels = {"hair_type": np.arange(24) % 3, "protected": np.arange(24) % 2}
model.train_on_batch(
    np.random.default_rng(0).normal(size=(24, 1, 1, 4)).astype("float32"),
    labels,
    {name: np.ones(24, "float32") for name in labels},
)
moved, ahead = (
    max(np.abs(a - b).max() for a, b in zip(old, values(group), strict=True))
    for old, group in zip(before, groups, strict=True)
)
assert 0.9e-3 < moved < 1.5e-3, moved
np.testing.assert_allclose(ahead, 2e-3, rtol=1e-2)

# Missing labels of every kind weigh as little here.
from tests.models.task_model_test import make_model
from tests.portrait_factory import EVERY_KIND
from tp_keras.data.labels import filled, is_known

tasks = {task.name: task for task in EVERY_KIND.tasks}
numbers = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
labels = t.make_portraits(24, schema=EVERY_KIND).labels
known = {k: is_known(tasks[k], v).astype("float32") for k, v in labels.items()}
masked = {k: filled(tasks[k], v) for k, v in labels.items()}
found = []
for rows in ((labels,), (masked, known)):
    model = make_model(EVERY_KIND.tasks)
    model.compile("sgd")
    model.fit(numbers, *rows[:1], sample_weight=(*rows, None)[1], verbose=0)
    found.append([model.test_on_batch(numbers, *rows), *model.get_weights()])
for a, b in zip(*found, strict=True):
    assert np.isfinite(a).all()
    np.testing.assert_array_equal(a, b)
"""


def test_jax_trains_and_tensorflow_predicts_the_same(tmp_path):
    subprocess.run(
        [sys.executable, "-c", TRAINING, tmp_path / "run", tmp_path / "x.npz"],
        cwd=pathlib.Path(__file__).parents[1],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        check=True,
    )
    run = RunFolder(tmp_path / "run")
    assert run.is_finished
    losses = [row["loss"] for row in run.read_history()]
    assert losses[-1] < losses[0]
    model = run.load_model()
    assert keras.config.backend() == "tensorflow"
    images = make_portraits(8, seed=9).images
    found = model.predict_answers(images, verbose=0)
    with np.load(tmp_path / "x.npz") as expected:
        assert set(expected) == set(found)
        for name, value in found.items():
            np.testing.assert_allclose(value, expected[name], atol=1e-4)
