import keras
import numpy as np
import pytest

from benchmarks.plain_vae import TOLERANCE
from benchmarks.plain_vae import WIDENINGS
from benchmarks.plain_vae import WIDER_CONVOLUTIONS
from benchmarks.plain_vae import WIDER_DENSE
from benchmarks.plain_vae import PlainVAE
from benchmarks.plain_vae import count_parameters
from benchmarks.plain_vae import widened
from benchmarks.vae_subject import parameters_of

HALF = (54, 42, 3)
SMALL = {
    "image_shape": HALF,
    "channels": (4, 8),
    "hidden_units": 5,
    "latent_size": 6,
}


@pytest.fixture(scope="module")
def small():
    return PlainVAE(**SMALL)


def test_parameters_are_those_of_the_model(small):
    assert count_parameters(**SMALL) == parameters_of(small)
    drawn = small.decoder(np.zeros((2, 6), np.float32))
    assert drawn.shape == (2, *HALF)


@pytest.mark.parametrize("widening", WIDENINGS)
def test_widened_network_has_the_parameters(widening):
    settings = widened(widening, 4_400_000, HALF, 128)
    assert abs(count_parameters(**settings) / 4_400_000 - 1) < TOLERANCE


def test_dense_layer_alone_leaves_the_convolutions_of_the_example():
    settings = widened(WIDER_DENSE, 4_400_000, HALF, 128)
    assert settings["channels"] == (32, 64)
    # Its decoder alone has more than this.
    assert widened(WIDER_DENSE, 1_000_000, HALF, 128) is None
    narrower = widened(WIDER_CONVOLUTIONS, 1_000_000, HALF, 128)
    assert narrower["channels"] < (32, 64)


def test_loss_is_that_of_the_example(small):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, *HALF), np.uint8)
    drawn = rng.uniform(0.1, 0.9, (2, *HALF))
    mean, log_variance = rng.normal(size=(2, 2, 6))
    loss = small.compute_loss(images, y_pred=(drawn, mean, log_variance))
    pixels = images / 255
    # keras.losses.binary_crossentropy is the mean over the channels.
    crossentropy = -np.mean(
        pixels * np.log(drawn) + (1 - pixels) * np.log(1 - drawn), axis=3
    )
    kl = -0.5 * (1 + log_variance - mean**2 - np.exp(log_variance))
    expected = crossentropy.sum((1, 2)).mean() + kl.sum(1).mean()
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_training_lowers_the_loss():
    keras.utils.set_random_seed(0)
    model = PlainVAE(**SMALL)
    model.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    images = np.full((16, *HALF), 230, np.uint8)
    losses = model.fit(images, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]
