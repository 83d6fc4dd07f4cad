import numpy as np
import pytest

from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.errors import UserError
from tp_keras.generator.evaluation.vae_sampler import VaeSampler


class LinearVae:
    """Latents are the means of the channels; labels shift the first one."""

    latent_size = 3
    schema = SCHEMA

    def encode(self, images, labels):
        mean = np.asarray(images, np.float32).mean(axis=(1, 2))
        return mean, np.zeros_like(mean)

    def decode(self, latents, labels):
        assert all(labels[name].dtype == np.int32 for name in SCHEMA.conditions)
        shift = np.stack([10.0 * labels["gender"]] + 2 * [0 * labels["gender"]])
        rows = (np.asarray(latents) + shift.T)[:, None, None]
        return np.broadcast_to(rows, (len(rows), 108, 84, 3))

    def generate(self, normal, uniform, labels, temperature):
        return self.decode(100 + 20 * temperature[:, None] * normal, labels)

    def reconstruct(self, images, labels):
        return self.decode(self.encode(images, labels)[0], labels)

    def edit(self, images, labels, new_labels):
        return self.decode(self.encode(images, labels)[0], new_labels)


@pytest.fixture(scope="module")
def portraits():
    return make_portraits(150)


def test_batches_make_no_difference(portraits, monkeypatch):
    whole = VaeSampler(LinearVae()).generate(portraits.labels, seed=4)
    module = "tp_keras.generator.evaluation.vae_sampler._BATCH_SIZE"
    monkeypatch.setattr(module, 37)
    parts = VaeSampler(LinearVae()).generate(portraits.labels, seed=4)
    np.testing.assert_array_equal(whole, parts)
    assert whole.shape == (150, 108, 84, 3)
    assert whole.dtype == np.uint8
    sampler = VaeSampler(LinearVae())
    assert (sampler.generate(portraits.labels, seed=5) != whole).any()
    # The temperature scales the noise.
    colder = sampler.generate(portraits.labels, 4, 0.5)
    spread = [images[..., 1].std() for images in (colder, whole)]
    assert spread[1] == pytest.approx(2 * spread[0], rel=0.05)


def test_what_is_reconstructed_and_edited(portraits):
    sampler = VaeSampler(LinearVae())
    images, labels = portraits.images, portraits.labels
    means = images.mean(axis=(1, 2))
    other = {**labels, "gender": 1 - labels["gender"]}
    for drawn, own in (
        (sampler.reconstruct(images, labels), labels),
        (sampler.edit(images, labels, other), other),
    ):
        expected = np.rint(means[:, 0] + 10 * own["gender"]).clip(0, 255)
        np.testing.assert_array_equal(drawn[:, 0, 0, 0], expected)


def test_numbers_that_are_not_finite_are_told(portraits):
    vae = LinearVae()
    vae.decode = lambda latents, labels: np.full((len(latents), 2), np.nan)
    with pytest.raises(UserError, match="not finite.*portraits 0 to 127"):
        VaeSampler(vae).generate_standard_normal(portraits.labels, 0)
