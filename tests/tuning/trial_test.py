import numpy as np

from tests.export.networks import Here
from tp_keras.config import ExperimentConfig
from tp_keras.serving import CSession
from tp_keras.tuning import trial
from tp_keras.tuning.search_settings import SearchSettings
from tp_keras.tuning.search_space import SearchSpace


def test_what_is_measured_is_the_folded_model(classifier, monkeypatch):
    found = []

    def look(paths, image_shape, seconds, threads, batch_sizes):
        images = np.zeros((2, *image_shape), np.uint8)
        with CSession(paths["saved_model"]) as session:
            found.append(session.run("serving_default", {"image": images}))
        assert (threads, batch_sizes) == (1, (1,))
        return {"saved_model": {1: 0.002}}

    monkeypatch.setattr(trial, "measure_latencies", look)
    assert trial.measure_latency(classifier, Here()) == 0.002
    images = np.zeros((2, *classifier.schema.image_shape), np.uint8)
    expected = classifier.inference_model()(images, training=False)
    assert sorted(found[0]) == sorted(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[0][name], values, atol=1e-3)


def test_a_rung_has_its_share_of_the_budget():
    settings = SearchSettings(
        ExperimentConfig(), SearchSpace(backbones=("a",)), budget_seconds=90.0
    )
    shares = [
        trial.trial_facts(settings, "0", {"backbone": "a", **units})
        for units in ({"tuner/epochs": 1}, {"tuner/epochs": 3}, {})
    ]
    assert [facts["budget_seconds"] for facts in shares] == [10.0, 30.0, 90.0]
