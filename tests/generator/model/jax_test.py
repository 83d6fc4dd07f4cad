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
from tp_keras.generator.model import AdversarialDecoder
from tp_keras.generator.model import EncoderTraining
from tp_keras.generator.model import adversarial_decoder
from tp_keras.models.optimizers import FusedAdamW

ROOT = pathlib.Path(__file__).parents[3]
# Each operation is compiled, and called a few times.
JAX = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
JAX["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"


def find_losses(vae, classifier):
    """The values of a batch that take no random numbers, by name."""
    # The slope of the critic is measured at a random disturbance.
    settings = VaeModelConfig(critic_channels=(4, 4), penalty_weight=0.0)
    decoder = AdversarialDecoder(vae, classifier, settings)
    randomize(decoder.critic_variables, seed=2)
    inputs = {
        name: ops.convert_to_tensor(each)
        for name, each in make_inputs(4, schema=EVERY_KIND).items()
    }
    labels = {name: inputs[name] for name in EVERY_KIND.conditions}
    latents = np.random.default_rng(4).normal(size=(4, vae.latent_size))
    latents = ops.convert_to_tensor(latents, "float32")
    # Normalised by this batch, as in training.
    outputs = {"drawn": vae.draw(latents, labels, True), "labels": labels}
    adversarial_decoder.draw_changes = change_by_row
    decoder.compute_loss(inputs, None, outputs)
    values = {k: float(v) for k, v in decoder.get_metrics_result().items()}
    del values["penalty"]

    encoder = EncoderTraining(vae, classifier, settings)
    twice = {n: ops.concatenate([each, each]) for n, each in inputs.items()}
    posterior = vae.encoder(twice)
    again = vae.decode(posterior["mean"][:4], labels)
    outputs = {**posterior, "new": latents, "again": again}
    encoder.compute_loss(inputs, None, outputs)
    for name, value in encoder.get_metrics_result().items():
        values[f"encoder_{name}"] = float(value)
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
    """By how much a step of each training moves what, by names of both."""
    settings = VaeModelConfig(critic_channels=(4, 4))
    decoder = AdversarialDecoder(vae, classifier, settings)
    parts = {
        "encoder": vae.encoder.variables,
        "decoder": vae.decoder.variables,
        "critics": decoder.critic_variables,
        "classifier": classifier.variables,
    }
    inputs, moves = make_inputs(4, schema=EVERY_KIND), {}
    for name in ("decoder", "encoder"):
        model = decoder
        if name == "encoder":
            model = EncoderTraining(vae, classifier, settings)
        model.compile(FusedAdamW(1e-3, weight_decay=0.0, beta_1=0.0))
        before = {n: [np.array(v) for v in each] for n, each in parts.items()}
        logs = model.fit(inputs, batch_size=4, verbose=0).history
        moves[name] = {
            part: max(
                float(np.abs(old - np.array(new)).max())
                for old, new in zip(before[part], each, strict=True)
            )
            for part, each in parts.items()
        }
        moves[name]["loss"] = logs["loss"][0]
    return moves


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
    randomize(vae.encoder.variables)
    randomize(vae.decoder.variables, seed=1)
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
        adversarial_decoder, "draw_changes", adversarial_decoder.draw_changes
    )
    expected = find_losses(vae, classifier)
    names = {"loss", "critic", "attribute", "encoder_loss", "encoder_surprise"}
    assert set(found) == set(expected) >= names
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, err_msg=name)
    for name, trained in (
        ("decoder", {"decoder", "critics"}),
        ("encoder", {"encoder"}),
    ):
        assert np.isfinite(moves[name].pop("loss"))
        for part, move in moves[name].items():
            # What only looks, or draws for the encoder, is not moved.
            assert move > 1e-4 if part in trained else move == 0.0, (name, part)
