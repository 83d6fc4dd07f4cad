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
from tp_keras.generator.model import to_uint8
from tp_keras.generator.training.callbacks import CollapseGuard
from tp_keras.generator.training.callbacks import EpochPictures
from tp_keras.generator.training.callbacks import KLWarmup
from tp_keras.generator.training.folder import VaeRunFolder


@pytest.mark.parametrize(
    ("steps", "first_step", "expected"),
    [
        (4, 0, [0.0, 0.5, 1.0, 1.5, 2.0, 2.0]),
        # Resumed, or grown right after the warm-up.
        (4, 3, [1.5, 2.0, 2.0]),
        (0, 4, [2.0, 2.0]),
        # Without one the weight is there from the first step on.
        (0, 0, [2.0, 2.0]),
    ],
)
def test_the_weight_of_the_kl_grows_to_its_value(steps, first_step, expected):
    callback = KLWarmup(steps, 2.0, first_step)
    variable = keras.Variable(7.0)
    # Of a model it takes this alone.
    callback._model = types.SimpleNamespace(kl_weight=variable)
    weights = []
    for step in range(len(expected)):
        callback.on_train_batch_begin(step)
        weights.append(float(variable))
    assert weights == pytest.approx(expected)


def test_what_can_come_to_nothing_ends_the_training():
    guard = CollapseGuard()
    guard.on_train_batch_end(0, {"loss": 3.0})
    guard.on_epoch_end(2, {"kl": 1.0, "active_latents": 1.0})
    for loss in (np.nan, np.inf):
        with pytest.raises(UserError, match="--learning_rate .* in step 5"):
            guard.on_train_batch_end(4, {"loss": loss})
    for kl, active in ((0.99, 4.0), (12.0, 0.5)):
        with pytest.raises(UserError, match="--beta, or .* after epoch 3"):
            guard.on_epoch_end(2, {"kl": kl, "active_latents": active})


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
