import keras
import numpy as np

from tp_keras.generator.model.conditions import EMBEDDING_SIZES
from tp_keras.generator.model.conditions import FeatureModulation
from tp_keras.generator.model.conditions import OneHotLabels
from tp_keras.generator.model.conditions import embed_labels
from tp_keras.generator.model.conditions import label_inputs
from tp_keras.tasks import TASKS

LABELS = {
    "gender": np.array([-1, 0, 1]),
    "hair_color": np.array([2, -1, 0]),
    "hair_type": np.array([0, 1, -1]),
}


def test_one_hot_labels_have_a_column_for_the_unknown():
    found = np.asarray(OneHotLabels()(LABELS))
    expected = np.zeros_like(found)
    first = 0
    for task in TASKS:
        for row, label in enumerate(LABELS[task.name]):
            expected[row, first + label + 1] = 1
        first += task.num_classes + 1
    assert first == found.shape[1]
    np.testing.assert_array_equal(found, expected)


def test_every_label_has_an_embedding_of_its_own():
    inputs = label_inputs()
    model = keras.Model(inputs, embed_labels(inputs))
    found = np.asarray(model(LABELS))
    expected = np.concatenate(
        [
            model.get_layer(f"label_{task.name}_embedding").get_weights()[0][
                LABELS[task.name] + 1
            ]
            for task in TASKS
        ],
        axis=1,
    )
    np.testing.assert_array_equal(found, expected)
    assert found.shape == (3, sum(EMBEDDING_SIZES.values()))


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
