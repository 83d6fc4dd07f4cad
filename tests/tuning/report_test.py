import csv
import dataclasses
import shutil

import pytest

from tests.printed_commands import find_commands
from tests.printed_commands import parse
from tests.tuning.results import make_result
from tp_keras.config import DataConfig
from tp_keras.runs.run_folder import RunFolder
from tp_keras.tuning.report import write_report
from tp_keras.tuning.search_settings import SearchFolder
from tp_keras.tuning.search_settings import SearchSettings
from tp_keras.tuning.search_space import SearchSpace
from training.configs import EXPERIMENTS
from training.train import Train

_, BASE = EXPERIMENTS["real"]
DATA = DataConfig("my data", "tiny_portraits/synthetic_tiny", storage="disk")


@pytest.fixture
def folder(tmp_path):
    """A search whose data is not that of the experiment."""
    folder = SearchFolder(tmp_path / "my search")
    base = dataclasses.replace(BASE, data=DATA)
    folder.claim(SearchSettings(base=base, space=SearchSpace(), trials=4))
    results = [
        make_result("0", score=0.91, budget_seconds=6.7),
        make_result("1", score=0.80, latency_ms=0.5, worker="w1@b:7"),
        make_result("2", score=0.70, latency_ms=0.6),
        make_result(
            "3",
            status="failed",
            message="ResourceExhaustedError: no memory",
            score=None,
            accuracies={},
            latency_ms=None,
        ),
    ]
    for result in results:
        path = folder.trial_path(result.trial_id)
        path.mkdir(parents=True)
        config = folder.settings.space.config(base, result.values)
        # As another host has it.
        elsewhere = dataclasses.replace(config, data=DataConfig("elsewhere"))
        result.config.update(dataclasses.asdict(elsewhere))
        result.write(path)
        RunFolder(path / "run").claim(config)
    return folder


def test_the_command_trains_what_the_trial_trained(folder):
    text = write_report(folder.path, "real", BASE)
    (command,) = find_commands(text)
    trial = RunFolder(folder.trial_path("1") / "run").config
    assert trial.data == DATA
    expected = dataclasses.replace(trial, run_dir="runs/my search-best")
    assert parse(command) == Train(expected)
    assert "with the worker" not in text
    shutil.rmtree(folder.trial_path("1") / "run")
    text = write_report(folder.path, "real", BASE)
    assert "Its run is with the worker w1@b:7." in text


def test_the_table_tells_all_trials(folder):
    text = write_report(folder.path, "real", BASE)
    assert (folder.path / "table.md").read_text() == text
    rows = [line.split("|")[1:3] for line in text.splitlines() if "|" in line]
    # The full budget first, best first; the front is marked.
    assert [[cell.strip() for cell in row] for row in rows[2:]] == [
        ["1 *", "0.8000"],
        ["2", "0.7000"],
        ["0", "0.9100"],
    ]
    assert "4 of 4 trials, 1 failed" in text
    assert "Trial 3: ResourceExhaustedError: no memory" in text
    assert "Best: trial 1." in text
    assert (folder.path / "front.png").read_bytes()[:4] == b"\x89PNG"
    with (folder.path / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["completed"] * 3 + ["failed"]
    assert rows[1]["score"] == "0.8"
    assert rows[1]["accuracy_hair_color"] == "0.7"
    assert rows[1]["width"] == "32"
    assert rows[3]["accuracy_gender"] == ""
    assert rows[3]["message"] == "ResourceExhaustedError: no memory"


def test_a_search_without_a_trial_has_a_report(tmp_path):
    folder = SearchFolder(tmp_path / "mine")
    folder.claim(SearchSettings(base=BASE, space=SearchSpace()))
    assert "0 of 20 trials" in write_report(folder.path, "real", BASE)
    assert not (folder.path / "front.png").exists()
