"""What a generator is given, in training and in validation."""

import numpy as np

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tp_keras.config import AugmentConfig
from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.generator.config import VaeTrainingConfig
from tp_keras.generator.training import trainer as vae_trainer


def test_validation_has_every_portrait_once_with_its_conditions():
    portraits = make_portraits(130, schema=EVERY_KIND)
    batches = vae_trainer.validation_batches(portraits)
    batches = [inputs for (inputs,) in batches]
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
    # Nothing is changed, so a row can be found again.
    plain = AugmentConfig(
        flip=False, shift=0.0, zoom=0.0, rotation=0.0, brightness=0.0
    )
    training = VaeTrainingConfig(batch_size=8, passes_per_epoch=2)
    config = VaeExperimentConfig(augment=plain, training=training)
    batches = vae_trainer.training_batches(portraits, config)
    assert batches.steps_per_epoch == 6
    places = {image.tobytes(): i for i, image in enumerate(portraits.images)}
    seen = []
    for (inputs,) in batches.dataset().map(vae_trainer.as_inputs).take(3):
        rows = [places[image.tobytes()] for image in inputs["image"].numpy()]
        for name in portraits.schema.conditions:
            np.testing.assert_array_equal(
                inputs[name], portraits.labels[name][rows]
            )
        seen += rows
    assert sorted(seen) == list(range(24)) != seen
