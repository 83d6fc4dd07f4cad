import numpy as np

from tests.export.networks import Here
from tp_keras.serving import CSession
from tp_keras.tuning import trial


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
