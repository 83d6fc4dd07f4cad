import dataclasses
import json

import keras
import numpy as np
import pytest

from tests.portrait_factory import SCHEMA
from tests.runs import trainer_test as t
from tp_keras.debias_config import DebiasMethod
from tp_keras.errors import UserError
from tp_keras.export.run_export import describe_run
from tp_keras.models import PortraitBackbone
from tp_keras.runs.callbacks import FrozenTrunk
from tp_keras.runs.run_folder import RunFolder
from tp_keras.runs.trainer import Trainer

tiny_world = t.tiny_world


def make_config(path, tasks=("gender", "hair_color"), model=(), **training):
    config = t.make_config(path, "none", averaging=0.5, **training)
    return dataclasses.replace(
        config,
        model=dataclasses.replace(config.model, tasks=tasks, **dict(model)),
    )


def fit(config):
    return Trainer(config, progress=False).fit()


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A finished run of gender and hair colour."""
    with pytest.MonkeyPatch.context() as patch:
        t.make_tiny_world(patch)
        path = tmp_path_factory.mktemp("runs") / "source"
        return fit(make_config(path, epochs=1))


def weights(run, path=None):
    model = run.load_model(path)
    return {
        layer.name: layer.get_weights()
        for layer in model.layers
        if layer.weights
    }


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


# A learning rate that changes nothing shows what a training began with.
STILL = {"epochs": 1, "learning_rate": 1e-9, "weight_decay": 0.0}


def test_a_run_goes_on_from_another(source, tmp_path, capsys):
    model = {"from_run": str(source.path)}
    config = make_config(
        tmp_path / "new", ("gender", "hair_type"), model, **STILL
    )
    run = Trainer(config).fit()
    said = capsys.readouterr().out
    assert (
        f"Taken over from {source.path}: trunk, guarded_convolution, "
        "guarded_normalization, gender; new: hair_type_projection, hair_type."
    ) in said
    before, after = weights(source), weights(run)
    np.testing.assert_allclose(before["gender"][0], after["gender"][0], 1e-4)
    np.testing.assert_allclose(
        before["backbone"][0], after["backbone"][0], 1e-4
    )
    # The run tells where it comes from, and an export of it no path.
    assert run.config.model.from_run == str(source.path)
    assert run.facts["from_run"]["path"] == str(source.path)
    assert len(run.facts["from_run"]["model"]) == 64
    assert str(tmp_path) not in json.dumps(describe_run(run))


def test_weights_are_taken_once(source, tmp_path, monkeypatch):
    model = {"from_run": str(source.path)}
    config = make_config(tmp_path / "run", model=model, epochs=2)
    with monkeypatch.context() as patch:
        t.stop_in_epoch(patch, 1)
        with pytest.raises(KeyboardInterrupt):
            fit(config)
    facts = RunFolder(config.run_dir).facts["from_run"]
    # What was learned since is not lost, and the other run may be gone.
    monkeypatch.setattr(
        "tp_keras.runs.trainer.take_weights", lambda *_: pytest.fail("again")
    )
    resumed = fit(config)
    assert resumed.is_finished and resumed.facts["from_run"] == facts


@pytest.mark.parametrize(
    "model, message",
    [
        (
            "PortraitBackbone(block_type='merged', stem_channels=16, "
            "stages=((24, 0, 4),))",
            'trunk is another.*--backbone "tiny"',
        ),
        ("tiny(image_shape=(64, 64, 3))", "portraits of .108, 84, 3"),
    ],
)
def test_another_trunk_or_size_is_refused(source, tmp_path, model, message):
    model = {"from_run": str(source.path), "backbone": model}
    with pytest.raises(UserError, match=message):
        fit(make_config(tmp_path / "run", model=model, epochs=1))
    assert not (tmp_path / "run").exists()


def test_what_is_no_finished_run_or_has_changed_is_refused(source, tmp_path):
    def made(path):
        model = {"from_run": str(path)}
        return make_config(tmp_path / "run", model=model, epochs=1)

    with pytest.raises(UserError, match="There is no run"):
        fit(made(tmp_path))
    config = made(source.path)
    facts = source.facts
    try:
        source.record(status="training")
        with pytest.raises(UserError, match="finished run to go on from"):
            fit(config)
    finally:
        source.record(**facts)
    assert not (tmp_path / "run").exists()
    run = RunFolder(tmp_path / "run")
    run.claim(config)
    run.record(from_run={"path": "there", "model": "other"})
    with pytest.raises(UserError, match="another than when .* began"):
        fit(config)


# === A trunk from a file, frozen and released ===


@pytest.fixture
def own_file(tmp_path):
    """A trained trunk of plain Keras, which normalises its pixels itself."""
    image = keras.Input(SCHEMA.image_shape)
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.Conv2D(8, 5, strides=4, use_bias=False, name="own")(x)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    keras.Model(image, x).save(tmp_path / "own.keras")
    return tmp_path / "own.keras"


def test_a_trunk_stays_as_it_is_and_then_learns_slowly(
    own_file, tmp_path, monkeypatch
):
    # The last model is kept, whatever its score.
    growing = {"none": DebiasMethod(grows=True)}
    monkeypatch.setattr("tp_keras.runs.callbacks.DEBIAS_METHODS", growing)
    before = keras.saving.load_model(own_file).get_layer("own").get_weights()
    settings = {
        "model": {"backbone": str(own_file)},
        "epochs": 2,
        "freeze_trunk_epochs": 1,
        "trunk_learning_rate": 0.5,
        "weight_decay": 0.0,
    }
    whole = fit(make_config(tmp_path / "whole", **settings))
    config = make_config(tmp_path / "run", **settings)
    with monkeypatch.context() as patch:
        t.stop_in_epoch(patch, 1)
        with pytest.raises(KeyboardInterrupt):
            fit(config)
    frozen = RunFolder(config.run_dir).load_model()
    assert same(before, frozen.backbone.get_layer("own").get_weights())
    # Nor did its normalisation follow the batches.
    (mean,) = (
        layer.moving_mean
        for layer in frozen.backbone.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    )
    assert not np.any(mean)
    assert np.abs(frozen.get_layer("gender").bias).max() > 0

    resumed = fit(config)
    own = resumed.load_model().backbone.get_layer("own")
    assert not same(before, own.get_weights())
    for name, values in weights(whole).items():
        assert same(values, weights(resumed)[name]), name


def test_single_layers_that_are_frozen_stay_so(tmp_path):
    backbone = PortraitBackbone(image_shape=SCHEMA.image_shape, **t.TINY)
    backbone.layers[2].trainable = False
    compiled = []
    callback = FrozenTrunk(backbone, 1, lambda: compiled.append(1))
    callback.set_model(keras.Sequential([keras.Input((1,))]))
    callback.model.make_train_function = lambda: None
    states = [[layer.trainable for layer in backbone.layers]]
    for epoch in (0, 1, 2):
        callback.on_epoch_begin(epoch)
        states.append([layer.trainable for layer in backbone.layers])
    assert not any(states[1])
    assert states[2] == states[3] == states[0]
    assert len(compiled) == 2
