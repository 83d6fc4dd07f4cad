import dataclasses
import json

import keras
import numpy as np
import pytest

from tests.portrait_factory import make_portraits
from tp_keras import debias_run as debias_run_module
from tp_keras.config import DebiasConfig
from tp_keras.config import ExperimentConfig
from tp_keras.errors import UserError
from tp_keras.evaluation.records import find
from tp_keras.evaluation.records import read_records
from tp_keras.fairness.trunk_features import TrunkFeatures
from tp_keras.fairness_sweep import measurement
from tp_keras.fairness_sweep import sweep
from tp_keras.fairness_sweep.settings import MeasureSettings
from tp_keras.fairness_sweep.settings import SweepSettings
from tp_keras.fairness_sweep.variant import Variant
from tp_keras.fairness_sweep.variant import parse_variants
from tp_keras.models import PortraitBackbone
from tp_keras.models import PortraitClassifier
from tp_keras.run_folder import RunFolder
from training.command import run as run_command
from training.fairness_sweep import FairnessSweep

SETTINGS = SweepSettings(
    DebiasConfig(branch_steps=2),
    MeasureSettings(
        min_count=8, validation_min_count=6, probe_seeds=1, num_permutations=10
    ),
)
VARIANTS = parse_variants(["reweigh", "grl:1", "none+leace"], SETTINGS.debias)
SPLITS = ("train", "validation", "test", "counterfactual")


def load_made(data_dir, dataset, split, storage, progress):
    return make_portraits(160, seed=SPLITS.index(split), split=split)


class Builder:
    """A prepared data set, as far as its splits."""

    info = type("Info", (), {"splits": SPLITS})


@pytest.fixture(autouse=True)
def made_portraits(monkeypatch):
    for module in (debias_run_module, sweep):
        monkeypatch.setattr(module, "load_portraits", load_made)
    monkeypatch.setattr(sweep, "find_builder", lambda *_: Builder)
    passes = "tp_keras.fairness.trunk_features._AUGMENTED_PORTRAITS"
    monkeypatch.setattr(passes, 160)


def make_base(path, seed, **facts):
    keras.utils.set_random_seed(seed)
    run = RunFolder(path)
    config = ExperimentConfig(run_dir=str(path))
    training = type(config.training)(seed=seed)
    run.claim(ExperimentConfig(run_dir=str(path), training=training))
    backbone = PortraitBackbone("separable", 8, ((8, 1, 4),))
    PortraitClassifier(backbone, embedding_size=16).save(run.model_path)
    fingerprints = {
        split: load_made(None, None, split, None, None).fingerprint
        for split in SPLITS[:2]
    }
    run.record(
        **{
            "status": "finished",
            "fingerprints": fingerprints,
            "dataset": "made/here/1.0.0",
            "seconds": 10.0,
            **facts,
        }
    )
    return run


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bases")
    return {seed: make_base(folder / f"base{seed}", seed) for seed in (3, 4)}


def content(folder):
    return {
        path.relative_to(folder): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file()
    }


def run_sweep(folder, bases, **options):
    return sweep.run_sweep(
        folder, VARIANTS, bases, SETTINGS, progress=False, **options
    )


def test_a_sweep_makes_measures_and_reports(bases, tmp_path, capsys):
    before = {seed: content(base.path) for seed, base in bases.items()}
    folder = tmp_path / "sweep"
    arguments = ["--sweep_dir", str(folder), "--base_runs"]
    arguments += [str(base.path) for base in bases.values()]
    arguments += ["--variants", *(variant.name for variant in VARIANTS)]
    arguments += ["--branch_steps", "2", "--min_count", "8"]
    arguments += ["--validation_min_count", "6", "--num_permutations", "10"]
    run_command(FairnessSweep, arguments)
    printed = capsys.readouterr()
    # A line for each variant and seed.
    lines = printed.out.splitlines()
    assert sum("seed 3: accuracy 0." in line for line in lines) == 4
    assert (folder / "table.md").read_text() in printed.out
    assert (folder / "front.png").stat().st_size > 10_000
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {
        f"{name}-seed{seed}"
        for name in ("none", "reweigh", "grl-1", "none+leace")
        for seed in (3, 4)
    }
    # The bases stay, and what was made of them is a run.
    assert before == {seed: content(base.path) for seed, base in bases.items()}
    run = RunFolder(folder / "grl-1-seed4").require()
    assert run.config.training.seed == 4
    assert run.config.debias.debias == "grl"
    assert run.config.debias.strength == 1.0
    assert run.config.debias.branch_steps == 2

    records = read_records(run.path / "sweep" / "test.jsonl")
    assert {record.seed for record in records} == {4}
    probes = find(records, metric="conditional_gender_probe", task="hair_color")
    assert {record.variant for record in probes} == {
        "linear hair_color_embedding",
        "mlp hair_color_embedding",
    }
    assert len(find(records, metric="counterfactual_flips")) == 2
    assert len(find(records, metric="same_gender_excess")) == 2
    assert len(find(records, metric="accuracy", group="all")) == 3
    groups = find(records, metric="group_recall", task="hair_color")
    assert len(groups) == 10

    # The same command finds everything done, and more seeds resume it.
    known = content(folder)
    run_command(FairnessSweep, arguments)
    again = content(folder)
    for name in ("table.md", "front.png", "sweep.json"):
        known.pop(next(path for path in known if path.name == name))
        again.pop(next(path for path in again if path.name == name))
    assert known == again

    with pytest.raises(SystemExit):
        run_command(FairnessSweep, [*arguments, "--branch_steps", "3"])
    error = capsys.readouterr().err
    assert "other settings" in error and "branch_steps: 2 against 3" in error


def test_it_resumes_wherever_it_is_stopped(bases, tmp_path, monkeypatch):
    one = {3: bases[3]}
    expected = run_sweep(tmp_path / "whole", one)
    calls, limit = [], [0]

    def stopping(name, function):
        def stop_or_go(*args, **kwargs):
            calls.append(name)
            if len(calls) > limit[0]:
                raise KeyboardInterrupt
            return function(*args, **kwargs)

        return stop_or_go

    monkeypatch.setattr(sweep, "debias_run", stopping("make", sweep.debias_run))
    monkeypatch.setattr(
        measurement, "measure", stopping("measure", measurement.measure)
    )
    computed = []
    compute = TrunkFeatures.compute.__func__
    monkeypatch.setattr(
        TrunkFeatures,
        "compute",
        classmethod(lambda *a: computed.append(1) or compute(*a)),
    )
    folder = tmp_path / "stopped"
    made = []
    while True:
        calls.clear()
        # Never the same place twice: each attempt gets two steps further.
        limit[0] = 2
        try:
            outcomes = run_sweep(folder, one)
            break
        except KeyboardInterrupt:
            made += calls[:-1]
    made += calls
    # 4 variants, 2 splits: nothing is measured twice.
    assert made.count("measure") == 8
    # `none+leace` needs no features, nor does a run that is there.
    assert len(computed) == 2
    for first, second in zip(expected, outcomes, strict=True):
        assert first.variant == second.variant
        assert first.records == second.records


def test_seeds_may_be_added_but_not_exchanged(bases, tmp_path):
    variants = [Variant()]
    for seeds in ((3,), (3, 4), (4,)):
        chosen = {seed: bases[seed] for seed in seeds}
        (outcome,) = sweep.run_sweep(
            tmp_path / "s", variants, chosen, SETTINGS, progress=False
        )
        assert len(outcome.records["test"]) == len(seeds)
    other = make_base(tmp_path / "other", 3, seconds=11.0)
    with pytest.raises(UserError, match="run of seed 3: .*base3.* against"):
        sweep.run_sweep(
            tmp_path / "s", variants, {3: other}, SETTINGS, progress=False
        )
    other = make_base(tmp_path / "five", 5, dataset="made/there/1.0.0")
    with pytest.raises(UserError, match="data sets: "):
        sweep.run_sweep(
            tmp_path / "s", variants, {5: other}, SETTINGS, progress=False
        )


def test_costs_count_features_where_they_are_needed(bases, tmp_path):
    folder = sweep.SweepFolder(tmp_path / "s")
    outcomes = run_sweep(folder.path, {3: bases[3]})
    folder.note_feature_seconds(3, 2.0)
    costs = {}
    for variant in VARIANTS[1:]:
        folder.run(variant, 3).record(debias_seconds=1.0)
    for outcome in run_sweep(folder.path, {3: bases[3]}):
        costs[outcome.name] = outcome.costs
    assert costs == {
        "none": (1.0,),
        "reweigh": (1.3,),
        "grl:1": (1.3,),
        "none+leace": (1.1,),
    }
    assert len(outcomes) == 4


def test_bad_bases_are_one_sentence(bases, tmp_path, capsys):
    path = bases[3].path
    with pytest.raises(UserError, match="both of seed 3"):
        sweep.find_bases([path, path])
    with pytest.raises(UserError, match="There is no run"):
        sweep.find_bases([tmp_path / "nowhere"])
    unfinished = make_base(tmp_path / "unfinished", 1, status="training")
    with pytest.raises(UserError, match="finished runs.*unfinished, training"):
        sweep.find_bases([unfinished.path])
    for arguments, expected in (
        (["--variants", "magic"], "A variant is named"),
        (["--experiment", "magic"], "an experiment out of demo"),
        (["--seeds"], "at least one seed"),
        (["--base_runs", str(path), "--dataset", "x"], "have their own data"),
        (["--probe_seeds", "0"], "probe_seeds of at least 1"),
    ):
        with pytest.raises(SystemExit):
            run_command(
                FairnessSweep,
                ["--sweep_dir", str(tmp_path / "s"), *arguments],
            )
        assert expected in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "s").exists()


def test_what_goes_wrong_names_the_variant(bases, tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise UserError("No hair. Received: none")

    monkeypatch.setattr(sweep, "debias_run", fail)
    with pytest.raises(UserError, match="reweigh, seed 3: No hair"):
        run_sweep(tmp_path / "s", {3: bases[3]})


def test_bases_are_trained_once(tmp_path, monkeypatch):
    trained = []

    class Trainer:
        def __init__(self, config):
            self.config = config

        def fit(self):
            trained.append(self.config)
            return RunFolder(self.config.run_dir)

    monkeypatch.setattr(sweep, "Trainer", Trainer)
    folder = tmp_path / "s"
    found = sweep.train_bases(folder, ExperimentConfig(), (0, 7), SETTINGS)
    assert [config.training.seed for config in trained] == [0, 7]
    assert found[7].path == folder / "none-seed7"
    # Another sweep's folder is refused before anything is trained.
    with pytest.raises(UserError, match="other settings"):
        sweep.train_bases(folder, ExperimentConfig(), (0,), SweepSettings())
    assert len(trained) == 2
    assert list(json.loads((folder / "sweep.json").read_text())) == [
        "settings",
        "bases",
    ]


def test_without_twins_there_are_no_flips(bases):
    classifier = bases[3].load_model()
    portraits = load_made(None, None, "test", None, None)
    settings = sweep.FairnessSettings(
        min_count=8, num_permutations=5, num_bootstraps=5, neighbors=(20,)
    )
    for twins in (None, _other_portraits(portraits)):
        records = measurement.measure(
            classifier, portraits, twins, settings, seed=0
        )
        assert not find(records, metric="counterfactual_flips")


def _other_portraits(portraits):
    """Portraits none of which is a twin."""
    indices = np.asarray(portraits.indices) + 1_000_000
    return dataclasses.replace(portraits, indices=indices)
