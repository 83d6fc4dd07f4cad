"""The same code trains under JAX, and TensorFlow serves what it learned."""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np

from tests.made_runs import make_classifier
from tests.portrait_factory import make_portraits
from tp_keras.runs.run_folder import RunFolder

TRAINING = """
import sys
import keras
import numpy as np
import tp_keras

if keras.config.backend() != "jax":
    raise SystemExit("This is not JAX.")
# Of another process and of TensorFlow; the package is all that it needs.
folder = sys.argv[1]
model = keras.saving.load_model(f"{folder}/model.keras", compile=False)
images = np.load(f"{folder}/images.npy")
np.savez(f"{folder}/a.npz", **model.predict_answers(images, verbose=0))

from tests.runs import trainer_test as t
t.BACKBONE_PRESETS["tiny"] = t.TINY
from tp_keras.data import source
source.load_portraits = t.load_made
t.trainer_module.resolve_splits = t.as_they_are
config = t.make_config(f"{folder}/run", strength=0.1, epochs=3)
run = t.Trainer(config, progress=False).fit()
found = run.load_model().predict_answers(images, verbose=0)
np.savez(f"{folder}/b.npz", **found)

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


def test_jax_and_tensorflow_predict_what_the_other_has_learned(tmp_path):
    images = make_portraits(8, seed=9).images
    np.save(tmp_path / "images.npy", images)
    make_classifier().save(tmp_path / "model.keras")
    subprocess.run(
        [sys.executable, "-c", TRAINING, tmp_path],
        cwd=pathlib.Path(__file__).parents[1],
        env={
            **os.environ,
            **{"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
            # What runs for moments needn't be compiled well.
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        },
        check=True,
    )
    run = RunFolder(tmp_path / "run")
    assert run.is_finished
    losses = [row["loss"] for row in run.read_history()]
    assert losses[-1] < losses[0]
    assert keras.config.backend() == "tensorflow"
    for model, name in ((make_classifier(), "a"), (run.load_model(), "b")):
        found = model.predict_answers(images, verbose=0)
        with np.load(tmp_path / f"{name}.npz") as expected:
            assert set(expected) == set(found)
            for task, value in found.items():
                np.testing.assert_allclose(value, expected[task], atol=1e-4)
