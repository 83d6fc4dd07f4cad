"""The generator's losses are the same on another backend."""

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
from tp_keras.generator.model import losses
from tp_keras.generator.model import objectives

ROOT = pathlib.Path(__file__).parents[3]
# Each operation is compiled, and called a few times.
JAX = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
JAX["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"


def find_losses(vae, classifier):
    """The parts of both losses that take no random numbers, by name."""
    inputs = make_inputs(4, schema=EVERY_KIND)
    labels = {
        name: ops.convert_to_tensor(inputs[name])
        for name in EVERY_KIND.conditions
    }
    posterior = vae.encoder(inputs, training=False)
    drawn = vae.draw(posterior["mean"], labels, False)
    loss, values = objectives.LikelihoodObjective()(
        vae, inputs["image"], {**posterior, **drawn}, False
    )
    network = objectives.FeatureNetwork(classifier)
    maps, logits = network(drawn["image"])
    true_maps, _ = network(ops.cast(inputs["image"], "float32"))
    logits = {name: logits[name] for name in labels}
    statistics = map(objectives.channel_statistics, (maps, true_maps))
    values = {
        **values,
        "loss": loss,
        "feature": objectives.feature_error(maps, true_maps),
        "attribute": losses.labelled_crossentropy(labels, logits, 0.1),
        "moment": losses.energy_distance(*statistics),
    }
    return {name: float(value) for name, value in values.items()}


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
classifier = jax_test.make_classifier(schema=jax_test.EVERY_KIND)
classifier.load_weights(sys.argv[2])
print(json.dumps(jax_test.find_losses(vae, classifier)))
"""


@pytest.mark.large
def test_jax_finds_the_losses_of_tensorflow(tmp_path):
    vae = make_vae(schema=EVERY_KIND, grown=True)
    classifier = make_classifier(schema=EVERY_KIND)
    randomize(vae.encoder.trainable_variables)
    randomize(vae._decoder.trainable_variables, seed=1)
    vae.pixel_variance.assign(900.0)
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
    found = json.loads(done.stdout.splitlines()[-1])
    expected = find_losses(vae, classifier)
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, err_msg=name)
