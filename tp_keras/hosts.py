"""Several hosts that train one model, each in a process of its own.

What there is already does the work: `jax.distributed` lets the processes find
each other, `keras.distribution.DataParallel` spreads batches over them. Here
is what they are told, what they tell each other, and how they end.
"""

import dataclasses
import importlib.util
import os
import pickle
import socket
import sys
import time
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tp_keras.command_line import install_command
from tp_keras.errors import UserError
from tp_keras.errors import check_range
from tp_keras.fresh_process import FreshProcess
from tp_keras.fresh_process import ProcessEnded

# Where schedulers say it: Kubeflow, Slurm, an indexed Job or JobSet of
# Kubernetes, and GKE with TPUs.
_COUNTS = ("JAX_NUM_PROCESSES", "SLURM_NTASKS")
_INDICES = (
    *("JAX_PROCESS_ID", "SLURM_PROCID"),
    *("JOB_COMPLETION_INDEX", "TPU_WORKER_ID"),
)
_COORDINATOR = "JAX_COORDINATOR_ADDRESS"
_HOST_NAMES = "TPU_WORKER_HOSTNAMES"
_PORT = 8476

# Between the first host's refusal of something and that of the last one.
_GRACE_SECONDS = 3.0

# What libraries say of a connection that broke.
_SIGNS_OF_LOSS = ("Gloo", "coordination service", "distributed service")


@dataclasses.dataclass(frozen=True)
class HostsConfig:
    """Which hosts train together, and which of them this one is."""

    hosts: int = 1
    """Hosts that train together, each by this command with its own
    --host_index, on JAX; 0: as many as Slurm, Kubeflow or GKE tell in the
    environment."""
    host_index: int | None = None
    """Number of this host, from 0; the first one writes the run folder. By
    default as Slurm, Kubernetes or GKE tell in the environment."""
    coordinator: str = ""
    """HOST:PORT by which all reach the first host; also from the
    environment."""
    host_timeout: int = 60
    """Seconds to wait for the other hosts, and after which a silent one counts
    as lost."""

    def __post_init__(self):
        check_range(self, hosts=(0, 100_000), host_timeout=(1, 86_400))

    def settled(self, environment: Mapping[str, str]) -> "HostsConfig":
        """Returns the settings with what the environment adds to them.

        Raises:
            UserError: If something is missing, or doesn't fit.
        """
        names = environment.get(_HOST_NAMES, "").split(",")
        names = [name for name in names if name]
        count, index = self.hosts, self.host_index
        if count == 0:
            count = _number(environment, _COUNTS) or len(names)
            if not count:
                raise UserError(
                    "The environment doesn't tell how many hosts there are. "
                    f"Expected {', '.join(_COUNTS)} or {_HOST_NAMES}, or "
                    "--hosts N. Received: hosts=0"
                )
        if index is None:
            index = _number(environment, _INDICES)
        if count > 1 and index is None:
            raise UserError(
                "Expected --host_index, the number of this host from 0, or one "
                f"of {', '.join(_INDICES)} in the environment. "
                f"Received: hosts={count}"
            )
        index = index or 0
        if index not in range(count):
            raise UserError(
                f"Expected a host index from 0 to {count - 1}. "
                f"Received: host_index={index}, hosts={count}"
            )
        coordinator = self.coordinator or environment.get(_COORDINATOR, "")
        if names and not coordinator:
            coordinator = f"{names[0]}:{_PORT}"
        # Of Slurm's list of hosts JAX takes the first by itself.
        if count > 1 and not (coordinator or "SLURM_JOB_ID" in environment):
            raise UserError(
                "Expected --coordinator HOST:PORT, by which all reach the "
                f"first host. Received: hosts={count}, coordinator=''"
            )
        _, colon, port = coordinator.rpartition(":")
        if coordinator and not (colon and port.isdecimal()):
            raise UserError(
                "Expected a coordinator HOST:PORT. "
                f"Received: coordinator={coordinator}"
            )
        return HostsConfig(count, index, coordinator, self.host_timeout)


def _number(environment, names) -> int | None:
    """Returns the number that the first of some variables holds, if any."""
    for name in names:
        value = environment.get(name)
        if value is not None:
            if not value.isdecimal():
                raise UserError(
                    f"Expected a number in the variable {name}. "
                    f"Received: {name}={value}"
                )
            return int(value)
    return None


class Place(NamedTuple):
    """Which of how many hosts this process is."""

    index: int
    count: int


_place = Place(0, 1)


def place() -> Place:
    """Returns which of how many hosts this process is; alone, 0 of 1."""
    return _place


def run_as_host(hosts: HostsConfig, function, *arguments):
    """Calls a function in a process that is one of several hosts.

    A process of its own, as the libraries end it without a word to Python
    where another host is lost.

    Args:
        hosts: What `HostsConfig.settled` returned, of two hosts or more.
        function: Called when all hosts are there.
        *arguments: What it is called with; all of it can be pickled.

    Raises:
        UserError: If not all hosts come, or one is lost, within the time.
    """
    backend = os.environ.get("KERAS_BACKEND", "")
    if backend != "jax":
        raise UserError(
            "Several hosts train together on JAX. Expected KERAS_BACKEND=jax "
            f"before the command. Received: KERAS_BACKEND={backend}"
        )
    if importlib.util.find_spec("jax") is None:
        raise UserError(
            "Several hosts train together on JAX, which is not installed. "
            f"Expected `{install_command('jax')}`. Received: hosts="
            f"{hosts.hosts}"
        )
    _check_own_name(hosts)
    process = FreshProcess()
    try:
        try:
            process.call(_enter, hosts)
        except ProcessEnded as error:
            raise UserError(
                f"Not all of {hosts.hosts} hosts have met at "
                f"{hosts.coordinator or 'the first of the job'} within "
                f"{hosts.host_timeout} seconds. Expected the same command on "
                "each, with its own --host_index, and a port that is free on "
                "the first and open to all; --host_timeout waits longer. "
                f"Received: host_index={hosts.host_index}"
            ) from error
        try:
            result = process.call(_call, function, *arguments)
        except ProcessEnded as error:
            raise _lost(hosts.host_index) from error
        process.close()  # It waits for the others to end, too.
        return result
    except BaseException as error:
        if isinstance(error, UserError):
            # The others may be about to say the same.
            time.sleep(_GRACE_SECONDS)
        # Else it would wait for hosts that will never come.
        process.kill()
        raise


def _check_own_name(hosts):
    """Raises if the others would be told to reach this host at themselves.

    JAX's collectives between processors give them what the host's own name
    stands for, whatever address the coordinator has.
    """
    name = socket.gethostname()
    first = hosts.coordinator.rpartition(":")[0]
    try:
        own, met = map(socket.gethostbyname, (name, first or name))
    except OSError as error:
        raise UserError(
            f"Expected names of hosts that this one can resolve, {name} and "
            f"{first}. Received: {error}"
        ) from error
    loopback = "127."
    if own.startswith(loopback) and first and not met.startswith(loopback):
        raise UserError(
            "The other hosts can't reach this one: they are told the address "
            f"that its own name {name} stands for, {own}. Expected that of the "
            f"network, as a line `ADDRESS {name}` in /etc/hosts. "
            f"Received: {own} {name}"
        )


def _lost(index) -> UserError:
    """Returns what is said where others don't answer any more."""
    return UserError(
        "Another host has ended or can't be reached, and what it said last "
        "tells why; or the memory of this one was full. Expected all hosts to "
        "the end; the same commands resume the training. "
        f"Received: host_index={index}, now without the others"
    )


def _enter(hosts):
    """Makes this process one of several hosts."""
    global _place
    # Bars of progress go there, and what libraries say is kept out.
    sys.stderr = sys.stdout
    import jax
    import keras

    jax.distributed.initialize(
        hosts.coordinator or None,
        hosts.hosts,
        hosts.host_index,
        initialization_timeout=hosts.host_timeout,
        heartbeat_timeout_seconds=hosts.host_timeout,
        shutdown_timeout_seconds=hosts.host_timeout,
    )
    _place = Place(hosts.host_index, hosts.hosts)
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(auto_shard_dataset=False)
    )


def _call(function, *arguments):
    """Calls a function, and tells of a lost host in our words."""
    try:
        return function(*arguments)
    except UserError:
        raise
    except Exception as error:
        if any(sign in str(error) for sign in _SIGNS_OF_LOSS):
            raise _lost(_place.index) from None
        raise


def work_alone() -> None:
    """Lets what follows be computed by each host for itself."""
    if _place.count > 1:
        import keras

        keras.distribution.set_distribution(None)


def exchange(value) -> list:
    """Returns what each host gives, in their order.

    Args:
        value: Anything that can be pickled.
    """
    if _place.count == 1:
        return [value]
    from jax.experimental import multihost_utils

    own = np.frombuffer(pickle.dumps(value), np.uint8)
    sizes = multihost_utils.process_allgather(np.int64(len(own)))
    padded = np.zeros(int(sizes.max()), np.uint8)
    padded[: len(own)] = own
    found = np.asarray(multihost_utils.process_allgather(padded))
    return [
        pickle.loads(row[:size].tobytes())
        for row, size in zip(found, sizes, strict=True)
    ]


def check_agreement(facts: Mapping[str, object]) -> None:
    """Raises if hosts differ in something that must be the same.

    Args:
        facts: Name -> anything with an equal and a text.

    Raises:
        UserError: If a fact differs; on every host.
    """
    everyone = exchange(dict(facts))
    for name in everyone[0]:
        for index, other in enumerate(everyone):
            if other[name] != everyone[0][name]:
                raise UserError(
                    f"Expected hosts with the same {name}. Received: "
                    f"{everyone[0][name]} on host 0, {other[name]} on host "
                    f"{index}"
                )


def fill_rows(values: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Returns an array of which each host has filled some rows, filled.

    Args:
        values: Array `[count, ...]`.
        own: int `[n]`, the rows that this host has filled.
    """
    for rows, filled in exchange((own, values[own])):
        values[rows] = filled
    return values
