"""The same code trains under JAX, and TensorFlow serves what it learned."""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np

from tests.portrait_factory import make_portraits
from tp_keras.run_folder import RunFolder

TRAINING = """
import sys
import keras
import numpy as np
from tests import trainer_test as t

if keras.config.backend() != "jax":
    raise SystemExit("This is not JAX.")
t.BACKBONE_PRESETS["tiny"] = t.TINY
t.trainer_module.load_portraits = t.load_made
run = t.Trainer(t.make_config(sys.argv[1], epochs=3), progress=False).fit()
images = t.make_portraits(8, seed=9).images
found = run.load_model().predict_probabilities(images, verbose=0)
np.savez(sys.argv[2], **found)
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
    found = model.predict_probabilities(images, verbose=0)
    with np.load(tmp_path / "x.npz") as expected:
        assert set(expected) == set(found)
        for name, value in found.items():
            np.testing.assert_allclose(value, expected[name], atol=1e-4)
