import time
import types

import numpy as np
import pytest

from benchmarks import equal_time
from benchmarks.comparison import Row
from benchmarks.comparison import paired_difference
from benchmarks.comparison import print_table
from benchmarks.comparison import table_cells
from benchmarks.epoch_speed import measure_epochs
from benchmarks.epoch_speed import read_speeds
from benchmarks.epoch_speed import write_speeds
from benchmarks.equal_time import SETTINGS
from benchmarks.equal_time import EqualTime
from benchmarks.equal_time import split_entry
from benchmarks.torch_peer import TORCH_NETWORK
from benchmarks.torch_peer import learning_rate
from benchmarks.torch_peer import train as train_in_torch
from tests.benchmarks.made_runs import SPEED
from tests.benchmarks.made_runs import make_run
from tp_keras.config import ExperimentConfig
from tp_keras.config import ModelConfig
from tp_keras.config import TrainingConfig
from tp_keras.errors import UserError
from tp_keras.runs.run_folder import RunFolder

# === Speeds ===


def test_budget_pays_the_start_once():
    assert SPEED.images_per_second == 250
    assert SPEED.start_seconds == 6
    assert SPEED.epochs_within(6 + 3 * 4) == 3
    assert SPEED.epochs_within(6 + 4 * 4 - 0.1) == 3
    assert SPEED.seconds_of(3) == 18
    assert SPEED.epochs_within(10) == 1
    with pytest.raises(UserError, match="at least 10 s"):
        SPEED.epochs_within(9.9)


def train_and_log(config, turns):
    """Stands for a training; the backbone's name says how it goes."""
    name, log = config.model.backbone.split("@")
    epochs = config.training.epochs
    for epoch in range(epochs):
        turns.next_epoch()
        if name == "broken":
            raise SystemExit(1)
        for event in ("begins", "ends"):
            with open(log, "a") as file:
                file.write(f"{name} {event} {epoch}\n")
            # Long enough to be seen if two were at it at a time.
            time.sleep(0.05)
    turns.next_epoch()
    facts = {"examples_seen": 100 * epochs, "parameters": 7}
    return types.SimpleNamespace(facts=facts)


def measure(names, log, rounds):
    configs = {
        name: ExperimentConfig(model=ModelConfig(backbone=f"{name}@{log}"))
        for name in names
    }
    return measure_epochs(configs, train_and_log, rounds)


@pytest.mark.large
def test_trainings_take_turns_by_epochs(tmp_path):
    log = tmp_path / "log"
    speeds = measure(["first", "second"], log, rounds=2)
    assert log.read_text().split("\n")[:-1] == [
        f"{name} {event} {epoch}"
        for epoch in range(3)
        for name in ("first", "second")
        for event in ("begins", "ends")
    ]
    assert list(speeds) == ["first", "second"]
    for speed in speeds.values():
        assert len(speed.epoch_seconds) == 2
        assert min(speed.epoch_seconds) > 0
        assert (speed.examples, speed.parameters) == (100, 7)


@pytest.mark.large
def test_training_that_breaks_is_named(tmp_path):
    with pytest.raises(UserError, match="name='broken'"):
        measure(["fine", "broken"], tmp_path / "log", rounds=1)


# === Comparison ===


def make_hits(accuracies, count=50, seed=0, missing=0.0):
    """Hits [seeds, tasks, portraits] of about the given accuracies."""
    rng = np.random.default_rng(seed)
    hits = rng.random((*np.shape(accuracies), count)) < np.expand_dims(
        accuracies, -1
    )
    labelled = np.random.default_rng(9).random((3, count)) >= missing
    return np.where(labelled, hits, np.nan)


@pytest.fixture
def make_row(tmp_path):
    def make(name, hits, settings="experiment"):
        runs = {
            seed: make_run(tmp_path / f"{name}-{seed}", values)
            for seed, values in enumerate(hits)
        }
        return Row(name, settings, SPEED, runs)

    return make


def test_difference_by_hand():
    nan = np.nan
    ours = np.array([[[1, 1, 0, 1], [1, nan, 1, nan], [0, 1, nan, nan]]])
    theirs = np.array(
        [
            [[1, 0, 0, 1], [0, nan, 1, nan], [0, 1, nan, nan]],
            [[0, 0, 0, 1], [1, nan, 0, nan], [1, 1, nan, nan]],
        ]
    )
    # Ours: 3/4, 2/2, 1/2. Theirs: (2/4 + 1/4) / 2, 1/2, (1/2 + 2/2) / 2.
    expected = np.mean([3 / 4 - 3 / 8, 1 - 1 / 2, 1 / 2 - 3 / 4])
    # Many times the same, so that no sample lacks a label altogether.
    ours, theirs = np.tile(ours, 20), np.tile(theirs, 20)
    difference, low, high = paired_difference(ours, theirs, 200)
    assert difference == pytest.approx(expected)
    assert low <= difference <= high
    assert paired_difference(ours, ours, 100) == (0, 0, 0)


def test_interval_is_that_of_portraits_drawn_one_by_one():
    ours = make_hits([[0.9, 0.8, 0.7]] * 3, count=200, missing=0.4)
    theirs = make_hits([[0.8, 0.8, 0.6]], count=200, seed=1, missing=0.4)
    rng = np.random.default_rng(5)
    samples = []
    for _ in range(2000):
        rows = rng.integers(200, size=200)
        samples.append(
            np.nanmean(ours[..., rows], axis=-1).mean()
            - np.nanmean(theirs[..., rows], axis=-1).mean()
        )
    _, low, high = paired_difference(ours, theirs, 4000)
    assert (low, high) == pytest.approx(
        tuple(np.quantile(samples, [0.025, 0.975])), abs=0.006
    )


def test_row_of_the_table(make_row):
    hits = np.ones((2, 3, 4))
    hits[0, 0] = [0, 1, 1, 1]
    hits[:, 1, :2] = np.nan
    hits[1, 2, 0] = 0
    assert table_cells(make_row("net", hits)) == [
        *("net", "1,234", "250", "3", "18", "20"),
        *("0.875 (n = 4)", "1.000 (n = 2)", "0.875 (n = 4)"),
        *("**0.917**", "0.917 0.917"),
    ]


def test_table_compares_with_the_best_peer(make_row, capsys):
    ours = make_row("ours", np.ones((3, 3, 40)))
    good = make_row("good", make_hits([[0.9, 0.9, 0.9]], 40))
    weak = make_row("weak", make_hits([[0.2, 0.2, 0.2]], 40), "light")
    # A part of an epoch is no matter.
    print_table("real", 21, [ours], [weak, good])
    output = capsys.readouterr().out
    points = 100 * (1 - good.mean)
    assert "| s by clock | gender | hair_color | hair_type | mean |" in output
    assert "Against good, the best peer" in output
    assert f"ours: {points:+.1f} (95 % interval" in output
    assert "3 and 1 seeds" in output
    assert "| weak, light | 1,234 |" in output
    assert "remove its run folder" not in output
    print_table("real", 100, [ours], [])
    assert "Seed 0 of ours had 18 s by these speeds, not 100" in (
        capsys.readouterr().out
    )


# === The command ===


@pytest.mark.parametrize(
    ("entry", "flags"),
    [
        ("MobileNetV2(alpha=0.35)", ["--epochs", "3", "--flip", "False"]),
        ("PortraitBackbone(stages=((32, 1, 2), (64, 1, 2)))", []),
    ],
)
def test_entry_holds_a_name_and_flags(entry, flags):
    assert split_entry(" ".join([entry, *flags])) == (entry, flags)


# Test accuracy and validation score by network and settings.
QUALITIES = {
    "ours": (0.9, 0.9),
    # Better on the validation with its lighter settings.
    "Peer(alpha=0.35)": (0.9, 0.5),
    "Peer(alpha=0.35), light": (0.6, 0.6),
    TORCH_NETWORK: (0.8, 0.7),
    f"{TORCH_NETWORK}, light": (0.8, 0.6),
}


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Commands that were run; they leave finished runs, and train nothing."""
    monkeypatch.chdir(tmp_path)
    called = []

    def run_module(module, *words):
        words = [str(word) for word in words]
        flags = dict(zip(words[1::2], words[2::2], strict=True))
        name = flags["--backbone"]
        name += ", light" if flags["--dropout_rate"] == "0.2" else ""
        # What both libraries have.
        assert flags["--optimizer"] == "adamw"
        called.append((module, name, int(flags["--seed"])))
        accuracy, score = QUALITIES[name]
        hits = np.zeros((3, 10))
        hits[:, : round(10 * accuracy)] = 1
        epochs = int(flags["--epochs"])
        make_run(flags["--run_dir"], hits, epochs=epochs, best_score=score)

    monkeypatch.setattr(equal_time, "run_module", run_module)
    entries = ("ours", "Peer(alpha=0.35)", TORCH_NETWORK)
    path = tmp_path / "runs" / "equal_time" / "real-speeds.json"
    write_speeds(path, dict.fromkeys(entries, SPEED))
    return called


def test_best_settings_and_best_peer_are_found(commands, capsys):
    arguments = EqualTime(
        seconds=30,
        networks=("ours",),
        peers=("Peer(alpha=0.35)", TORCH_NETWORK),
        seeds=(0, 1),
    )
    arguments.execute()
    train, torch = "training.train", "benchmarks.torch_peer"
    assert commands == [
        (train, "ours", 0),
        (train, "ours", 1),
        (train, "Peer(alpha=0.35)", 0),
        (train, "Peer(alpha=0.35), light", 0),
        (torch, TORCH_NETWORK, 0),
        (torch, f"{TORCH_NETWORK}, light", 0),
        # The best peer's other seed, with its best settings.
        (torch, TORCH_NETWORK, 1),
    ]
    run = RunFolder("runs/equal_time/real-30/ours-seed1")
    # 6 s to begin, 4 s an epoch.
    assert run.facts["epochs"] == 6
    output = capsys.readouterr().out
    assert "ours: +10.0 (95 % interval" in output
    assert "2 and 2 seeds" in output
    assert "| Peer(alpha=0.35), light |" in output

    commands.clear()
    arguments.execute()
    assert commands == []
    assert capsys.readouterr().out == output


def test_speeds_are_measured_unless_all_are_stored(
    commands, monkeypatch, capsys
):
    measured = []

    def measure(configs, train, rounds):
        measured.append({n: c.model.dropout_rate for n, c in configs.items()})
        return dict.fromkeys(configs, SPEED)

    monkeypatch.setattr(equal_time, "measure_epochs", measure)
    flagged = "ours --dropout_rate 0.3"
    for networks, reuse in (
        (("ours",), True),
        (("ours",), False),
        (("ours", flagged), True),
    ):
        EqualTime(
            networks=networks, peers=(), reuse_speeds=reuse, only_speeds=True
        ).execute()
    assert [list(names) for names in measured] == [["ours"], ["ours", flagged]]
    assert measured[1][flagged] == 0.3
    assert "| ours | 250 | 4.00 | " in capsys.readouterr().out
    stored = read_speeds("runs/equal_time/real-speeds.json")
    assert stored == dict.fromkeys(["ours", flagged], SPEED)
    assert commands == []


def test_unknown_settings_are_refused(commands):
    with pytest.raises(UserError, match=f"out of {', '.join(SETTINGS)}"):
        EqualTime(settings=("heavy",)).execute()


# === The PyTorch peer, as far as it needs no PyTorch ===


def test_learning_rate_is_that_of_the_trainer():
    # Not above: the processes that train in turns would import it.
    import keras

    config = TrainingConfig(epochs=5, warmup_epochs=1.5, learning_rate=3e-3)
    oracle = keras.optimizers.schedules.CosineDecay(
        0.0, decay_steps=5 * 10 - 15, warmup_target=3e-3, warmup_steps=15
    )
    for step in range(0, 50, 7):
        assert learning_rate(step, 10, config) == pytest.approx(
            float(oracle(step)), abs=1e-9
        )


def test_torch_peer_refuses_other_networks(tmp_path):
    config = ExperimentConfig(run_dir=str(tmp_path / "run"))
    with pytest.raises(UserError, match=f"backbone={TORCH_NETWORK} alone"):
        train_in_torch(config)
    assert not (tmp_path / "run").exists()
