"""The figures that rest on a network trained within seconds."""

import numpy as np
import pytest

from tests.generator.evaluation.made_generators import MadeSampler
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tp_keras.generator.config import GenerationSettings
from tp_keras.generator.evaluation.small_network import measure_training_on
from tp_keras.generator.evaluation.small_network import measure_two_sample

SIX = GenerationSettings(network_epochs=6)


def test_portraits_are_told_apart_by_a_mark_alone():
    real = make_portraits(160, seed=1, schema=EVERY_KIND).images
    made = make_portraits(200, seed=2, schema=EVERY_KIND).images
    settings = GenerationSettings(network_epochs=4)
    found = measure_two_sample(real, made, "generated", settings)
    assert found["count"] == 160
    assert found["low"] < 0.5 < found["high"]
    # Nothing else has a colour.
    made[:, 12:52, 6:42] = (255, 0, 0)
    found = measure_two_sample(real, made, "generated", SIX)
    # Not more: it has had 18 steps.
    assert found["low"] > 0.75


def test_a_row_and_its_twin_are_in_the_same_half(monkeypatch):
    real = np.arange(10, dtype=np.uint8)[:, None]
    seen = []

    class Network:
        def __init__(self, *_):
            pass

        def fit(self, images, labels):
            seen.append(set(images[:, 0] % 100))

        def predict(self, images):
            seen.append(set(images[:, 0] % 100))
            return {"origin": np.zeros(len(images), int)}

    monkeypatch.setattr(
        "tp_keras.generator.evaluation.small_network.SmallNetwork", Network
    )
    found = measure_two_sample(real, real + 100, "made", SIX, "told")
    assert found["value"] == 0.5
    assert (found["metric"], found["variant"]) == ("told", "made")
    assert len(seen[0]) == len(seen[1]) == 5
    assert not seen[0] & seen[1]


@pytest.mark.large
@pytest.mark.parametrize("ignored", [(), ("gender",)], ids=["told", "ignored"])
def test_training_on_portraits_that_show_their_labels_or_not(ignored):
    test = make_portraits(100, seed=1)
    training = make_portraits(300, seed=2)
    made = MadeSampler(ignore=ignored).generate(training.labels, seed=3)
    found = {
        one["task"]: one
        for one in measure_training_on(made, training, test, "generated", SIX)
    }
    assert found["hair_type"]["count"] == (test.labels["hair_type"] >= 0).sum()
    if ignored:
        assert found["gender"]["value"] < 0.75
    else:
        assert found["gender"]["value"] > 0.95
