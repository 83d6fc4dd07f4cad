import numpy as np
import pytest

from tp_keras.generator.evaluation.leak import measure_leak


def probe(latents, labels):
    found = list(measure_leak(latents, labels, seed=0))
    return {(one["metric"], one["task"]): one for one in found}


def test_what_latents_tell_and_what_they_do_not():
    generator = np.random.default_rng(0)
    count = 600
    labels = {
        "gender": generator.integers(0, 2, count),
        "hair_color": generator.choice(5, count, p=(0.5, 0.2, 0.1, 0.1, 0.1)),
        "hair_type": np.full(count, -1),
    }
    latents = generator.normal(size=(count, 8))
    latents[:, 3] += 6 * labels["gender"]
    found = probe(latents, labels)
    assert found["latent_probe", "gender"]["value"] > 0.98
    color = found["latent_probe", "hair_color"]
    majority = found["latent_majority", "hair_color"]
    assert majority["value"] == pytest.approx(
        (labels["hair_color"] == 0).mean()
    )
    assert abs(color["value"] - majority["value"]) < 0.05
    # Nobody has a label of hair type.
    assert found["latent_probe", "hair_type"]["value"] is None


def test_classes_of_too_few_portraits_are_left_out():
    labels = {
        "gender": np.repeat([0, 1], 20),
        "hair_color": np.array([0] * 20 + [1] * 16 + [2] * 4),
        "hair_type": np.array([0] * 38 + [1] * 2),
    }
    found = probe(np.random.default_rng(0).normal(size=(40, 3)), labels)
    assert found["latent_probe", "hair_color"]["count"] == 36
    assert found["latent_probe", "hair_type"]["value"] is None
