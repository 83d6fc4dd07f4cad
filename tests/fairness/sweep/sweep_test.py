import dataclasses
import json

import pytest

from tests import made_runs
from tests.fairness.representations_test import represent_eagerly
from tests.fairness.sweep.made_outcomes import make_records
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import HAIR_COLOR
from tests.portrait_factory import make_portraits
from tests.printed_commands import parse_next
from tp_keras.config import ExperimentConfig
from tp_keras.debias_config import DebiasConfig
from tp_keras.errors import UserError
from tp_keras.fairness import probes as probes_lib
from tp_keras.fairness.sweep import sweep
from tp_keras.fairness.sweep.outcome import figure_of
from tp_keras.fairness.sweep.settings import MeasureSettings
from tp_keras.fairness.sweep.settings import SweepSettings
from tp_keras.fairness.sweep.settings import parse_variant
from tp_keras.fairness.sweep.settings import parse_variants
from tp_keras.files import only_one
from tp_keras.files import read_json
from tp_keras.files import write_json
from tp_keras.records import record as records_lib
from tp_keras.records.record import find
from tp_keras.records.record import read_records
from tp_keras.runs import debias_run as debias_run_module
from tp_keras.runs.run_folder import RunFolder
from training.command import run as run_command
from training.fairness_report import FairnessReport
from training.fairness_sweep import FairnessSweep

SETTINGS = SweepSettings(
    DebiasConfig(branch_steps=2),
    MeasureSettings(
        min_count=8, validation_min_count=6, probe_seeds=1, num_permutations=10
    ),
)
VARIANTS = parse_variants(["grl:1", "grl:1+leace"], SETTINGS.debias)
SPLITS = ("train", "validation", "test", "counterfactual")


def load_made(data_dir, dataset, split, storage, progress):
    return make_portraits(160, seed=SPLITS.index(split), split=split)


class Builder:
    """A prepared data set, as far as its splits."""

    info = type("Info", (), {"splits": SPLITS})


@pytest.fixture(autouse=True)
def made_portraits(monkeypatch):
    monkeypatch.setattr("tp_keras.data.source.load_portraits", load_made)
    monkeypatch.setattr(sweep, "find_builder", lambda *_: Builder)
    monkeypatch.setattr(sweep, "resolve_splits", lambda data: data)


@pytest.fixture(scope="module")
def classifier():
    return made_runs.make_classifier()


@pytest.fixture
def light(monkeypatch, classifier):
    """Neither trains nor measures: what was measured tells the run."""

    def measure(classifier, portraits, twins, settings, seed):
        recalls = {("blond", "male"): (0.5, settings.min_count)}
        flips = 0.5 if twins else None
        made = {"flips": flips, "recalls": recalls}
        return make_records(portraits.split, seed, **made)

    def save_model(run, model):
        run.model_path.write_bytes(b"")

    for owner, name, value in (
        (debias_run_module, "debias_classifier", lambda model, *_, **__: model),
        (RunFolder, "load_model", lambda run: classifier),
        (RunFolder, "save_model", save_model),
        (sweep.TrunkFeatures, "compute", lambda *_: "features"),
        (sweep, "measure", measure),
    ):
        monkeypatch.setattr(owner, name, value)


def make_base(path, seed, **facts):
    prints = {
        split: load_made(None, None, split, None, None).fingerprint
        for split in SPLITS[:2]
    }
    usual = {"status": "finished", "fingerprints": prints, "seconds": 10.0}
    usual |= {"dataset": "made/here/1.0.0"}
    return made_runs.make_run(path, seed=seed, **usual | facts)


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


def run_sweep(folder, bases, variants=VARIANTS):
    return sweep.run_sweep(folder, variants, bases, SETTINGS)


def test_a_sweep_makes_measures_and_reports(
    bases, tmp_path, capsys, monkeypatch
):
    # What the probes find does not matter here.
    one = dict.fromkeys(probes_lib.KINDS, (1.0,))
    monkeypatch.setattr(probes_lib, "STRENGTHS", one)
    monkeypatch.setattr(probes_lib, "_MLP_ITERATIONS", 2)
    passes = "tp_keras.debiasing.trunk_features._AUGMENTED_PORTRAITS"
    monkeypatch.setattr(passes, 160)
    represent_eagerly(monkeypatch)
    base = bases[3]
    before = content(base.path)
    folder = tmp_path / "my sweep"
    flags = "--variants grl:1 --branch_steps 2 --min_count 8"
    flags += " --validation_min_count 6 --num_permutations 10"
    arguments = ["--sweep_dir", str(folder), "--base_runs", str(base.path)]
    arguments += flags.split()
    run_command(FairnessSweep, arguments)
    printed = capsys.readouterr().out
    for name in ("none", "grl:1"):
        assert f"{name}, seed 3: " in printed
    assert (folder / "table.md").read_text() in printed
    names = {"sweep.json", "features-seed3.json", "table.md", "front.png"}
    names |= {"report.json", "none-seed3", "grl-1-seed3"}
    assert {path.name for path in folder.iterdir()} == names
    # The base stays, and what was made of it is a run.
    assert content(base.path) == before
    run = RunFolder(folder / "grl-1-seed3").require()
    assert run.config.training.seed == 3
    assert run.config.debias == DebiasConfig(
        debias="grl", strength=1.0, branch_steps=2
    )

    records = read_records(run.path / "sweep" / "test.jsonl")
    assert {record.seed for record in records} == {3}
    probes = find(records, metric="conditional_group_probe", task="hair_color")
    assert {record.variant for record in probes if record.value} == {
        "linear hair_color_embedding",
        "mlp hair_color_embedding",
    }
    for metric, count in (
        *(("counterfactual_flips", 2), ("same_group_excess", 2)),
        *(("neighbor_precision", 2), ("worst_group_recall", 2)),
        *(("leakage_band_high", 2), ("accuracy", 3), ("group_recall", 16)),
    ):
        assert len(find(records, metric=metric)) == count, metric

    assert parse_next(printed) == FairnessReport(str(run.path))

    # The same command finds everything done; other settings are refused.
    known = content(folder)
    reported = []
    monkeypatch.setattr(
        FairnessReport, "execute", lambda self: reported.append(self)
    )
    run_command(FairnessSweep, [*arguments, "--report", "True"])
    assert reported == [FairnessReport(str(run.path))]
    changed = dict(content(folder).items() - known.items())
    shown = {"table.md", "front.png", "report.json"}
    assert {*map(str, changed)} == {*shown, "sweep.json"}
    with pytest.raises(SystemExit):
        run_command(FairnessSweep, [*arguments, "--probe_seeds", "3"])
    error = capsys.readouterr().err
    assert "other settings" in error and "probe_seeds: 1 against 3" in error


def test_it_resumes_wherever_it_is_stopped(bases, tmp_path, monkeypatch, light):
    one = {3: bases[3]}
    with (
        only_one(tmp_path / "whole"),
        pytest.raises(UserError, match="Another process"),
    ):
        run_sweep(tmp_path / "whole", one)
    expected = run_sweep(tmp_path / "whole", one)
    calls, done, limit = [], [], [0]

    def stopping(module, name):
        function = getattr(module, name)

        def stop_or_go(*args, **kwargs):
            if len(calls) == limit[0]:
                raise KeyboardInterrupt
            calls.append(name)
            result = function(*args, **kwargs)
            done.append(name)
            return result

        monkeypatch.setattr(module, name, stop_or_go)

    stopping(sweep, "debias_run")
    stopping(sweep, "measure")
    stopping(records_lib, "write_records")
    folder = tmp_path / "stopped"
    for last, number in (
        ("measure", 1),
        # The features are there, and the run is not.
        ("write_records", 4),
        ("measure", 2),
        ("measure", 4),
        ("write_records", 3),
        # A run was made, and nothing measured.
        ("debias_run", 2),
        ("write_records", 4),
    ):
        calls.clear()
        limit[0] = number
        with pytest.raises(KeyboardInterrupt):
            run_sweep(folder, one)
        assert calls[-1] == last
    limit[0] = None
    outcomes = run_sweep(folder, one)
    # Three variants, two splits: what is written is not measured again.
    assert done.count("write_records") == 6
    for first, second in zip(expected, outcomes, strict=True):
        assert first.variant == second.variant
        assert first.records == second.records
    assert sorted(content(tmp_path / "whole")) == sorted(content(folder))


def test_what_is_trained_alike_is_trained_once(bases, tmp_path, light):
    variants = parse_variants(["none+leace", "grl:1+leace"], SETTINGS.debias)
    folder = sweep.SweepFolder(tmp_path / "s")
    (_, *outcomes) = run_sweep(folder.path, {3: bases[3]}, variants)
    # Validation needs fewer portraits, and has no twins.
    for outcome in outcomes:
        groups = [
            outcome.group_recalls(name, HAIR_COLOR)
            for name in ("validation", "test")
        ]
        assert [found["blond", "male"][1] for found in groups] == [6, 8]
        assert outcome.values("validation", "flips", HAIR_COLOR) == [None]
        assert outcome.values("test", "flips", HAIR_COLOR) == [0.5]
    trained, both = (
        folder.run(parse_variant(name), 3) for name in ("grl:1", "grl:1+leace")
    )
    assert both.facts["source"] == trained.path.name
    assert not (trained.path / "sweep").exists()

    for run in (trained, both, folder.run(variants[1], 3)):
        run.record(debias_seconds=1.0)
    folder.features_path(3).write_text('{"seconds": 2.0}')
    outcomes = run_sweep(folder.path, {3: bases[3]}, variants)
    # The base took 10 seconds.
    assert {item.name: item.costs for item in outcomes} == {
        "none": (1.0,),
        "none+leace": (1.1,),
        "grl:1+leace": (1.4,),
    }
    (trained.path / "run.json").unlink()
    outcomes = run_sweep(folder.path, {3: bases[3]}, variants)
    assert outcomes[2].costs == (None,)


def test_seeds_may_be_added_but_not_exchanged(bases, tmp_path, light):
    folder = tmp_path / "s"
    for seeds in ((3,), (3, 4), (4,)):
        chosen = {seed: bases[seed] for seed in seeds}
        (outcome,) = run_sweep(folder, chosen, VARIANTS[:1])
        assert len(outcome.records["test"]) == len(seeds)
    content = (folder / "sweep.json").read_text()
    others = read_json(folder / "sweep.json", "")
    others["settings"]["debias"]["slope"] = 0.5
    write_json(folder / "sweep.json", others)
    with pytest.raises(UserError, match="other settings.*slope"):
        run_sweep(folder, bases, VARIANTS[:1])
    (folder / "sweep.json").write_text(content)
    for other, message in (
        (make_base(tmp_path / "a", 3, seconds=11.0), "run of seed 3: .*base3"),
        (make_base(tmp_path / "b", 5, dataset="made/b/1.0.0"), "data sets: "),
    ):
        seed = other.config.training.seed
        with pytest.raises(UserError, match=message):
            run_sweep(folder, {seed: other}, VARIANTS[:1])


def test_bases_of_two_data_sets_of_one_name_are_refused(bases, tmp_path):
    prints = {"train": "a", "validation": "b"}
    other = make_base(tmp_path / "other", 5, fingerprints=prints)
    with pytest.raises(UserError, match="of one data set. Received: .*other"):
        sweep.find_bases([bases[3].path, other.path])
    # Nor is a run measured on what was prepared in its place.
    with pytest.raises(UserError, match="trained on other portraits"):
        run_sweep(tmp_path / "s", {5: other}, VARIANTS[:1])


def test_bad_bases_are_one_sentence(bases, tmp_path, capsys):
    path = bases[3].path
    unfinished = make_base(tmp_path / "unfinished", 1, status="training").path
    blind = make_base(tmp_path / "blind", 1)
    model = dataclasses.replace(blind.config.model, tasks=("gender",))
    config = dataclasses.asdict(dataclasses.replace(blind.config, model=model))
    (blind.path / "config.json").write_text(json.dumps(config))
    blind.record(status="finished")
    for paths, expected in (
        ([path, path], "both of seed 3"),
        ([tmp_path / "nowhere"], "There is no run"),
        ([unfinished], "finished runs.*unfinished, training"),
        ([blind.path], "learned no guarded task"),
    ):
        with pytest.raises(UserError, match=expected):
            sweep.find_bases(paths)
    for arguments, expected in (
        (["--variants", "magic"], "A variant is named"),
        (["--experiment", "magic"], "an experiment out of demo"),
        (["--seeds"], "at least one seed"),
        (["--base_runs", str(path), "--dataset", "x"], "have their own data"),
        (["--probe_seeds", "0"], "probe_seeds between 1"),
    ):
        with pytest.raises(SystemExit):
            run_command(
                FairnessSweep, ["--sweep_dir", str(tmp_path / "s"), *arguments]
            )
        assert expected in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "s").exists()


def test_what_goes_wrong_names_the_variant(bases, tmp_path, monkeypatch, light):
    def fail(*args, **kwargs):
        raise UserError("No hair. Received: none")

    monkeypatch.setattr(sweep, "debias_run", fail)
    with pytest.raises(UserError, match="grl:1, seed 3: No hair"):
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


def test_numbers_and_three_groups_are_measured():
    portraits = make_portraits(160, schema=EVERY_KIND)
    classifier = made_runs.make_classifier(EVERY_KIND)
    settings = sweep.FairnessSettings(
        min_count=500, num_permutations=5, num_bootstraps=5, neighbors=(20,)
    )
    records = sweep.measure(classifier, portraits, None, settings, seed=0)
    head = find(records, task="origin")
    assert [record.metric for record in head] == ["accuracy"]
    for task in EVERY_KIND.guarded_tasks:
        for figure in ("accuracy", "excess", "precision"):
            assert figure_of(records, figure, task) is not None
        assert figure_of(records, "conditional_probe", task) is None
