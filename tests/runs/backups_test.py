import shutil

import keras
import numpy as np
import pytest

from tp_keras.errors import UserError
from tp_keras.runs.backups import Backups
from tp_keras.runs.backups import KeepBackups
from tp_keras.runs.callbacks import has_stopped

IMAGES = np.random.default_rng(0).normal(size=(32, 3)).astype(np.float32)


def make_model(seed=0):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.1), "mse")
    return model


def fit(backups, epochs, first=0):
    """Trains with a history, and returns the model."""
    model = make_model(seed=first)
    history = keras.callbacks.CSVLogger(backups.beside[0], append=first > 0)
    model.fit(
        *(IMAGES, IMAGES[:, :1]),
        shuffle=False,
        initial_epoch=first,
        epochs=epochs,
        callbacks=[history, KeepBackups(backups, first)],
        verbose=0,
    )
    return model


@pytest.fixture
def backups(tmp_path):
    return Backups(tmp_path / "backup", [tmp_path / "history.csv"])


def assert_same(model, other):
    for a, b in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(
        model.optimizer.variables, other.optimizer.variables, strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_the_last_two_states_are_kept_and_resumed(backups):
    assert backups.newest() == 0 and not backups.exist()
    whole = fit(backups, 5)
    history = backups.beside[0].read_bytes()
    names = sorted(path.name for path in backups.folder.iterdir())
    assert names == ["epoch-00004", "epoch-00005"]
    shutil.rmtree(backups.folder)
    fit(backups, 3)
    assert backups.newest() == 3
    # A row that no backup knows of.
    with backups.beside[0].open("a") as file:
        file.write("3,7.0\n")
    backups.restore_files(3)
    assert_same(fit(backups, 5, first=3), whole)
    assert backups.beside[0].read_bytes() == history
    backups.remove()
    assert not backups.folder.exists()


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def empty(path):
    path.write_bytes(b"")


def remove(path):
    path.unlink()


def as_a_list(path):
    path.write_text("[]")


@pytest.mark.parametrize("damage", [cut, flip, empty, remove, as_a_list])
@pytest.mark.parametrize("name", ["state.npz", "history.csv", "backup.json"])
def test_of_a_damaged_state_the_one_before_is_taken(backups, damage, name):
    whole = fit(backups, 3)
    damage(backups.folder / "epoch-00003" / name)
    said = []
    assert backups.newest(said.append) == 2
    assert len(said) == 1 and "epoch-00003 is damaged" in said[0]
    backups.restore_files(2)
    assert len(backups.beside[0].read_text().splitlines()) == 3
    assert_same(fit(backups, 3, first=2), whole)
    # The damaged one has been replaced.
    assert backups.newest(said.append) == 3 and len(said) == 1


def test_without_a_whole_one_nothing_begins_anew_unasked(backups):
    fit(backups, 2)
    for folder in backups.folder.iterdir():
        cut(folder / "state.npz")
    with pytest.raises(UserError, match="No backup.*Remove the folder"):
        backups.newest(lambda text: None)
    # What a kill has left of the first one is none.
    backups.remove()
    (backups.folder / ".1-ab.partial-epoch-00001").mkdir(parents=True)
    assert backups.newest() == 0 and not backups.exist()


@pytest.mark.parametrize("scores", [[1, 2, 2, 1.5], [3, 1, 1, 2, 4, 4, 1]])
def test_it_is_known_when_early_stopping_had_its_end(scores):
    stopping = keras.callbacks.EarlyStopping(
        monitor="val_score", mode="max", patience=2
    )
    stopping.set_model(make_model())
    stopping.on_train_begin()
    history, ended = [], None
    for epoch, score in enumerate(scores):
        history.append({"epoch": epoch, "val_score": score})
        stopping.on_epoch_end(epoch, history[-1])
        if stopping.model.stop_training and ended is None:
            ended = epoch
        assert has_stopped(history, 2) == bool(stopping.model.stop_training)
        if ended is not None:
            break
    assert ended is not None
    assert not has_stopped(history, None) and not has_stopped([], 2)


def test_the_state_of_another_model_is_refused(backups):
    fit(backups, 1)
    keras.utils.set_random_seed(0)
    other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    other.compile(keras.optimizers.Adam(0.1), "mse")
    larger = keras.Sequential([*make_model().layers, keras.layers.Dense(1)])
    larger.build((None, 3))
    larger.compile(keras.optimizers.Adam(0.1), "mse")
    for model in (other, larger):
        with pytest.raises(UserError, match="of another model.*state.npz"):
            backups.restore_weights(model, 1)


def test_bfloat16_keeps_its_bits(backups):
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(2, dtype="bfloat16")]
    )
    model.compile(keras.optimizers.SGD(0.1), "mse")
    before = [keras.ops.convert_to_numpy(w) for w in model.weights]
    backups.save(model, 1)
    for weight in model.weights:
        weight.assign(keras.ops.ones_like(weight))
    backups.restore_weights(model, 1)
    for weight, value in zip(model.weights, before, strict=True):
        assert keras.ops.convert_to_numpy(weight).tobytes() == value.tobytes()
