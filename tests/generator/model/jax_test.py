"""The generator's losses are the same on another backend."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tests.generator.model.networks import make_classifier
from tests.generator.model.networks import make_vae
from tests.generator.model.networks import randomize

ROOT = pathlib.Path(__file__).parents[3]


def losses(vae, classifier):
    """The parts of both losses that take no random numbers, by name."""
    from keras import ops

    from tests.generator.model.networks import make_inputs
    from tp_keras.generator.model import LikelihoodObjective
    from tp_keras.generator.model.losses import energy_distance
    from tp_keras.generator.model.losses import labelled_crossentropy
    from tp_keras.generator.model.objectives import FeatureNetwork
    from tp_keras.generator.model.objectives import channel_statistics
    from tp_keras.generator.model.objectives import feature_error

    inputs = make_inputs(4)
    labels = {
        name: ops.convert_to_tensor(values)
        for name, values in inputs.items()
        if name != "image"
    }
    posterior = vae.encoder(inputs, training=False)
    drawn = vae.draw(posterior["mean"], labels, False)
    vae.pixel_variance.assign(900.0)
    loss, values = LikelihoodObjective()(
        vae, inputs["image"], {**posterior, **drawn}, False
    )
    network = FeatureNetwork(classifier)
    maps, logits = network(drawn["image"])
    true_maps, _ = network(ops.cast(inputs["image"], "float32"))
    statistics = [channel_statistics(x) for x in (maps, true_maps)]
    values = {
        **values,
        "loss": loss,
        "feature": feature_error(maps, true_maps),
        "attribute": labelled_crossentropy(labels, logits, 0.1),
        "moment": energy_distance(*statistics),
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
from tests.generator.model.networks import make_classifier
classifier = make_classifier()
classifier.load_weights(sys.argv[2])
print(json.dumps(jax_test.losses(vae, classifier)))
"""


@pytest.mark.large
def test_jax_finds_the_losses_of_tensorflow(tmp_path):
    vae, classifier = make_vae(grown=True), make_classifier()
    randomize(vae.encoder.trainable_variables)
    randomize(vae._decoder.trainable_variables, seed=1)
    paths = tmp_path / "vae.keras", tmp_path / "classifier.weights.h5"
    vae.save(paths[0])
    classifier.save_weights(paths[1])
    done = subprocess.run(
        [sys.executable, "-c", OTHER_BACKEND, *map(str, paths)],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    expected = losses(vae, classifier)
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, err_msg=name)
