"""One training by several hosts, of which the first writes the run folder."""

import dataclasses
import io
import pathlib
import platform
import tarfile
import tempfile
from importlib import metadata

import tp_keras
from tp_keras import hosts
from tp_keras.config import FREE_FIELDS
from tp_keras.config import config_differences
from tp_keras.errors import UserError

# What a training goes on from. Others are for the eye.
_STATE = (
    *("config.json", "run.json", "history.csv"),
    *("model.keras", "trained.keras", "backup"),
)

_PACKAGES = ("jax", "keras", "tensorflow", "tensorflow-datasets", "numpy")


def fit_on_hosts(fit, config, settings: hosts.HostsConfig):
    """Trains as one of several hosts, or goes on where all were stopped.

    Args:
        fit: Function of settings and `progress` that trains and returns the
            run's folder; found by its name in another process.
        config: The settings, the same on every host but for places.
        settings: Settled `HostsConfig`, of two hosts or more.

    Returns:
        The run's folder on the first host, None on the others.

    Raises:
        UserError: If a host is missing, lost, or differs from the others.
    """
    return hosts.run_as_host(settings, _fit, fit, config)


def _fit(fit, config):
    """Trains in a process that is one of several hosts."""
    _check_hosts(config)
    index, count = hosts.place()
    path = pathlib.Path(config.run_dir)
    (state, *_) = hosts.exchange(None if index else _pack(path))
    if index == 0:
        print(f"Host 0 of {count}; the others follow.", flush=True)
        return fit(config)
    # All do the same, each in a folder of its own, and these are discarded.
    with tempfile.TemporaryDirectory() as folder:
        run_dir = pathlib.Path(folder) / "run"
        _unpack(state, run_dir)
        print(f"Host {index} of {count}; the first one tells more.", flush=True)
        fit(dataclasses.replace(config, run_dir=str(run_dir)), progress=False)
    print(f"Host {index} of {count} is done.", flush=True)
    return None


def _check_hosts(config):
    """Raises if hosts have other versions or settings."""
    facts = {f"version of {n}": metadata.version(n) for n in _PACKAGES}
    facts["version of tp_keras"] = tp_keras.__version__
    facts["version of python"] = platform.python_version()
    hosts.check_agreement(facts)
    first, *others = hosts.exchange(config)
    for index, other in enumerate(others, start=1):
        if differences := config_differences(first, other, FREE_FIELDS):
            raise UserError(
                "Expected the same settings on all hosts. Received (of host 0 "
                f"against host {index}): {'; '.join(differences)}"
            )


def _pack(path: pathlib.Path) -> bytes:
    """Returns the state of a run as an archive, an empty one of a new run."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name in _STATE:
            if (path / name).exists():
                archive.add(path / name, name)
    return file.getvalue()


def _unpack(state: bytes, path: pathlib.Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(state)) as archive:
        archive.extractall(path, filter="data")
