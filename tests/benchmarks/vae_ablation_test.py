import subprocess
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import generator_scores
from benchmarks import vae_ablation
from benchmarks.generator_scores import GeneratorScores
from benchmarks.vae_ablation import FULL
from benchmarks.vae_ablation import MIXTURE
from benchmarks.vae_ablation import VARIANTS
from benchmarks.vae_ablation import VaeAblation
from tests.generator.evaluation.made_generators import BandJudge
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.errors import UserError
from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.generator.training.folder import VaeRunFolder
from tp_keras.runs.run_folder import RunFolder
from training.command import read_experiment
from training.vae_configs import VAE_EXPERIMENTS

# Stands for the judge: a score for the pictures that were drawn.
SCORES = SimpleNamespace(
    count=7,
    conditions=SCHEMA.conditions,
    drawn=lambda sampler: {"prior": "fitted", "standard normal": "N(0, I)"},
    of_images=lambda images: SimpleNamespace(cells=[images, "1", "2", "3"]),
    of_reconstructions=lambda sampler: "0.5",
)


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Commands that were run; they leave finished runs, and train nothing."""
    monkeypatch.chdir(tmp_path)
    called = []

    def run_module(module, *words):
        words = [str(word) for word in words]
        called.append((module, words))
        folder = words[words.index("--run_dir") + 1]
        if "--colour_weight" in words:
            raise subprocess.CalledProcessError(2, module)
        is_vae = module == "training.train_vae"
        run = (VaeRunFolder if is_vae else RunFolder)(folder)
        config = VaeExperimentConfig if is_vae else ExperimentConfig
        run.claim(config(run_dir=folder))
        run.record(status="finished", seconds=61.0)

    monkeypatch.setattr(vae_ablation, "run_module", run_module)
    monkeypatch.setattr(
        generator_scores, "GeneratorScores", lambda *arguments: SCORES
    )
    monkeypatch.setattr(
        VaeRunFolder, "load_model", lambda self: SimpleNamespace(schema=SCHEMA)
    )
    return called


def test_each_variant_is_trained_once_and_judged(commands, capsys):
    VaeAblation().execute()
    modules = [module for module, _ in commands]
    assert modules == ["training.train"] * 2 + ["training.train_vae"] * len(
        VARIANTS
    )
    splits = [
        words[words.index("--train_split") + 1] for _, words in commands[:2]
    ]
    assert splits == ["train[50%:]", "train[:50%]"]
    output = capsys.readouterr().out
    assert "2 at full size and 1 of the encoder" in output
    assert f"| {FULL} | N(0, I) | 1 | 2 | 3 | 0.5 | 61 |" in output
    assert f"| {MIXTURE} | fitted | 1 | 2 | 3 | 0.5 | 61 |" in output
    assert output.count("| fitted |") == 1
    assert "| encoder without colours | failed (exit code 2) |" in output

    # What failed is tried again, nothing else.
    commands.clear()
    VaeAblation().execute()
    assert [module for module, _ in commands] == ["training.train_vae"]
    # Other epochs are another training.
    commands.clear()
    VaeAblation(encoder_epochs=2, variants=(FULL,)).execute()
    assert [module for module, _ in commands] == ["training.train_vae"]


def test_flags_are_those_of_the_training(commands):
    VaeAblation(flags="--latent_size 8", encoder_epochs=4).execute()
    found = {}
    for name, (_, words) in zip(VARIANTS, commands[2:], strict=True):
        config = read_experiment(VAE_EXPERIMENTS, words)
        assert config.training.half_epochs == 5
        assert config.training.full_epochs == 2
        assert config.training.encoder_epochs == 4
        assert config.model.latent_size == 8
        assert config.model.classifier_run.endswith("demo-eyes-seed0")
        found[name] = config.model
    assert found[FULL].penalty_weight > 0
    assert found["no slope of the critic"].penalty_weight == 0
    assert len(set(found.values())) == len(VARIANTS)


def test_unknown_variants_are_refused():
    with pytest.raises(UserError, match=f"out of '{FULL}'"):
        VaeAblation(variants=("no luck",)).execute()
    with pytest.raises(UserError, match="Received: experiment=demo"):
        VaeAblation(experiment="demo").execute()


# === The scores ===


class FakeJudge:
    """Sees the bands that carry the labels in these portraits."""

    def __init__(self, *arguments, **keywords):
        pass

    def features(self, images):
        return np.asarray(images, float)[:, 18::36].mean((2, 3)) / 100

    def describe(self, images):
        return self.features(images), BandJudge().predict(images)


class Copier:
    """Draws real portraits, or grey ones where it has no prior."""

    def __init__(self, images):
        self.images = images

    def generate(self, labels, seed):
        return self.images

    def generate_standard_normal(self, labels, seed):
        return np.full_like(self.images, 120)


@pytest.fixture(scope="module")
def portraits():
    splits = {
        "train[:50%]": make_portraits(200, seed=0, missing=0.0),
        "train[50%:]": make_portraits(100, seed=1, missing=0.0),
        "validation": make_portraits(20, seed=2, missing=0.0),
        "test": make_portraits(100, seed=3, missing=0.0),
    }
    splits["train[50%:]"].indices[:] += 1000
    return splits


@pytest.fixture
def make_scores(tmp_path, monkeypatch, portraits):
    monkeypatch.setattr(generator_scores, "Judge", FakeJudge)
    monkeypatch.setattr(RunFolder, "load_model", lambda self: None)
    monkeypatch.setattr(
        generator_scores,
        "load_portraits",
        lambda data_dir, dataset, split, progress: portraits[split],
    )

    def make(split):
        folder = RunFolder(tmp_path / "judge")
        folder.claim(
            ExperimentConfig(
                run_dir=str(folder.path), data=DataConfig(train_split=split)
            )
        )
        return GeneratorScores(folder, "data", "set", "train[:50%]")

    return make


def test_scores_of_real_and_of_grey_portraits(make_scores, portraits):
    scores = make_scores("train[50%:]")
    assert scores.count == 100
    drawn = scores.drawn(Copier(portraits["test"].images))
    real = scores.of_images(drawn["prior"])
    assert real.fidelity == {"gender": 1, "hair_color": 1, "hair_type": 1}
    grey = scores.of_images(drawn["standard normal"])
    assert grey.fidelity["hair_color"] < 0.5
    assert grey.cells[1:] == [
        f"{value:.2f}" for value in grey.fidelity.values()
    ]


def test_judge_of_the_same_portraits_is_refused(make_scores):
    with pytest.raises(UserError, match="portraits of the generators"):
        make_scores("train[:50%]")
