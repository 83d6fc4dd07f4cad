import re
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.generator.model.networks import make_vae
from tests.generator.model.networks import randomize
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tp_keras.errors import UserError
from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.generator.model import to_uint8
from tp_keras.generator.training.callbacks import BalanceGuard
from tp_keras.generator.training.callbacks import EpochPictures
from tp_keras.generator.training.callbacks import find_collapse
from tp_keras.generator.training.folder import VaeRunFolder
from tp_keras.models.optimizers import FusedAdamW

# Of an epoch of the decoder, and of one of the encoder.
GOOD = {"critic": 0.05, "variety": 0.25}
GOOD_LATENTS = {"kl": 1.0, "active_latents": 1.0}


class Optimized(keras.Model):
    """A single weight, with an optimizer that averages it."""

    def __init__(self):
        super().__init__()
        self.weight = self.add_weight((), "zeros", name="weight")
        self.compile(FusedAdamW(0.1, use_ema=True, ema_momentum=0.9))
        self.optimizer.build(self.trainable_variables)

    @property
    def vae(self):
        return self

    def set(self, weight, average, steps):
        self.weight.assign(weight)
        self.optimizer._model_variables_moving_average[0].assign(average)
        self.optimizer.iterations.assign(steps)


@pytest.fixture
def guarded(tmp_path):
    """A run, its model, what is said, and the guard between them."""
    run, said, kept = VaeRunFolder(tmp_path / "run"), [], []
    run.claim(VaeExperimentConfig(run_dir=str(run.path)))
    run.save_model = lambda model: kept.append(float(model.weight))
    guard = BalanceGuard(run, said.append)
    guard.set_model(Optimized())
    guard.kept = kept
    return run, guard.model, said, guard


def test_a_loss_that_is_no_number_ends_the_training(guarded):
    *_, guard = guarded
    guard.on_train_batch_end(0, {"loss": 3.0})
    for loss in (np.nan, np.inf):
        with pytest.raises(UserError, match="--learning_rate .* in step 5"):
            guard.on_train_batch_end(4, {"loss": loss})


@pytest.mark.parametrize(
    ("good", "bad", "sentence"),
    [
        (
            *(GOOD_LATENTS, {"kl": 0.99}),
            "posterior has collapsed: 0.99 nats in 1 latents",
        ),
        (GOOD_LATENTS, {"active_latents": 0.5}, "posterior has collapsed"),
        (GOOD, {"critic": 0.049}, "critics are never wrong, .* 0.049"),
        (GOOD, {"variety": 0.24}, "all alike: they differ by 24%"),
    ],
    ids=["nats", "latents", "critics", "variety"],
)
def test_what_an_epoch_may_end_in_is_told(good, bad, sentence, guarded):
    assert find_collapse(good, 3) is None
    assert re.search(sentence, find_collapse({**good, **bad}, 3))
    # There is nothing to go back to.
    *_, said, guard = guarded
    guard.on_epoch_end(3, good)
    with pytest.raises(UserError, match=f"{sentence}.*Received: epoch 4, "):
        guard.on_epoch_end(3, {**good, **bad})
    assert not said


def test_portraits_may_be_alike_at_first():
    alike = {**GOOD, "variety": 0.1}
    found = [find_collapse(alike, epoch) is None for epoch in range(5)]
    assert found == [True, True, True, False, False]
    # What tells nothing is told at once.
    for bad in ({"kl": 0.99}, {"active_latents": 0.5}):
        assert find_collapse({**GOOD_LATENTS, **bad}, 0)
    assert find_collapse({**GOOD, "critic": 0.049}, 0)


def test_a_training_goes_on_from_the_last_good_average(guarded):
    run, model, said, guard = guarded
    model.set(1.0, 2.0, 30)
    run.backups.save(model, 3)
    for times in (1, 2, 3):
        model.set(7.0, 8.0, 40)
        guard.on_epoch_end(3, {**GOOD, "variety": 0.1})
        assert float(model.weight) == 2.0
        # The learning rate goes on falling.
        assert int(model.optimizer.iterations) == 40
        assert len(run.facts["setbacks"]) == len(said) == times
    assert run.facts["setbacks"][0][0] == 4
    assert "from epoch 4 to the averaged weights after epoch 3" in said[0]
    # What is kept is not what went wrong.
    assert guard.kept == [2.0, 2.0, 2.0]
    with pytest.raises(UserError, match="Received: epoch 4, setback 4"):
        guard.on_epoch_end(3, {**GOOD, "variety": 0.1})


def test_a_state_of_another_size_is_none_to_go_back_to(guarded):
    run, model, _, guard = guarded
    run.backups.save(model, 3)
    guard.begin = 3
    with pytest.raises(UserError, match="all alike.* epoch 4, setback 1"):
        guard.on_epoch_end(3, {**GOOD, "variety": 0.1})
    assert "setbacks" not in run.facts


def test_a_sheet_has_portraits_reconstructions_and_new_ones(tmp_path):
    vae = make_vae(schema=EVERY_KIND)
    randomize(vae.half_decoder.trainable_variables)
    portraits = make_portraits(20, split="validation", schema=EVERY_KIND)
    run = VaeRunFolder(tmp_path)
    pictures = EpochPictures(run, portraits, seed=1)
    pictures.write(vae, 3)
    files = [path.name for path in run.pictures_path.iterdir()]
    assert files == ["epoch_003.png"]
    sheet = np.asarray(Image.open(run.pictures_path / "epoch_003.png"))
    # A row for each class of the first condition.
    tiles = sheet.reshape(2 + 3, 64, 12, 48, 3).swapaxes(1, 2)
    # Twelve different portraits, each above its reconstruction.
    places = [
        np.flatnonzero((portraits.images == tile).all(axis=(1, 2, 3)))
        for tile in tiles[0]
    ]
    rows = np.concatenate(places)
    assert len(set(rows)) == len(rows) == 12
    labels = {name: values[rows] for name, values in portraits.labels.items()}
    np.testing.assert_array_equal(
        tiles[1], to_uint8(vae.reconstruct(portraits.images[rows], labels))
    )
    # New ones of each class, through the classes of the second condition.
    origins = pictures.new_labels["origin"].tolist()
    assert origins == [0] * 12 + [1] * 12 + [2] * 12
    assert pictures.new_labels["smile"].tolist() == [0, 1] * 18
    # Another epoch draws the same latents.
    np.testing.assert_array_equal(pictures.draw(vae), sheet)
    # Before there is an encoder, nothing is drawn again.
    pictures.with_again = False
    np.testing.assert_array_equal(
        pictures.draw(vae), np.concatenate([sheet[:64], sheet[128:]])
    )
    # TensorBoard shows it.
    (path,) = tmp_path.rglob("*tfevents*")
    shown = [
        (event.step, value.tag)
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    ]
    assert shown == [(3, "portraits")]


def test_few_portraits_stand_there_more_than_once():
    portraits = make_portraits(5)
    pictures = EpochPictures(types.SimpleNamespace(), portraits)
    assert len(pictures.images) == 12
    assert len(np.unique(pictures.images, axis=0)) == 5
    assert all(len(values) == 12 for values in pictures.labels.values())
    # The third condition is left to the model.
    assert set(pictures.new_labels["hair_type"]) == {-1}
