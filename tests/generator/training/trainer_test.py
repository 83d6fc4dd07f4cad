import csv
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
from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.errors import UserError
from tp_keras.generator.config import PRIORS
from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.generator.config import VaeModelConfig
from tp_keras.generator.config import VaeTrainingConfig
from tp_keras.generator.model import AdversarialDecoder
from tp_keras.generator.model import EncoderTraining
from tp_keras.generator.model.networks import DECODER_OUTER
from tp_keras.generator.priors import StandardNormalPrior
from tp_keras.generator.training import trainer as vae_trainer
from tp_keras.generator.training.callbacks import BalanceGuard
from tp_keras.generator.training.folder import VaeRunFolder
from tp_keras.generator.training.trainer import VaeTrainer
from tp_keras.runs import backups as backups_module
from tp_keras.runs import trainer as trainer_module
from tp_keras.runs.backups import Backups
from tp_keras.runs.callbacks import FiniteLoss
from tp_keras.runs.run_folder import RunFolder

# A value -> the field that it is weighed by, in either history.
WEIGHTS = {
    "history": {
        "penalty": "penalty_weight",
        "attribute": "attribute_weight",
    },
    "encoder_history": {
        "feature": "feature_weight",
        "colour": "colour_weight",
        "kl": "beta",
        "surprise": "latent_weight",
    },
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
    """Two epochs of three steps at each size, and of the encoder."""
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
            encoder_epochs=2,
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


def read_rows(path):
    """The rows of a history, as numbers."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{name: float(value) for name, value in r.items()} for r in rows]


def test_each_epoch_is_looked_at_for_a_loss_of_balance(eyes):
    trainer = VaeTrainer(make_config("never", eyes), progress=False)
    settings = trainer.config.model
    encoder = EncoderTraining(make_vae(), make_classifier(), settings)
    for model in (None, encoder):
        (guard,) = (
            callback
            for callback in trainer._callbacks(model, 3, 2)
            if isinstance(callback, BalanceGuard)
        )
        assert guard.run is trainer.run and guard.begin == 2


@pytest.fixture(scope="module")
def optimizers():
    """Those of the stages of `whole`, as they were made."""
    return []


@pytest.fixture(scope="module")
def whole(tmp_path_factory, eyes, optimizers):
    """A run from beginning to end."""
    path = tmp_path_factory.mktemp("runs") / "whole"
    make = VaeTrainer._optimizer

    def make_optimizer(*args):
        optimizers.append(make(*args))
        return optimizers[-1]

    with pytest.MonkeyPatch.context() as patch:
        # Some of the tests look into the states after all epochs.
        patch.setattr(Backups, "remove", lambda self: None)
        patch.setattr(backups_module, "_KEPT", 6)
        patch.setattr(VaeTrainer, "_optimizer", make_optimizer)
        return fit(make_config(path, eyes))


def test_a_run_explains_itself(whole):
    facts = whole.facts
    assert whole.is_finished and facts["epochs"] == 6
    assert whole.schema == EVERY_KIND
    assert facts["examples_seen"] == 6 * 96
    assert facts["precision"] == "float32"
    assert facts["parameters"] == whole.load_model().count_params()
    assert set(facts["fingerprints"]) == {"train", "validation"}
    assert facts["prior"]["kind"] == "standard_normal"
    assert len(facts["prior"]["tried"]) == 1
    assert [row["epoch"] for row in whole.read_history()] == [0, 1, 2, 3]
    rows = read_rows(whole.encoder_history_path)
    assert [row["epoch"] for row in rows] == [4, 5]
    pictures = sorted(path.name for path in whole.pictures_path.iterdir())
    assert pictures == [f"epoch_00{epoch}.png" for epoch in range(1, 7)]
    events = (whole.path / "tensorboard").rglob("*tfevents*")
    folders = {path.parent.name for path in events}
    assert folders == {"train", "validation", "pictures"}
    readme = (whole.path / "README.md").read_text()
    assert "Status: finished, 6 epochs, 576 examples seen." in readme
    files = {path.name for path in whole.path.iterdir()}
    assert files >= {"config.json", "history.csv", "model.keras"}


@pytest.mark.parametrize("name", WEIGHTS)
def test_the_history_adds_up_by_the_weights_of_the_settings(name, whole):
    settings = whole.config.model
    rows = read_rows(whole.path / f"{name}.csv")
    for row, part in itertools.product(rows, ("", "val_")):
        loss = 0.0
        if name == "history":
            loss = row[f"{part}critic"] + row[f"{part}adversarial"]
            assert row[f"{part}variety"] > 0
        else:
            assert 0 <= row[f"{part}active_latents"] <= settings.latent_size
        for value, field in WEIGHTS[name].items():
            loss += getattr(settings, field) * row[f"{part}{value}"]
        assert row[f"{part}loss"] == pytest.approx(loss, rel=1e-4)


def test_each_stage_has_a_rate_and_a_momentum_of_its_own(whole, optimizers):
    half, full, encoder = optimizers

    def rates(optimizer, *steps):
        return [float(optimizer._learning_rate(step)) for step in steps]

    # It grows in the first epoch of all, of three steps.
    assert rates(half, 0, 3) == pytest.approx([0, 3e-3])
    assert rates(full, 0) == pytest.approx([1.5e-3])
    assert rates(encoder, 0) == pytest.approx([3e-3])
    for optimizer in optimizers:
        assert rates(optimizer, 6) == pytest.approx([0], abs=1e-9)
    # With momentum two who play against each other go round in circles.
    assert [each.beta_1 for each in optimizers] == [0, 0, 0.9]
    # Critics have a rate of their own, and the encoder has none.
    for optimizer in (half, full):
        assert set(optimizer._factors.values()) == {(1.5, 0)}
        assert 0 < len(optimizer._factors) < len(optimizer._momentums)
    assert not encoder._factors


def state_of(run, epochs):
    """What is trained after so many epochs, from its backup."""
    trainer = VaeTrainer(run.config, progress=False)
    classifier, settings = make_classifier(EVERY_KIND), run.config.model
    vae = trainer.build_model(EVERY_KIND)
    model = AdversarialDecoder(vae, classifier, settings)
    model.set_stage(epochs > 2)
    if epochs > 4:
        model = EncoderTraining(vae, classifier, settings)
    model.compile(trainer._optimizer(1e-3, 0, 6, 0.0))
    run.backups.restore_weights(model, epochs)
    return model


def test_a_stage_moves_what_it_is_about_and_nothing_else(whole):
    keras.utils.set_random_seed(whole.config.training.seed)
    first = VaeTrainer(whole.config, progress=False).build_model(EVERY_KIND)
    half, full, early, late = (
        state_of(whole, epochs).vae for epochs in (2, 4, 5, 6)
    )

    def moved(vae, other, part, names=None):
        """Which variables of a part differ, True for those that do."""
        layers = [getattr(each, part).layers for each in (vae, other)]
        return {
            not np.array_equal(a, b)
            for one, two in zip(*layers, strict=True)
            if names is None or one.name in names
            for a, b in zip(one.variables, two.variables, strict=True)
        }

    # === The decoder's, at half the size and at full size ===
    assert moved(first, half, "encoder") == {False}
    assert moved(half, full, "encoder") == {False}
    assert moved(first, half, "half_decoder") == {True}
    assert moved(first, half, "decoder", DECODER_OUTER) == {False}
    assert moved(half, full, "decoder") == {True}

    # === The encoder's, from the averages of the decoder on ===
    assert moved(full, late, "encoder") == {True}
    assert moved(early, late, "encoder") == {True}
    assert moved(early, late, "decoder") == {False}
    assert moved(late, whole.load_model(), "decoder") == {False}


def test_the_kept_model_has_grown_and_its_weights_are_averages(whole):
    kept = whole.load_model()
    assert kept.grown and isinstance(kept.prior, StandardNormalPrior)
    for name, epochs in (("decoder", 4), ("encoder", 6)):
        # The backup after the stage has the last weights, and their averages
        # in its optimizer.
        last = state_of(whole, epochs)
        averages = {
            id(variable): average
            for variable, average in zip(
                last.trainable_variables,
                last.optimizer._model_variables_moving_average,
                strict=True,
            )
        }
        moved = []
        for variable, weights in zip(
            getattr(kept, name).variables,
            getattr(last.vae, name).variables,
            strict=True,
        ):
            # Statistics of batches are averages already.
            average = averages.get(id(weights), weights)
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


@pytest.mark.large
def test_a_run_that_is_interrupted_everywhere_ends_the_same(
    whole, eyes, tmp_path, monkeypatch
):
    config = make_config(tmp_path / "run", eyes)
    for epochs in range(1, 6):
        run = interrupt_second_epoch(config)
        assert run.backups.newest() == epochs
        histories = run.history_path, run.encoder_history_path
        rows = [len(read_rows(p)) for p in histories if p.exists()]
        assert sum(rows) == epochs
        # What draws details has not moved before it was its turn.
        details = run.load_model().decoder.get_layer("outer_colours")
        assert np.any(details.convolution.kernel) == (epochs > 2)
        assert run.load_model().grown == (epochs > 2)
        for path in histories:
            # What an end a moment later might leave.
            if path.exists():
                with path.open("a") as file:
                    file.write("7,7\n")
    run = interrupt(config, vae_trainer, "fit_priors")
    assert run.is_trained

    # Nothing is left but the prior.
    monkeypatch.setattr(
        VaeTrainer, "build_model", lambda *args: pytest.fail("began anew")
    )
    resumed = fit(config)
    assert resumed.is_finished and not list(resumed.path.glob("backup*"))
    for name in WEIGHTS:
        found, expected = (run.path / f"{name}.csv" for run in (resumed, whole))
        assert found.read_text() == expected.read_text()
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
    seen, stages = {}, []

    def fit_stage(self, model, rate, begin, end, resumed, batches, validation):
        stages.append((model, model.vae.grown, rate, begin, end))
        seen.update(train=batches.portraits, validation=validation)
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
    # === One decoder, at both sizes, and the encoder for it ===
    models = [model for model, *_ in stages]
    decoder, again, encoder = models
    assert decoder is again and decoder.vae is encoder.vae
    assert isinstance(decoder, AdversarialDecoder)
    assert isinstance(encoder, EncoderTraining)
    assert [stage[1:] for stage in stages] == [
        (False, 3e-3, 0, 2),
        (True, 1.5e-3, 2, 4),
        (True, 3e-3, 4, 6),
    ]
    expected = make_classifier(schema=schema)(train.images[:2], training=False)
    for model in models:
        assert model.settings is config.model
        _, found = model.network(train.images[:2].astype(np.float32))
        np.testing.assert_allclose(
            found["origin"], expected["origin"], atol=1e-5
        )
        assert model.vae.schema.task("origin") == origin
    assert seen["kinds"] == PRIORS
    assert VaeRunFolder(config.run_dir).schema == decoder.vae.schema
