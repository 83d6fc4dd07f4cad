import numpy as np

from tp_keras.generator.model.networks import FeatureModulation


def test_modulation_begins_as_the_identity_and_scales_and_shifts():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2, 3, 5, 4)).astype(np.float32)
    condition = rng.normal(size=(2, 6)).astype(np.float32)
    modulation = FeatureModulation()
    found = modulation([features, condition])
    np.testing.assert_array_equal(found, features)

    kernel = rng.normal(size=(6, 8)).astype(np.float32)
    bias = rng.normal(size=8).astype(np.float32)
    modulation.projection.set_weights([kernel, bias])
    both = condition @ kernel + bias
    scale, shift = both[:, None, None, :4], both[:, None, None, 4:]
    np.testing.assert_allclose(
        modulation([features, condition]),
        features * (1 + scale) + shift,
        rtol=1e-5,
        atol=1e-5,
    )
