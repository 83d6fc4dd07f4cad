import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from tests.tuning import stub_worker
from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.config import TrainingConfig
from tp_keras.errors import UserError
from tp_keras.tuning.search import run_search
from tp_keras.tuning.search_settings import SearchFolder
from tp_keras.tuning.search_settings import SearchSettings
from tp_keras.tuning.search_space import SearchSpace
from tp_keras.tuning.trial_result import read_results
from tp_keras.tuning.workers import _Crew
from tp_keras.tuning.workers import run_workers

ROOT = pathlib.Path(__file__).parents[2]
TINY = (
    'PortraitBackbone(block_type="separable", stem_channels=8, '
    "stages=((16, 1, 4),))"
)


def make_folder(path, plan=None, trials=4, **base):
    folder = SearchFolder(path)
    folder.claim(
        SearchSettings(
            base=ExperimentConfig(**base),
            space=SearchSpace(backbones=(TINY,)),
            tuner="hyperband",
            trials=trials,
            budget_seconds=1.0,
        )
    )
    (folder.path / stub_worker.PLAN).write_text(json.dumps(plan or {}))
    return folder


def test_a_chief_and_two_workers_share_the_trials(tmp_path):
    # One of them is killed in its trial, as for want of memory, and is back.
    folder = make_folder(tmp_path, plan={"1": "kill"}, trials=6)
    told = []
    run_workers(folder, 2, told.append, module=stub_worker.__name__)
    results = read_results(folder.path)
    assert [result.trial_id for result in results] == list("012345")
    assert all(result.is_completed for result in results)
    assert sorted(result.trial_id for result in told) == list("012345")
    # Two workers, and the one in place of the killed.
    assert len({result.parameters for result in results}) in (2, 3)
    state = json.loads((tmp_path / "oracle" / "oracle.json").read_text())
    assert sorted(state["end_order"]) == list("012345")


def test_a_worker_that_dies_again_and_again_ends_the_search(tmp_path):
    folder = make_folder(tmp_path)
    children = {
        # Breaks off at once, and the others would wait for ever.
        "worker0": "raise SystemExit('no room')",
        "worker1": "import time; time.sleep(600)",
        "chief": "import time; time.sleep(600)",
    }
    crew = _Crew(folder, 2, "unused")
    with pytest.raises(UserError) as caught:
        _run_children(crew, children)
    assert "worker0" in str(caught.value)
    assert "exit code 1, no room" in str(caught.value)
    assert all(process.poll() for process in crew.processes.values())


def test_nobody_waits_for_a_dead_chief(tmp_path):
    crew = _Crew(make_folder(tmp_path), 1, "unused")
    children = {
        "chief": "raise SystemExit('the port is taken')",
        "worker0": "import time; time.sleep(600)",
    }
    with pytest.raises(UserError, match="chief.*the port is taken"):
        _run_children(crew, children)
    assert all(process.poll() for process in crew.processes.values())


def _run_children(crew, children):
    """Runs lines of Python in the place of chief and workers."""

    def start(name):
        log = crew._log(name)
        log.parent.mkdir(exist_ok=True)
        with log.open("a") as file:
            crew.processes[name] = subprocess.Popen(
                [sys.executable, "-c", children[name]],
                stdout=file,
                stderr=file,
            )

    crew._start = start
    try:
        crew.start()
        while crew.is_working():
            time.sleep(0.01)
    finally:
        crew.dismiss()


def test_threads_are_divided(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    crew = _Crew(make_folder(tmp_path), 3, "unused")
    environment = crew._environment("worker1")
    assert environment["TF_NUM_INTRAOP_THREADS"] == "2"
    assert environment["KERASTUNER_TUNER_ID"] == "worker1"
    assert environment["KERASTUNER_ORACLE_IP"] == "127.0.0.1"


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_survives_the_command(tmp_path, ending):
    make_folder(tmp_path, trials=1000)
    code = (
        "import sys\n"
        "from tp_keras.tuning.search_settings import SearchFolder\n"
        "from tp_keras.tuning.workers import run_workers\n"
        "run_workers(SearchFolder(sys.argv[1]), 1, module=sys.argv[2])\n"
    )
    command = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), stub_worker.__name__],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    with command:
        _wait_for(lambda: len(_processes_of(tmp_path)) == 3)
        command.send_signal(ending)
    _wait_for(lambda: not _processes_of(tmp_path))


def _processes_of(path):
    """Returns the ids of living processes that have `path` as a flag."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if str(path).encode() in words:
            found.append(int(folder.name))
    return found


def _wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.large
def test_workers_train_for_real(tmp_path, tiny_data_dir):
    settings = SearchSettings(
        base=ExperimentConfig(
            data=DataConfig(
                data_dir=str(tiny_data_dir),
                dataset="tiny_portraits/synthetic_tiny",
            ),
            training=TrainingConfig(batch_size=32),
        ),
        space=SearchSpace(block_types=("separable",), widths=(16,)),
        tuner="hyperband",
        trials=3,
        budget_seconds=2.0,
    )
    folder = run_search(tmp_path / "search", settings, workers=2)
    results = read_results(folder.path)
    assert [result.status for result in results] == ["completed"] * 3
    assert all(result.latency_ms > 0 for result in results)
    assert folder.is_finished
    # It goes on alone.
    longer = SearchSettings(**{**vars(settings), "trials": 4})
    run_search(tmp_path / "search", longer)
    assert read_results(folder.path)[:3] == results
    assert len(read_results(folder.path)) == 4
