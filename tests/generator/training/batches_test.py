import dataclasses

import numpy as np

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tp_keras.config import AugmentConfig
from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.generator.config import VaeTrainingConfig
from tp_keras.generator.training.trainer import as_inputs
from tp_keras.generator.training.trainer import training_batches
from tp_keras.generator.training.trainer import validation_batches

# Nothing is changed, so a row can be found again.
PLAIN = AugmentConfig(
    flip=False, shift=0.0, zoom=0.0, rotation=0.0, brightness=0.0
)


def test_validation_has_every_portrait_once_with_its_conditions():
    portraits = make_portraits(130, schema=EVERY_KIND)
    batches = [inputs for (inputs,) in validation_batches(portraits)]
    assert [len(batch["image"]) for batch in batches] == [128, 2]
    assert set(batches[0]) == {"image", "origin", "smile"}
    expected = {**portraits.labels, "image": portraits.images}
    for name in batches[0]:
        found = np.concatenate([batch[name] for batch in batches])
        assert found.dtype == expected[name].dtype
        np.testing.assert_array_equal(found, expected[name])
    assert (portraits.labels["smile"] == -1).any()


def test_training_shuffles_portraits_with_their_labels():
    portraits = make_portraits(24)
    config = VaeExperimentConfig(
        augment=PLAIN, training=VaeTrainingConfig(batch_size=8)
    )
    batches = training_batches(portraits, config)
    assert batches.steps_per_epoch == 3
    places = {image.tobytes(): i for i, image in enumerate(portraits.images)}
    seen = []
    for (inputs,) in batches.dataset().map(as_inputs).take(3):
        rows = [places[image.tobytes()] for image in inputs["image"].numpy()]
        for name in portraits.schema.conditions:
            np.testing.assert_array_equal(
                inputs[name], portraits.labels[name][rows]
            )
        seen += rows
    assert sorted(seen) == list(range(24)) != seen
    twice = dataclasses.replace(
        config, training=VaeTrainingConfig(batch_size=8, passes_per_epoch=2)
    )
    assert training_batches(portraits, twice).steps_per_epoch == 6
