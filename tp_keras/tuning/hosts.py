"""A chief that gives out trials, and workers on any host that ask for them.

The parts are given as keras-tuner has them, and so is the transport, gRPC. Its
messages are not: a lost worker has no place in them, nor have the figures of a
trial; and its chief waits for a lost worker for ever.
"""

import concurrent.futures
import contextlib
import dataclasses
import functools
import json
import os
import socket
import threading
from collections.abc import Iterator
from collections.abc import Mapping

import grpc

from tp_keras.errors import UserError
from tp_keras.tuning.trials import Trials

_NAMES = (
    *("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP"),
    "KERASTUNER_ORACLE_PORT",
)
_SERVICE = "tp_keras.Trials"
_METHODS = (
    *("check_settings", "check_data"),
    *("take", "sign", "end", "give_back"),
)

_NO_ANSWER = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
)

# Signs of a worker within the patience of the chief.
_SIGNS = 6

# A free port, of this machine alone.
HERE = "127.0.0.1:0"


@dataclasses.dataclass(frozen=True)
class Host:
    """The part of this process: its name, and where the chief listens."""

    name: str
    address: str

    @property
    def is_chief(self) -> bool:
        """Whether it gives out the trials; by its name, as in keras-tuner."""
        return "chief" in self.name


def read_host(environment: Mapping[str, str] = os.environ) -> Host | None:
    """Returns the part that the environment tells; None: it is alone.

    Raises:
        UserError: If it tells half of it.
    """
    given = {name: environment.get(name, "") for name in _NAMES}
    if not any(given.values()):
        return None
    name, ip, port = given.values()
    if not all((name, ip, port.isdecimal())) or int(port) > 65_535:
        told = ", ".join(f"{key}={value!r}" for key, value in given.items())
        raise UserError(
            "Expected a search on several hosts to be told by all of "
            f"{', '.join(_NAMES)} (a name, `chief` or another; the address of "
            f"the chief; a port), or by none. Received: {told}"
        )
    return Host(name, f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}")


def worker_name(name: str) -> str:
    """Returns a name that no other process has, whoever is called likewise."""
    return f"{name}@{socket.gethostname()}:{os.getpid()}"


class Chief:
    """Answers workers at an address, as long as it is open."""

    def __init__(self, trials: Trials, address: str):
        self._trials, self._fault = trials, None
        # One thread, as keras-tuner has it: after an error the lock of an
        # oracle stays closed to all others.
        pool = concurrent.futures.ThreadPoolExecutor(1)
        # Else a second chief would share the port, and the workers.
        options = [("grpc.so_reuseport", 0)]
        self._server = grpc.server(pool, options=options)
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                functools.partial(self._answer, getattr(trials, name)),
                request_deserializer=json.loads,
                response_serializer=_to_bytes,
            )
            for name in _METHODS
        }
        handler = grpc.method_handlers_generic_handler(_SERVICE, handlers)
        self._server.add_generic_rpc_handlers((handler,))
        try:
            port = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise UserError(
                "The chief can't listen there. Expected an address of this "
                "host and a port that is free, by KERASTUNER_ORACLE_IP and "
                f"KERASTUNER_ORACLE_PORT. Received: {address}"
            ) from error
        self.address = f"{address.rpartition(':')[0]}:{port}"

    def __enter__(self):
        self._server.start()
        return self

    def __exit__(self, *exception):
        # A little time to hear that there is nothing more to do.
        self._server.stop(grace=1.0).wait()

    def look(self) -> bool:
        """Returns whether all is done; raises what kept it from an answer."""
        if self._fault is not None:
            raise self._fault
        return self._trials.is_done

    def _answer(self, method, request, context):
        try:
            # None would count as a message that can't be read.
            return method(**request) or {}
        except UserError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        except OSError as error:  # A full disk ends the search.
            self._fault = error
            context.abort(grpc.StatusCode.ABORTED, str(error))


class RemoteTrials:
    """The `Trials` of a chief, for one worker.

    Raises:
        UserError: From each method, if the chief refuses, or gives no answer
            within `patience` seconds.
    """

    def __init__(self, address: str, patience: float):
        self._address, self._patience = address, patience
        self._channel = grpc.insecure_channel(
            address,
            options=[
                # A chief may come late, or be started again.
                ("grpc.max_reconnect_backoff_ms", 1_000),
                # What goes to a host beside this one goes straight there.
                ("grpc.enable_http_proxy", 0),
            ],
        )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._channel.close()

    def __getattr__(self, name):
        if name in _METHODS:
            return functools.partial(self._ask, name)
        raise AttributeError(name)

    @contextlib.contextmanager
    def at_work(self, worker: str, trial_id: str) -> Iterator[None]:
        """Gives signs of a worker during its trial."""
        ended = threading.Event()

        def give_signs():
            while not ended.wait(self._patience / _SIGNS):
                # The end of the trial waits for the chief, too.
                with contextlib.suppress(UserError):
                    self.sign(worker=worker, trial_id=trial_id)

        thread = threading.Thread(target=give_signs, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()

    def _ask(self, method, **request):
        call = self._channel.unary_unary(
            f"/{_SERVICE}/{method}",
            request_serializer=_to_bytes,
            response_deserializer=json.loads,
        )
        try:
            return call(
                request,
                timeout=self._patience,
                # Who ends for want of an answer doesn't wait for another.
                wait_for_ready=method != "give_back",
            )
        except grpc.RpcError as error:
            if error.code() not in _NO_ANSWER:
                raise UserError(error.details()) from error
            raise UserError(
                f"The chief of the search gave no answer within "
                f"{self._patience:g} seconds. Expected one at "
                f"{self._address}, started by the same command with "
                "KERASTUNER_TUNER_ID=chief, that isn't at its end. Received: "
                f"{error.code().name}, {error.details()}"
            ) from error


def _to_bytes(values):
    return json.dumps(values).encode()
