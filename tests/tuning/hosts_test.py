"""Chief and workers by their environment, on one machine for several."""

import concurrent.futures
import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from tqdm import tqdm

from tests.printed_commands import refusal
from tests.tuning.results import make_result
from tp_keras.config import ExperimentConfig
from tp_keras.errors import UserError
from tp_keras.tuning import hosts
from tp_keras.tuning.hosts import HERE
from tp_keras.tuning.hosts import Chief
from tp_keras.tuning.hosts import Host
from tp_keras.tuning.hosts import RemoteTrials
from tp_keras.tuning.hosts import read_host
from tp_keras.tuning.search_settings import SearchFolder
from tp_keras.tuning.search_settings import SearchSettings
from tp_keras.tuning.search_space import SearchSpace
from tp_keras.tuning.trial import read_results
from tp_keras.tuning.trials import Trials
from training.command import run
from training.tune import Tune

SETTINGS = SearchSettings(ExperimentConfig(), SearchSpace(), trials=1)


def told(name="", ip="", port=""):
    values = {
        "KERASTUNER_TUNER_ID": name,
        "KERASTUNER_ORACLE_IP": ip,
        "KERASTUNER_ORACLE_PORT": port,
    }
    return {key: value for key, value in values.items() if value}


def test_the_environment_tells_the_part():
    assert read_host({}) is None
    assert read_host(told("chief", "10.0.0.1", "8000")) == Host(
        "chief", "10.0.0.1:8000"
    )
    worker = read_host(told("w1", "fd00::1", "8000"))
    assert worker.address == "[fd00::1]:8000"
    assert not worker.is_chief


@pytest.mark.parametrize(
    "half",
    [
        told("chief"),
        told("chief", "10.0.0.1"),
        told(ip="10.0.0.1", port="8000"),
        told("w1", "10.0.0.1", "http"),
        told("w1", "10.0.0.1", "65536"),
    ],
)
def test_half_of_it_is_refused(half):
    with pytest.raises(UserError, match="by all of KERASTUNER.*Received"):
        read_host(half)


@pytest.mark.parametrize(
    "flags", [["--workers", "2"], ["--patience_seconds", "0"]]
)
def test_a_worker_is_one_process_and_has_patience(flags, monkeypatch, capsys):
    for key, value in told("w1", "127.0.0.1", "1").items():
        monkeypatch.setenv(key, value)
    name = flags[0].removeprefix("--")
    assert f"Received: {name}=" in refusal(capsys, run, Tune, flags)


@pytest.fixture
def chief(tmp_path):
    folder = SearchFolder(tmp_path / "search")
    folder.claim(SETTINGS)
    with Chief(Trials(folder, tqdm(disable=True)), HERE) as chief:
        yield chief


@pytest.fixture
def trials(chief):
    with RemoteTrials(chief.address, 10.0) as trials:
        yield trials


def test_what_is_told_arrives_as_it_is(chief, trials, tmp_path):
    trials.check_settings(settings=dataclasses.asdict(SETTINGS))
    trials.check_data(fingerprints={"train": "a", "validation": "b"})
    taken = trials.take(worker="w")
    assert taken["values"]["learning_rate"] > 0
    result = make_result(taken["trial_id"], score=0.1 + 0.2)
    with trials.at_work("w", taken["trial_id"]):
        trials.end(worker="w", result=dataclasses.asdict(result))
    assert not chief.look()
    assert trials.take(worker="w") == {"status": "STOPPED"}
    assert chief.look()
    expected = dataclasses.replace(result, worker="w")
    assert read_results(tmp_path / "search") == [expected]


def test_another_search_or_other_portraits_are_refused(trials):
    other = dataclasses.replace(SETTINGS, budget_seconds=5.0)
    with pytest.raises(UserError, match="budget_seconds: 60.0 against 5.0"):
        trials.check_settings(settings=dataclasses.asdict(other))
    trials.check_data(fingerprints={"train": "a"})
    with pytest.raises(UserError, match="other portraits"):
        trials.check_data(fingerprints={"train": "b"})
    with pytest.raises(UserError, match="of this search"):
        result = dataclasses.asdict(make_result("7"))
        trials.end(worker="w", result=result)


def test_signs_are_given_as_long_as_a_trial_runs(trials, monkeypatch):
    signs = []
    monkeypatch.setattr(trials, "_ask", lambda *a, **values: signs.append(a))
    monkeypatch.setattr(hosts, "_SIGNS", 1_000)
    with trials.at_work("w", "0"):
        deadline = time.monotonic() + 10
        while len(signs) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    time.sleep(0.05)
    count = len(signs)
    time.sleep(0.05)
    assert len(signs) == count


def test_a_chief_that_is_silent_is_told_in_time():
    with socket.socket() as silent, socket.socket() as closed:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        closed.bind(("127.0.0.1", 0))
        for one in (silent, closed):
            address = f"127.0.0.1:{one.getsockname()[1]}"
            with (
                RemoteTrials(address, 0.2) as trials,
                pytest.raises(UserError, match="no answer within 0.2 seconds"),
            ):
                trials.take(worker="w")
    with RemoteTrials(address, 60.0) as trials:
        start = time.monotonic()
        with pytest.raises(UserError):
            trials.give_back(worker="w")
        assert time.monotonic() - start < 30.0


def test_a_second_chief_at_an_address_is_refused(chief, tmp_path):
    with pytest.raises(UserError, match="can't listen there"):
        Chief(chief._trials, chief.address)


def test_a_full_disk_ends_the_chief(chief, trials, monkeypatch):
    def fill(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("tp_keras.tuning.oracle.write_json", fill)
    with pytest.raises(UserError, match="No space"):
        trials.take(worker="a")
    # The others needn't wait for ever.
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        taken = pool.map(lambda name: trials.take(worker=name), "bcdefghi")
    assert [*taken] == [{"status": "IDLE"}] * 8
    with pytest.raises(OSError, match="No space"):
        chief.look()


@pytest.fixture
def start(tmp_path, tiny_data_dir):
    """Starts a process of a search at an address of its own."""
    words = (
        f"--base demo --budget_seconds 1 --trials 2 --patience_seconds 20 "
        f"--data_dir {tiny_data_dir} --dataset tiny_portraits/synthetic_tiny "
        f"--block_types separable --widths 16 --name search --tune_dir"
    )

    def start(name):
        process = subprocess.Popen(
            [sys.executable, "-m", "training.tune", *words.split()]
            + [tmp_path / name],
            # An address that no other test has.
            env={**os.environ, **told(name, "127.0.0.2", "18765")},
            stdout=stack.enter_context((tmp_path / f"{name}.txt").open("w")),
            stderr=subprocess.STDOUT,
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        return process

    with contextlib.ExitStack() as stack:
        yield start


@pytest.mark.large
def test_a_search_outlives_a_worker(start, tmp_path):
    """Two workers, of which one is killed in its trial, and one that joins."""
    chief, lost = start("chief"), start("lost")
    folder = SearchFolder(tmp_path / "chief" / "search")
    begun = tmp_path / "lost" / "search" / "trials"
    wait_until(begun.exists, lost)
    lost.send_signal(signal.SIGKILL)
    (trial_id,) = os.listdir(begun)
    joined = start("joined")
    codes = [one.wait(timeout=1_200) for one in (chief, joined)]
    said, last = (
        (tmp_path / f"{name}.txt").read_text() for name in ("chief", "joined")
    )
    assert codes == [0, 0], said + last
    results = read_results(folder.path)
    assert [result.status for result in results] == ["completed"] * 2
    assert trial_id in {result.trial_id for result in results}
    assert {r.worker.split("@")[0] for r in results} == {"joined"}
    assert "No sign of worker lost@" in said
    # No folder was shared: figures reach the chief, and runs don't.
    assert "Its run is with the worker joined@" in said
    assert (folder.path / "front.png").exists()
    assert not list(folder.path.glob("trials/*/run"))
    assert "The search is over" in last


def wait_until(is_so, process):
    deadline = time.monotonic() + 300
    while not is_so():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
