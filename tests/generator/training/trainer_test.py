import dataclasses
import itertools

import keras
import numpy as np
import pytest

from tests.generator.model.networks import make_classifier
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.errors import UserError
from tp_keras.generator.config import PRIORS
from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.generator.config import VaeModelConfig
from tp_keras.generator.config import VaeTrainingConfig
from tp_keras.generator.model import AdversarialVAE
from tp_keras.generator.priors import StandardNormalPrior
from tp_keras.generator.training import trainer as vae_trainer
from tp_keras.generator.training.callbacks import BalanceGuard
from tp_keras.generator.training.folder import VaeRunFolder
from tp_keras.generator.training.trainer import VaeTrainer
from tp_keras.runs import trainer as trainer_module
from tp_keras.runs.backups import Backups
from tp_keras.runs.callbacks import FiniteLoss
from tp_keras.runs.run_folder import RunFolder

# What full size adds is zero before the model has grown.
OUTER = ("outer_colours", "outer_projection")
# A value -> the field that it is weighed by.
WEIGHTS = {
    "penalty": "penalty_weight",
    "attribute": "attribute_weight",
    "edited": "edit_weight",
    "feature": "feature_weight",
    "colour": "colour_weight",
    "kl": "beta",
}


def load_made(data_dir, dataset, split, storage, progress):
    seed = ["train[:50%]", "validation"].index(split)
    return make_portraits([100, 20][seed], seed, split, schema=EVERY_KIND)


@pytest.fixture(autouse=True, scope="module")
def made_portraits():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tp_keras.data.source.load_portraits", load_made)
        patch.setattr(trainer_module, "resolve_splits", lambda data, say: data)
        yield


def claim_classifier(path, schema=SCHEMA, **data):
    """A folder as the training of a classifier leaves it."""
    run = RunFolder(path)
    data = DataConfig(**{"train_split": "train[:50%]", **data})
    run.claim(ExperimentConfig(run_dir=str(path), data=data))
    run.save_model(make_classifier(schema=schema))
    run.record(schema=schema.to_dict())
    return run


@pytest.fixture(scope="module")
def eyes(tmp_path_factory):
    """The folder of the classifier that looks, untrained."""
    path = tmp_path_factory.mktemp("runs") / "eyes"
    return str(claim_classifier(path, EVERY_KIND).path)


def make_config(path, eyes, **model):
    """Two epochs of three steps at each size."""
    small = {
        "classifier_run": eyes,
        "latent_size": 4,
        "encoder_channels": (4, 8),
        "decoder_channels": (8, 4, 4, 4),
        "critic_channels": (4, 4),
        "beta": 30.0,
        "prior": "standard_normal",
    }
    return VaeExperimentConfig(
        run_dir=str(path),
        model=VaeModelConfig(**{**small, **model}),
        training=VaeTrainingConfig(
            half_epochs=2,
            full_epochs=2,
            batch_size=32,
            learning_rate=3e-3,
            averaging=0.5,
            precision="float32",
        ),
    )


def fit(config):
    with pytest.MonkeyPatch.context() as patch:
        # After a few steps the latents tell as good as nothing.
        patch.setattr(vae_trainer, "BalanceGuard", lambda *args: FiniteLoss())
        return VaeTrainer(config, progress=False).fit()


def test_each_epoch_is_looked_at_for_a_loss_of_balance(eyes):
    trainer = VaeTrainer(make_config("never", eyes), progress=False)
    kinds = [type(callback) for callback in trainer._callbacks(False, 0, 0, 3)]
    assert BalanceGuard in kinds


@pytest.fixture(scope="module")
def whole(tmp_path_factory, eyes):
    """A run from beginning to end."""
    path = tmp_path_factory.mktemp("runs") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        # One of the tests looks into them.
        patch.setattr(Backups, "remove", lambda self: None)
        return fit(make_config(path, eyes))


def kernels_of(vae, names):
    layers = [*vae.encoder.layers, *vae._decoder.layers]
    # The kernel of a convolution, not what scales its channels.
    return [
        next(each for each in layer.get_weights() if each.ndim == 4)
        for layer in layers
        if layer.name in names
    ]


def test_a_run_explains_itself(whole):
    facts = whole.facts
    assert whole.is_finished and facts["epochs"] == 4
    assert whole.schema == EVERY_KIND
    assert facts["examples_seen"] == 4 * 96
    assert facts["precision"] == "float32"
    assert facts["parameters"] == whole.load_model().count_params()
    assert set(facts["fingerprints"]) == {"train", "validation"}
    assert facts["prior"]["kind"] == "standard_normal"
    assert len(facts["prior"]["tried"]) == 1
    history = whole.read_history()
    assert [row["epoch"] for row in history] == [0, 1, 2, 3]
    pictures = sorted(path.name for path in whole.pictures_path.iterdir())
    assert pictures == [f"epoch_00{epoch}.png" for epoch in (1, 2, 3, 4)]
    events = (whole.path / "tensorboard").rglob("*tfevents*")
    folders = {path.parent.name for path in events}
    assert folders == {"train", "validation", "pictures"}
    readme = (whole.path / "README.md").read_text()
    assert "Status: finished, 4 epochs, 384 examples seen." in readme
    files = {path.name for path in whole.path.iterdir()}
    assert files >= {"config.json", "history.csv", "model.keras"}


def test_the_history_adds_up_by_the_weights_of_the_settings(whole):
    settings = whole.config.model
    # After the warm-up of the KL, which takes an epoch here.
    for row, part in itertools.product(whole.read_history()[1:], ("", "val_")):
        loss = row[f"{part}critic"] + row[f"{part}adversarial"]
        loss += settings.edit_weight / 2 * row[f"{part}kept"]
        for name, field in WEIGHTS.items():
            loss += getattr(settings, field) * row[f"{part}{name}"]
        assert row[f"{part}loss"] == pytest.approx(loss, rel=1e-4)
        assert 0 <= row[f"{part}active_latents"] <= settings.latent_size


def test_the_kept_model_has_grown_and_its_weights_are_averages(whole):
    kept = whole.load_model()
    assert kept.grown and isinstance(kept.prior, StandardNormalPrior)
    assert all(np.ptp(kernel) > 0 for kernel in kernels_of(kept, OUTER))
    # The backup has the last weights, and their averages in its optimizer.
    trainer = VaeTrainer(whole.config, progress=False)
    vae, classifier = (
        trainer.build_model(EVERY_KIND),
        make_classifier(EVERY_KIND),
    )
    last = AdversarialVAE(vae, classifier, whole.config.model)
    last.set_stage(True)
    optimizer = trainer._optimizer(1e-3, 0, 6)
    last.compile(optimizer)
    optimizer.build(last.trainable_variables)
    whole.backups.restore_weights(last, 4)
    # The warm-up of the KL is over.
    assert float(last.kl_weight) == 1.0
    averages = {
        id(variable): average
        for variable, average in zip(
            last.trainable_variables,
            optimizer._model_variables_moving_average,
            strict=True,
        )
    }
    moved = []
    kept.set_stage(True)
    for variable, weights in zip(
        kept.trainable_variables, vae.trainable_variables, strict=True
    ):
        average = averages[id(weights)]
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


def stop_before_growing(self, model, grown, *args):
    stop() if grown else fit_stage(self, model, grown, *args)


@pytest.mark.large
def test_a_run_that_is_interrupted_everywhere_ends_the_same(
    whole, eyes, tmp_path, monkeypatch
):
    config = make_config(tmp_path / "run", eyes)
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


# === What is refused, and the classifier ===


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, r"then give --classifier_run runs/eyes\. Received"),
        ({}, "There is no run. .*eyes"),
        ({"train_split": "train"}, r"Received: \('.*synthetic', 'train'\)"),
        ({"dataset": "tiny_portraits/archives"}, "tiny_portraits/archives"),
    ],
)
def test_a_run_without_a_fitting_classifier_is_refused(data, message, tmp_path):
    eyes = "" if data is None else str(tmp_path / "eyes")
    if data:
        claim_classifier(eyes, **data)
    config = make_config(tmp_path / "run", eyes)
    with pytest.raises(UserError, match=message):
        fit(config)
    # Nothing stands in the way of another try.
    assert not (tmp_path / "run").exists()


def test_labels_that_it_would_learn_from_alone_are_refused(tmp_path, eyes):
    config = make_config(tmp_path / "run", eyes)
    data = dataclasses.replace(config.data, labels=("gender=male",))
    with pytest.raises(UserError, match="Received: labels=gender=male"):
        fit(dataclasses.replace(config, data=data))
    assert not (tmp_path / "run").exists()


def test_too_few_portraits_for_a_prior_are_told_before_training(
    tmp_path, eyes, monkeypatch
):
    monkeypatch.setattr(
        "tp_keras.data.source.load_portraits", lambda *args: make_portraits(99)
    )
    with pytest.raises(UserError, match="at least 100 .* Received: 99 of made"):
        fit(make_config(tmp_path / "run", eyes))


def test_it_looks_with_the_classifier_of_its_run_and_its_labels(
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

    def fit_stage(self, model, grown, resumed, batches, validation):
        seen.update(model=model, train=batches.portraits, validation=validation)
        self.run.save_model(model.vae)

    def fit_priors(latents, kinds, seed, progress):
        seen.update(latents=latents, kinds=kinds)
        raise KeyboardInterrupt

    monkeypatch.setattr(VaeTrainer, "_fit_stage", fit_stage)
    monkeypatch.setattr(vae_trainer, "fit_priors", fit_priors)
    config = make_config(tmp_path / "run", str(run.path), prior="auto")
    with pytest.raises(KeyboardInterrupt):
        fit(config)
    expected = np.array([1, 2, 0])[train.labels["origin"]]
    for labels in (
        seen["train"].labels["origin"],
        seen["validation"].labels["origin"],
        seen["latents"].labels["origin"][:100],
    ):
        np.testing.assert_array_equal(labels, expected)
    assert seen["model"].settings is config.model
    expected = make_classifier(schema=schema)(train.images[:2], training=False)
    _, found = seen["model"].network(train.images[:2].astype(np.float32))
    np.testing.assert_allclose(found["origin"], expected["origin"], atol=1e-5)
    assert seen["kinds"] == PRIORS
    assert seen["model"].vae.schema.task("origin") == origin
    assert VaeRunFolder(config.run_dir).schema == seen["model"].vae.schema
