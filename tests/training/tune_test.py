import os

import pytest

from tests.printed_commands import find_commands
from tests.printed_commands import parse
from tests.printed_commands import refusal
from tests.tuning.results import make_result
from tp_keras.config import DataConfig
from tp_keras.runs.run_folder import RunFolder
from tp_keras.tuning import search
from tp_keras.tuning.search_settings import SearchFolder
from training import command
from training.configs import EXPERIMENTS
from training.tune import Tune


@pytest.fixture
def calls(monkeypatch):
    """Puts a search of one made trial in place, and lists its arguments."""
    calls = []

    def run_search(path, settings, workers, host, patience):
        calls.append((path, settings, workers, host, patience))
        folder = SearchFolder(path)
        folder.claim(settings)
        trial = folder.trial_path("0")
        trial.mkdir(parents=True, exist_ok=True)
        make_result("0").write(trial)
        config = settings.space.config(settings.base, make_result().values)
        RunFolder(trial / "run").claim(config)
        return folder

    monkeypatch.setattr(search, "run_search", run_search)
    return calls


def test_prints_table_command_and_folder(calls, tmp_path, capsys):
    data = ["--data_dir", "my data", "--dataset", "a/b", "--storage", "disk"]
    command.run(Tune, ["--tune_dir", str(tmp_path), "--base", "demo", *data])
    output = capsys.readouterr().out
    (row,) = (line for line in output.splitlines() if "| 0 *" in line)
    cells = ["0 *", "0.8000", "0.900", "0.700", "0.500", "1,234"]
    assert [cell.strip() for cell in row.split("|")][1:7] == cells
    (best,) = find_commands(output)
    assert parse(best).config.data == DataConfig(
        "my data", "a/b", storage="disk"
    )
    folder = tmp_path / "demo-bayesian"
    assert f"Trials, table and plot: {folder}" in output
    assert {"trials.csv", "table.md", "front.png"} <= {
        path.name for path in folder.iterdir()
    }


def test_flags_become_settings(calls, tmp_path):
    flags = "--base real --tuner hyperband --budget_seconds 7.5 --trials 9"
    flags += " --workers 2 --seed 4 --name mine --data_dir d --dataset a/b"
    flags += " --patience_seconds 5"
    flags += " --storage disk --widths 16 32 --depths 1 --block_types residual"
    flags += " --learning_rates 0.001 0.002 --dropout_rates 0.3 0.3"
    command.run(Tune, [*flags.split(), "--tune_dir", str(tmp_path)])
    ((path, settings, workers, *alone),) = calls
    assert (path, workers, alone) == (tmp_path / "mine", 2, [None, 5.0])
    assert (settings.tuner, settings.budget_seconds) == ("hyperband", 7.5)
    assert (settings.trials, settings.seed) == (9, 4)
    data = settings.base.data
    assert (data.dataset, data.storage) == ("a/b", "disk")
    assert data.data_dir == os.path.abspath("d")
    _, real = EXPERIMENTS["real"]
    assert settings.base.training == real.training
    space = settings.space
    assert (space.widths, space.depths) == ((16, 32), (1,))
    assert space.block_types == ("residual",)
    assert space.learning_rates == (0.001, 0.002)
    assert space.dropout_rates == (0.3, 0.3)


@pytest.mark.parametrize(
    "flags", [["--base", "nothing"], ["--tuner", "luck"], ["--trials", "0"]]
)
def test_bad_flags_end_in_one_sentence(calls, flags, tmp_path, capsys):
    words = [*flags, "--tune_dir", str(tmp_path)]
    name, value = flags[0].removeprefix("--"), flags[1]
    said = refusal(capsys, command.run, Tune, words)
    assert f"{name}={value}" in said
    assert not list(tmp_path.iterdir())
