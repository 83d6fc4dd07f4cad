import dataclasses
import itertools

import keras
import numpy as np
import pytest

from tests.generator.model.networks import make_classifier
from tests.generator.model.networks import make_vae
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.config import AugmentConfig
from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.errors import UserError
from tp_keras.generator.config import PRIORS
from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.generator.config import VaeModelConfig
from tp_keras.generator.config import VaeTrainingConfig
from tp_keras.generator.model import LikelihoodObjective
from tp_keras.generator.priors import StandardNormalPrior
from tp_keras.generator.training import trainer as vae_trainer
from tp_keras.generator.training.folder import VaeRunFolder
from tp_keras.generator.training.trainer import VaeTrainer
from tp_keras.runs import trainer as trainer_module
from tp_keras.runs.backups import Backups
from tp_keras.runs.run_folder import RunFolder

OUTER = ("outer_change", "outer_projection")


def load_made(data_dir, dataset, split, storage, progress):
    seed = ["train[:50%]", "validation"].index(split)
    return make_portraits([100, 20][seed], seed, split, schema=EVERY_KIND)


@pytest.fixture(autouse=True, scope="module")
def made_portraits():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tp_keras.data.source.load_portraits", load_made)
        patch.setattr(trainer_module, "resolve_splits", lambda data, say: data)
        yield


def make_config(path, epochs=1, **model):
    small = {
        "preset": "likelihood",
        "latent_size": 4,
        "encoder_channels": (4, 8),
        "decoder_channels": (8, 4, 4),
        "prior": "standard_normal",
    }
    return VaeExperimentConfig(
        run_dir=str(path),
        model=VaeModelConfig(**{**small, **model}),
        training=VaeTrainingConfig(
            half_epochs=epochs,
            full_epochs=epochs,
            batch_size=32,
            learning_rate=3e-3,
            averaging=0.5,
            precision="float32",
        ),
    )


def fit(config):
    return VaeTrainer(config, progress=False).fit()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run from beginning to end, an epoch at each size."""
    path = tmp_path_factory.mktemp("runs") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        # One of the tests looks into them.
        patch.setattr(Backups, "remove", lambda self: None)
        return fit(make_config(path))


def kernels_of(vae, names):
    layers = [*vae.encoder.layers, *vae._decoder.layers]
    return [la.get_weights()[0] for la in layers if la.name in names]


def test_a_run_explains_itself(whole):
    facts = whole.facts
    assert whole.is_finished and facts["epochs"] == 2
    assert whole.schema == EVERY_KIND
    assert facts["examples_seen"] == 2 * 96
    assert facts["precision"] == "float32"
    assert set(facts["fingerprints"]) == {"train", "validation"}
    assert facts["prior"]["kind"] == "standard_normal"
    assert len(facts["prior"]["tried"]) == 1
    names = {*LikelihoodObjective.names, "loss", "bits_per_dimension"}
    history = whole.read_history()
    assert {*names, *(f"val_{name}" for name in names)} <= set(history[0])
    assert [row["epoch"] for row in history] == [0, 1]
    # Bits are those of the pixels that are drawn.
    for row in history:
        values = 3 * 64 * 48 // (1 if row["epoch"] else 4)
        bits = (row["nll"] + row["kl"] / values) / np.log(2)
        assert row["bits_per_dimension"] == pytest.approx(bits, rel=1e-5)
    pictures = sorted(path.name for path in whole.pictures_path.iterdir())
    assert pictures == ["epoch_001.png", "epoch_002.png"]
    events = (whole.path / "tensorboard").rglob("*tfevents*")
    folders = {path.parent.name for path in events}
    assert folders == {"train", "validation", "pictures"}
    readme = (whole.path / "README.md").read_text()
    assert "Status: finished, 2 epochs, 192 examples seen." in readme
    files = {path.name for path in whole.path.iterdir()}
    assert files >= {"config.json", "history.csv", "model.keras"}


def test_the_kept_model_has_grown_and_its_weights_are_averages(whole):
    kept = whole.load_model()
    assert kept.grown and isinstance(kept.prior, StandardNormalPrior)
    assert all(np.ptp(kernel) > 0 for kernel in kernels_of(kept, OUTER))
    # The backup has the last weights, and their averages in its optimizer.
    last = make_vae(schema=EVERY_KIND, grown=True)
    optimizer = VaeTrainer(whole.config, progress=False)._optimizer(1e-3, 0, 6)
    last.compile(optimizer)
    optimizer.build(last.trainable_variables)
    whole.backups.restore_weights(last, 2)
    moved = []
    kept.set_stage(True)
    for variable, weights, average in zip(
        kept.trainable_variables,
        last.trainable_variables,
        optimizer._model_variables_moving_average,
        strict=True,
    ):
        np.testing.assert_allclose(variable, average, atol=1e-6)
        moved.append(np.abs(variable - weights).max())
    assert max(moved) > 2e-5


def stop(*args, **kwargs):
    raise KeyboardInterrupt


def interrupt(config, owner, name, function=stop):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, function)
        with pytest.raises(KeyboardInterrupt):
            fit(config)
    return VaeRunFolder(config.run_dir)


def interrupt_second_epoch(config):
    """Stops everything in its first step, as Ctrl-C does."""
    steps = itertools.count()

    def stop_in_epoch(self, batch, logs=None):
        if next(steps) == 3:
            # As the end of a process would.
            self.csv_file.close()
            raise KeyboardInterrupt

    owner = keras.callbacks.CSVLogger
    return interrupt(config, owner, "on_train_batch_end", stop_in_epoch)


fit_stage = VaeTrainer._fit_stage


def stop_before_growing(self, vae, grown, *args):
    stop() if grown else fit_stage(self, vae, grown, *args)


@pytest.mark.large
def test_a_run_that_is_interrupted_everywhere_ends_the_same(
    tmp_path, monkeypatch
):
    whole = fit(make_config(tmp_path / "whole", epochs=2))
    config = make_config(tmp_path / "run", epochs=2)
    run = interrupt_second_epoch(config)
    assert run.backups.newest() == 1
    run = interrupt(config, VaeTrainer, "_fit_stage", stop_before_growing)
    assert len(run.read_history()) == 2
    # What draws details has not moved before it was its turn.
    half = run.load_model()
    assert not half.grown
    assert not any(kernel.any() for kernel in kernels_of(half, OUTER))
    run = interrupt_second_epoch(config)
    assert run.backups.newest() == 3
    run = interrupt(config, vae_trainer, "fit_priors")
    assert run.is_trained

    # Nothing is left but the prior.
    monkeypatch.setattr(
        VaeTrainer, "build_model", lambda *args: pytest.fail("began anew")
    )
    resumed = fit(config)
    assert resumed.is_finished and not list(resumed.path.glob("backup*"))
    assert resumed.read_history() == whole.read_history()
    expected, found = whole.load_model(), resumed.load_model()
    for a, b in zip(expected.weights, found.weights, strict=True):
        np.testing.assert_array_equal(a, b)


# === The classifier of `sharp` ===


def claim_classifier(path, schema=SCHEMA, **data):
    """A folder as the training of a classifier leaves it."""
    run = RunFolder(path)
    data = DataConfig(**{"train_split": "train[:50%]", **data})
    run.claim(ExperimentConfig(run_dir=str(path), data=data))
    run.save_model(make_classifier(schema=schema))
    run.record(schema=schema.to_dict())
    return run


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "--classifier_run runs/eyes; or take --preset likelihood"),
        ({}, "There is no run. .*eyes"),
        ({"train_split": "train"}, r"Received: \('.*synthetic', 'train'\)"),
        ({"dataset": "tiny_portraits/archives"}, "tiny_portraits/archives"),
    ],
)
def test_sharp_without_a_fitting_classifier_is_refused(data, message, tmp_path):
    eyes = "" if data is None else str(tmp_path / "eyes")
    if data:
        claim_classifier(eyes, **data)
    config = make_config(tmp_path / "run", preset="sharp", classifier_run=eyes)
    with pytest.raises(UserError, match=message):
        fit(config)
    # Nothing stands in the way of another try.
    assert not (tmp_path / "run").exists()


def test_labels_that_it_would_learn_from_alone_are_refused(tmp_path):
    config = make_config(tmp_path / "run")
    data = dataclasses.replace(config.data, labels=("gender=male",))
    with pytest.raises(UserError, match="Received: labels=gender=male"):
        fit(dataclasses.replace(config, data=data))
    assert not (tmp_path / "run").exists()


def test_too_few_portraits_for_a_prior_are_told_before_training(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(
        "tp_keras.data.source.load_portraits", lambda *args: make_portraits(99)
    )
    with pytest.raises(UserError, match="at least 100 .* Received: 99 of made"):
        fit(make_config(tmp_path / "run"))


def test_sharp_looks_with_the_classifier_of_its_run_and_its_labels(
    tmp_path, monkeypatch
):
    # The same classes of another order, and a task less.
    origin = dataclasses.replace(
        EVERY_KIND.task("origin"), classes=("west", "north", "south")
    )
    schema = dataclasses.replace(
        EVERY_KIND, tasks=(origin, *EVERY_KIND.get_tasks(["age", "smile"]))
    )
    run = claim_classifier(tmp_path / "eyes", schema)
    train = make_portraits(100, schema=EVERY_KIND)
    monkeypatch.setattr(
        "tp_keras.data.source.load_portraits", lambda *args: train
    )
    seen = {}

    def fit_stage(self, vae, grown, resumed, objective, batches, validation):
        seen.update(vae=vae, objective=objective)
        seen.update(train=batches.portraits, validation=validation)
        self.run.save_model(vae)

    def fit_priors(latents, kinds, seed, progress):
        seen.update(latents=latents, kinds=kinds)
        raise KeyboardInterrupt

    monkeypatch.setattr(VaeTrainer, "_fit_stage", fit_stage)
    monkeypatch.setattr(vae_trainer, "fit_priors", fit_priors)
    sharp = {"preset": "sharp", "classifier_run": str(run.path)}
    config = make_config(tmp_path / "run", **sharp, prior="auto")
    with pytest.raises(KeyboardInterrupt):
        fit(config)
    expected = np.array([1, 2, 0])[train.labels["origin"]]
    for labels in (
        seen["train"].labels["origin"],
        seen["validation"].labels["origin"],
        seen["latents"].labels["origin"][:100],
    ):
        np.testing.assert_array_equal(labels, expected)
    assert seen["objective"].settings is config.model
    expected = make_classifier(schema=schema)(train.images[:2], training=False)
    _, found = seen["objective"].network(train.images[:2].astype(np.float32))
    np.testing.assert_allclose(found["origin"], expected["origin"], atol=1e-5)
    assert seen["kinds"] == PRIORS
    assert seen["vae"].schema.task("origin") == origin
    assert VaeRunFolder(config.run_dir).schema == seen["vae"].schema


# === Batches ===


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
