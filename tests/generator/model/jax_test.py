"""The generator has the same losses, and is trained, on another backend."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from keras import ops

from tests.generator.model.networks import make_classifier
from tests.generator.model.networks import make_inputs
from tests.generator.model.networks import make_vae
from tests.generator.model.networks import randomize
from tests.portrait_factory import EVERY_KIND
from tp_keras.generator.config import VaeModelConfig
from tp_keras.generator.model import AdversarialVAE
from tp_keras.generator.model import adversarial_vae
from tp_keras.models.optimizers import FusedAdamW

ROOT = pathlib.Path(__file__).parents[3]
# Each operation is compiled, and called a few times.
JAX = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
JAX["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"


def find_losses(vae, classifier):
    """The values of a batch that take no random numbers, by name."""
    # The slope of the critic is measured at a random disturbance.
    settings = VaeModelConfig(critic_channels=(4, 4), penalty_weight=0.0)
    model = AdversarialVAE(vae, classifier, settings)
    randomize(model.critic_variables, seed=2)
    inputs = {
        name: ops.convert_to_tensor(each)
        for name, each in make_inputs(4, schema=EVERY_KIND).items()
    }
    labels = {name: inputs[name] for name in EVERY_KIND.conditions}
    posterior = vae.encoder(inputs)
    # New ones, edited ones, and the first half again.
    rows = np.array([0, 1, 2, 3, 0, 1])
    told = {name: ops.take(each, rows) for name, each in labels.items()}
    told["smile"] = ops.where(np.isin(rows, (2, 3)), 1, told["smile"])
    latents = ops.take(posterior["mean"], rows, axis=0)
    outputs = {
        **posterior,
        "drawn": vae.draw(latents, told, False),
        "labels": labels,
        "told": told,
        "exchanged": {name: np.full(4, name == "smile") for name in labels},
    }
    adversarial_vae.draw_changes = change_by_row
    model.compute_loss(inputs, None, outputs)
    values = {k: float(v) for k, v in model.get_metrics_result().items()}
    del values["penalty"]
    return values


def change_by_row(count, seed):
    """Changes that tell the rows apart, in place of random ones."""
    share = np.linspace(0.1, 0.9, count, dtype=np.float32)
    return {
        "brightness": 0.2 - 0.4 * share,
        "contrast": 0.8 + 0.3 * share,
        "down": 0.1 * share,
        "right": -0.1 * share,
        "row": share,
        "column": share,
        "covered": np.round(share),
    }


def find_moves(vae, classifier):
    """By how much a step of training moves encoder, decoder and critics."""
    settings = VaeModelConfig(critic_channels=(4, 4))
    model = AdversarialVAE(vae, classifier, settings)
    model.compile(FusedAdamW(1e-3, weight_decay=0.0, beta_1=0.0))
    parts = {
        "encoder": vae.encoder.trainable_variables,
        "decoder": vae._decoder.trainable_variables,
        "critics": model.critic_variables,
    }
    # What only looks is not moved.
    parts["classifier"] = classifier.variables
    before = {n: [np.array(v) for v in each] for n, each in parts.items()}
    inputs = make_inputs(4, schema=EVERY_KIND)
    logs = model.fit(inputs, batch_size=4, verbose=0).history
    return {
        "loss": logs["loss"][0],
        **{
            name: max(
                float(np.abs(old - np.array(new)).max())
                for old, new in zip(before[name], each, strict=True)
            )
            for name, each in parts.items()
        },
    }


# The run's folder is what first loads the model there: nothing else has been
# imported that would register its classes.
OTHER_BACKEND = """
import json, sys
import keras
from tp_keras.generator.training.folder import VaeRunFolder

if keras.config.backend() != "jax":
    raise SystemExit("This is not JAX.")
vae = VaeRunFolder("").load_model(sys.argv[1])
from tests.generator.model import jax_test
classifier = jax_test.make_classifier(jax_test.EVERY_KIND)
classifier.load_weights(sys.argv[2])
found = [jax_test.find_moves(vae, classifier)]
vae = VaeRunFolder("").load_model(sys.argv[1])
print(json.dumps([*found, jax_test.find_losses(vae, classifier)]))
"""


@pytest.mark.large
def test_jax_trains_with_the_losses_of_tensorflow(tmp_path, monkeypatch):
    vae = make_vae(schema=EVERY_KIND, grown=True)
    classifier = make_classifier(EVERY_KIND)
    randomize(vae.encoder.trainable_variables)
    randomize(vae._decoder.trainable_variables, seed=1)
    paths = tmp_path / "vae.keras", tmp_path / "classifier.weights.h5"
    vae.save(paths[0])
    classifier.save_weights(paths[1])
    done = subprocess.run(
        [sys.executable, "-c", OTHER_BACKEND, *map(str, paths)],
        cwd=ROOT,
        env={**os.environ, **JAX},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    moves, found = json.loads(done.stdout.splitlines()[-1])
    # `find_losses` replaces it.
    monkeypatch.setattr(
        adversarial_vae, "draw_changes", adversarial_vae.draw_changes
    )
    expected = find_losses(vae, classifier)
    assert set(found) == set(expected) >= {"loss", "critic", "kept", "feature"}
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, err_msg=name)
    assert np.isfinite(moves.pop("loss"))
    assert moves.pop("classifier") == 0.0
    assert min(moves.values()) > 1e-4
