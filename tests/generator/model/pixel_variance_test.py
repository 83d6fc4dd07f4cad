import math
import types

import numpy as np
import pytest

from tp_keras.generator.config import VaeModelConfig
from tp_keras.generator.model import LikelihoodObjective


def nll_of(objective, error, training):
    """Returns the nats for reconstructions that are off by so many levels."""
    images = np.full((2, 108, 84, 3), 100, np.uint8)
    vae = types.SimpleNamespace(
        grown=True,
        dimensions=27_216,
        kl_weight=1.0,
        pixel_variance=9.0,
        update_pixel_variance=lambda squared_error: None,
        update_latent_statistics=lambda latents: None,
    )
    outputs = {
        "image": images.astype(np.float32) + error,
        "mean": np.zeros((2, 4), np.float32),
        "log_variance": np.zeros((2, 4), np.float32),
        "latent": np.zeros((2, 4), np.float32),
    }
    _, values = objective(vae, images, outputs, training)
    return float(values["nll"])


@pytest.mark.parametrize("training", [True, False])
def test_fixed_variance_is_that_of_the_scale_from_0_to_1(training):
    # Dequantisation adds 1/12 to the squared error.
    expected = 0.5 * (
        math.log(2 * math.pi * 255**2 * 0.25)
        + (10**2 + 1 / 12) / (255**2 * 0.25)
    )
    objective = LikelihoodObjective(
        VaeModelConfig(pixel_variance=0.25).pixel_variance
    )
    assert nll_of(objective, 10.0, training) == pytest.approx(expected)


def test_by_default_the_variance_is_the_best():
    for error in (1.0, 30.0):
        variance = error**2 + 1 / 12
        expected = 0.5 * (math.log(2 * math.pi * variance) + 1)
        assert nll_of(LikelihoodObjective(), error, True) == pytest.approx(
            expected
        )
