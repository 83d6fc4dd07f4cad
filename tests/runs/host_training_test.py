"""Real processes in two network namespaces, which stand for two hosts."""

import csv
import os
import pathlib
import subprocess
import sys
import time

import numpy as np
import pytest

from benchmarks.namespaces import hosts
from tests.portrait_factory import make_portraits
from tp_keras.runs.run_folder import RunFolder

pytestmark = pytest.mark.large

ROOT = pathlib.Path(__file__).parents[2]

SMALL = (
    *("--backbone", "portrait_xs", "--averaging", "0.9", "--shards", "4"),
    *("--train_split", "train[:128]", "--validation_split", "validation[:37]"),
    *("--batch_size", "32", "--epochs", "3"),
)
# So small that rounding isn't spread: at the usual rate one process on one
# core is as far from one on two cores as two hosts are.
CALM = ("--learning_rate", "1e-5", "--warmup_epochs", "0")

ONE = ("--dataset", "tiny_portraits/synthetic_tiny")
BOTH = (
    *("--dataset", "tiny_portraits/synthetic_tiny", "utk_face/synthetic_tiny"),
    *("--mixing", "0.5"),
)
# Guarded layers and erasers are fitted afterwards, which spreads rounding: of
# these the models before are compared.
DEBIASED = (*ONE, "--debias", "grl", "--posthoc", "leace")
GENERATED = (
    *(*ONE, "--train_split", "train[:128]", "--shards", "4"),
    *("--validation_split", "validation[:37]", "--batch_size", "16"),
    *("--half_epochs", "1", "--full_epochs", "1", "--encoder_epochs", "1"),
    *("--warmup_epochs", "0", "--passes_per_epoch", "4"),
    *("--encoder_channels", "8", "16", "--decoder_channels", "16", "8", "8"),
    *("8", "--critic_channels", "8", "8", "--beta", "0"),
)


@pytest.fixture(scope="module")
def network():
    with hosts(2) as found:
        yield found


def start(command, network, data_dir, run_dir, flags, count, own=()):
    """Starts a training on hosts, every second one on the second host."""
    (first, address), (second, _) = network
    return [
        subprocess.Popen(
            [
                *(second if index % 2 else first),
                *(sys.executable, "-m", *command, *flags),
                *("--data_dir", data_dir, "--run_dir", run_dir),
                *("--hosts", str(count), "--host_index", str(index)),
                *("--coordinator", f"{address}:8476"),
                *(own if index else ()),
            ],
            cwd=ROOT,
            env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for index in range(count)
    ]


def train(*args, expected=0, **kwargs):
    """What every host has said, when all have ended."""
    processes = start(*args, **kwargs)
    said = [process.communicate()[0] for process in processes]
    codes = [process.returncode for process in processes]
    assert codes == [expected] * len(codes), "\n".join(said)
    return said


def read_history(path):
    with (path / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(v) for v in row.values() if v] for row in rows])


def first_row(path):
    with path.open(newline="") as file:
        return next(csv.DictReader(file))


def answers(path):
    images = make_portraits(24, seed=9).images
    run = RunFolder(path)
    model = run.load_model(
        run.trained_path if run.trained_path.exists() else None
    )
    return model.predict_answers(images, verbose=0)


@pytest.mark.parametrize(
    "flags",
    [ONE, BOTH, DEBIASED],
    ids=["plain", "joint", "debiased"],
)
def test_any_number_of_hosts_learns_the_same(
    flags, network, two_data_sets, tmp_path
):
    histories, found, flags = [], [], (*SMALL, *CALM, *flags)
    for count in (1, 2, 4):
        path = tmp_path / str(count)
        said = train(
            ("training.train", "demo"),
            *(network, two_data_sets, path, flags, count),
        )
        assert "Next: " in said[0]
        assert all("is done" in other for other in said[1:])
        histories.append(read_history(path))
        found.append(answers(path))
    for history, other in zip(histories[1:], found[1:], strict=True):
        np.testing.assert_allclose(history, histories[0], rtol=0, atol=1e-5)
        for task, expected in found[0].items():
            np.testing.assert_allclose(other[task], expected, atol=1e-4)


def test_hosts_train_a_generator(network, two_data_sets, tmp_path):
    eyes = tmp_path / "eyes"
    split = (*ONE, "--train_split", "train[:128]", "--epochs", "1")
    own = ("--validation_split", "validation[:37]", "--backbone", "portrait_xs")
    command = ("training.train", "demo")
    train(command, network, two_data_sets, eyes, (*split, *own), count=1)
    flags = (*GENERATED, "--classifier_run", str(eyes))
    for count in (1, 2):
        path = tmp_path / str(count)
        train(
            ("training.train_vae", "smoke"),
            *(network, two_data_sets, path, flags, count),
        )
    # Critics spread rounding at once; what doesn't look through them doesn't.
    # (The KL weighs nothing here, so nothing keeps it where it is.)
    for file, names in (
        ("history.csv", ("attribute",)),
        ("encoder_history.csv", ("feature", "colour")),
    ):
        one, two = (first_row(tmp_path / count / file) for count in "12")
        for name in names:
            found, expected = (float(row[f"val_{name}"]) for row in (two, one))
            np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_a_lost_host_ends_the_others_and_all_resume(
    network, two_data_sets, tmp_path
):
    flags, command = (*SMALL, *ONE), ("training.train", "demo")
    place = (network, two_data_sets)
    train(command, *place, tmp_path / "whole", flags, 2)
    path = tmp_path / "resumed"
    hosts = start(command, *place, path, flags, 2)
    while not (path / "backup" / "epoch-00001").exists():
        time.sleep(0.1)
    subprocess.run(["pkill", "-KILL", "-P", str(hosts[1].pid)], check=True)
    hosts[1].kill()
    hosts[1].communicate()
    begin = time.monotonic()
    said, _ = hosts[0].communicate()
    assert hosts[0].returncode == 2 and "Another host has ended" in said
    assert "Traceback" not in said and time.monotonic() - begin < 60
    said = train(command, *place, path, flags, 2)
    assert "Resuming after epoch" in said[0]
    np.testing.assert_array_equal(
        read_history(path), read_history(tmp_path / "whole")
    )
    whole = RunFolder(tmp_path / "whole").load_model().get_weights()
    resumed = RunFolder(path).load_model().get_weights()
    for a, b in zip(resumed, whole, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (("--batch_size", "64"), "batch_size: 32 against 64"),
        (("--data_dir", "{}/utk_face/synthetic_tiny/1.0.0"), "same data set"),
    ],
    ids=["settings", "data"],
)
def test_hosts_that_differ_are_refused(
    own, said, network, two_data_sets, tmp_path
):
    own = [word.format(two_data_sets) for word in own]
    found = train(
        ("training.train", "demo"),
        *(network, two_data_sets, tmp_path / "run", (*SMALL, *ONE), 2),
        own=own,
        expected=2,
    )
    assert all(said in one and "Traceback" not in one for one in found)
    assert not (tmp_path / "run").exists()


def test_nobody_answers(network, two_data_sets, tmp_path):
    flags = (*SMALL, *ONE, "--host_timeout", "5")
    first, second = start(
        ("training.train", "demo"),
        *(network, two_data_sets, tmp_path / "run", flags, 2),
    )
    first.kill()
    first.communicate()
    said, _ = second.communicate()
    assert second.returncode == 2
    assert "Not all of 2 hosts have met at 10.77.0.1:8476 within 5" in said
