import pytest

from tp_keras import hosts
from tp_keras.errors import UserError
from tp_keras.hosts import HostsConfig


@pytest.mark.parametrize(
    ("flags", "environment", "expected"),
    [
        ({}, {}, (1, 0, "")),
        (
            {"hosts": 2, "host_index": 1, "coordinator": "10.0.0.1:8476"},
            # Flags come first.
            {"JOB_COMPLETION_INDEX": "0", "JAX_COORDINATOR_ADDRESS": "a:1"},
            (2, 1, "10.0.0.1:8476"),
        ),
        (
            {"hosts": 4, "coordinator": "faces-0-0.faces:8476"},
            {"JOB_COMPLETION_INDEX": "3"},
            (4, 3, "faces-0-0.faces:8476"),
        ),
        (
            {"hosts": 0},
            {
                "JAX_NUM_PROCESSES": "2",
                "JAX_PROCESS_ID": "1",
                "JAX_COORDINATOR_ADDRESS": "faces-0:6666",
            },
            (2, 1, "faces-0:6666"),
        ),
        (
            {"hosts": 0},
            {"SLURM_NTASKS": "8", "SLURM_PROCID": "5", "SLURM_JOB_ID": "7"},
            (8, 5, ""),
        ),
        (
            {"hosts": 0},
            {"TPU_WORKER_HOSTNAMES": "tpu-a,tpu-b", "TPU_WORKER_ID": "1"},
            (2, 1, "tpu-a:8476"),
        ),
        ({"hosts": 0}, {"SLURM_NTASKS": "1"}, (1, 0, "")),
    ],
    ids=["alone", "flags", "JobSet", "Kubeflow", "Slurm", "GKE", "one task"],
)
def test_flags_and_environment_tell_the_place(flags, environment, expected):
    found = HostsConfig(**flags).settled(environment)
    assert (found.hosts, found.host_index, found.coordinator) == expected


@pytest.mark.parametrize(
    ("flags", "environment", "said"),
    [
        ({"hosts": 0}, {}, "doesn't tell how many hosts"),
        ({"hosts": 2}, {}, "Expected --host_index"),
        ({"hosts": 2, "host_index": 0}, {}, "Expected --coordinator HOST:PORT"),
        ({"hosts": 2, "host_index": 2}, {}, "from 0 to 1.*host_index=2"),
        ({"hosts": 2}, {"SLURM_PROCID": "x"}, "SLURM_PROCID=x"),
        (
            {"hosts": 2, "host_index": 0, "coordinator": "first"},
            {},
            "Received: coordinator=first",
        ),
    ],
    ids=["count", "index", "coordinator", "range", "variable", "port"],
)
def test_what_is_missing_is_one_sentence(flags, environment, said):
    with pytest.raises(UserError, match=said):
        HostsConfig(**flags).settled(environment)


def test_other_backends_than_jax_are_refused(monkeypatch):
    settings = HostsConfig(2, 0, "127.0.0.1:1")
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    with pytest.raises(UserError, match="KERAS_BACKEND=tensorflow"):
        hosts.run_as_host(settings, print)


def test_what_differs_between_hosts_is_named(monkeypatch):
    hosts.check_agreement({"version of keras": "3.15.1"})
    told = [{"a": 1, "data": "x"}, {"a": 1, "data": "x"}, {"a": 1, "data": "y"}]
    monkeypatch.setattr(hosts, "exchange", lambda facts: told)
    with pytest.raises(UserError, match="same data.*x on host 0, y on host 2"):
        hosts.check_agreement(told[0])
