import numpy as np
import pytest

from benchmarks import vae_extra_data
from benchmarks.vae_extra_data import GENERATED
from benchmarks.vae_extra_data import REPEATED
from benchmarks.vae_extra_data import VaeExtraData
from tests.benchmarks.made_runs import make_run
from tests.portrait_factory import make_portraits
from tp_keras.config import DataConfig
from tp_keras.errors import UserError
from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.generator.training.folder import VaeRunFolder

# What of 50 test portraits is right, by what it is "trained" on.
RIGHT = {"real_alone": 25, "repeated": 30, "generated": 40}


class Sampler:
    def generate(self, labels, seed, temperature):
        count = len(labels["gender"])
        return np.full((count, 108, 84, 3), temperature, np.uint8)


@pytest.fixture
def trainings(tmp_path, monkeypatch):
    """Trainings that were asked for; they leave finished runs."""
    run = VaeRunFolder(tmp_path / "generator")
    run.claim(
        VaeExperimentConfig(
            run_dir=str(run.path),
            data=DataConfig(train_split="train[:50%]"),
        )
    )
    splits = {
        "train[:50%]": make_portraits(192, missing=0.0),
        "validation": make_portraits(8, seed=1),
        "test": make_portraits(50, seed=2, missing=0.0),
    }
    called = []

    def train(config, portraits):
        called.append((config, portraits))
        (right,) = (n for name, n in RIGHT.items() if name in config.run_dir)
        make_run(config.run_dir, np.tile(np.arange(50) < right, (3, 1)), config)

    monkeypatch.setattr(VaeExtraData, "_generator", run)
    monkeypatch.setattr(VaeExtraData, "_sampler", Sampler())
    monkeypatch.setattr(
        VaeExtraData, "_load", lambda self, split: splits[split]
    )
    monkeypatch.setattr(vae_extra_data, "train_on", train)
    return called


def test_all_kinds_have_equally_many_steps(trainings, capsys):
    command = VaeExtraData("generator", counts=(0, 128), seeds=(0, 1))
    command.execute()
    assert len(trainings) == 2 * 3 * 2
    for part in (trainings[:6], trainings[6:]):
        sizes = {len(portraits["train"]) for _, portraits in part}
        epochs = {
            (config.training.epochs, config.training.passes_per_epoch)
            for config, _ in part
        }
        assert len(sizes) == len(epochs) == 1
    # 30 epochs of 3 batches, in as many passes of more rows.
    for config, portraits in trainings:
        passes = config.training.epochs * config.training.passes_per_epoch
        steps = passes * (len(portraits["train"]) // 64)
        assert 60 <= steps <= 120

    output = capsys.readouterr().out
    assert f"{GENERATED}: accuracy +30.0 (" in output
    assert f"{REPEATED}: accuracy +10.0 (" in output
    assert "The generator has seen 192 real portraits" in output

    trainings.clear()
    command.execute()
    assert trainings == []
    assert capsys.readouterr().out == output


def test_each_kind_is_trained_on_what_it_says(trainings):
    VaeExtraData(
        "generator", counts=(128,), seeds=(4,), temperature=9
    ).execute()
    real, repeated, generated = (
        portraits["train"] for _, portraits in trainings
    )
    assert len(np.unique(real.indices)) == 128
    assert set(repeated.indices) == set(real.indices)
    assert (generated.images == 9).all((1, 2, 3)).sum() == len(generated) - 128
    assert [config.training.seed for config, _ in trainings] == [4, 4, 4]
    assert all(
        portraits["validation"].indices.size == 8 for _, portraits in trainings
    )
    for balanced in (repeated, generated):
        pairs = 5 * balanced.labels["gender"] + balanced.labels["hair_color"]
        assert len(set(np.bincount(pairs))) == 1


def test_unknown_kinds_are_refused():
    with pytest.raises(UserError, match="out of 'real alone'"):
        VaeExtraData("generator", kinds=("painted",)).execute()
