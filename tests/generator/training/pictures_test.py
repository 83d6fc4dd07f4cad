import types

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.generator.model.networks import make_vae
from tests.generator.model.networks import randomize
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tp_keras.generator.model import to_uint8
from tp_keras.generator.training.callbacks import EpochPictures
from tp_keras.generator.training.folder import VaeRunFolder


@pytest.fixture(scope="module")
def vae():
    vae = make_vae()
    randomize(vae.half_decoder.trainable_variables)
    return vae


def tiles_of(sheet):
    rows, columns = sheet.shape[0] // 108, sheet.shape[1] // 84
    return sheet.reshape(rows, 108, columns, 84, 3).swapaxes(1, 2)


def test_a_sheet_has_portraits_reconstructions_and_new_ones(vae, tmp_path):
    portraits = make_portraits(20, split="validation")
    run = VaeRunFolder(tmp_path)
    pictures = EpochPictures(run, portraits, seed=1)
    pictures.write(vae, 3)
    files = [path.name for path in run.pictures_path.iterdir()]
    assert files == ["epoch_003.png"]
    sheet = np.asarray(Image.open(run.pictures_path / "epoch_003.png"))
    assert sheet.shape == (4 * 108, 12 * 84, 3)
    tiles = tiles_of(sheet)
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
    # New ones of either class, through the classes of the second condition.
    assert pictures.new_labels["gender"].tolist() == [0] * 12 + [1] * 12
    assert pictures.new_labels["hair_color"][:6].tolist() == [0, 1, 2, 3, 4, 0]
    assert set(pictures.new_labels["hair_type"]) == {-1}
    # Another epoch draws the same latents.
    np.testing.assert_array_equal(pictures.draw(vae), sheet)


def test_tensorboard_shows_the_sheet(vae, tmp_path):
    pictures = EpochPictures(VaeRunFolder(tmp_path), make_portraits(12))
    pictures.write(vae, 2)
    (path,) = tmp_path.rglob("*tfevents*")
    shown = [
        (event.step, value.tag)
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    ]
    assert shown == [(2, "portraits")]


def test_few_portraits_stand_there_more_than_once():
    portraits = make_portraits(5, schema=EVERY_KIND)
    pictures = EpochPictures(types.SimpleNamespace(), portraits)
    assert len(pictures.images) == 12
    assert len(np.unique(pictures.images, axis=0)) == 5
    assert all(len(values) == 12 for values in pictures.labels.values())
    # A row for each class of the first condition.
    sheet = pictures.draw(make_vae(schema=EVERY_KIND))
    assert sheet.shape == ((2 + 3) * 64, 12 * 48, 3)
    assert pictures.new_labels["origin"].tolist() == [0] * 12 + [1] * 12 + (
        [2] * 12
    )
    assert pictures.new_labels["smile"].tolist() == [0, 1] * 18
