"""Spreads requests over two replicas behind nginx, one of which is killed.

python -m benchmarks.replicas --bundles exported_models

nginx has the `balancer.conf` that an export writes; names and ports of this
machine take the place of Docker's. Two `training.serve` in network namespaces
of their own, which speak TensorFlow Serving's REST API, stand for TensorFlow
Serving: that takes Linux, and the rights of its administrator. A dead replica
keeps its name here, which is harder than with Docker.
"""

import collections
import concurrent.futures
import contextlib
import dataclasses
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

from benchmarks.namespaces import hosts
from benchmarks.tables import print_markdown
from tp_keras.command_line import command_line
from tp_keras.command_line import process_words
from tp_keras.errors import UserError
from tp_keras.serving import Client
from tp_keras.serving import find_bundle
from tp_keras.serving import read_metadata
from tp_keras.serving.server_files import server_files
from training.command import run

_HEADER = (
    *("replicas", "requests", "answered", "by the first", "by the other"),
    *("asked twice", "requests/s", "p50 ms", "p99 ms"),
)


@dataclasses.dataclass(frozen=True)
class Replicas:
    """Prints how requests are spread, and that a killed replica costs none."""

    bundles: str = "exported_models"
    """Folder of the bundles."""
    model: str = "portrait_attributes"
    """Name of the bundle that is asked."""
    clients: int = 8
    """Requests at once."""
    requests: int = 2000
    """Requests of each row."""

    def execute(self) -> None:
        """Starts servers and balancer, asks them, and prints the table."""
        metadata = read_metadata(
            find_bundle(pathlib.Path(self.bundles, self.model))
        )
        shape = tuple(metadata["schema"]["image_shape"])
        noise = np.random.default_rng(0).integers(0, 256, (1, *shape))
        portrait = noise.astype(np.uint8)
        port = free_port()
        with contextlib.ExitStack() as stack:
            replicas = stack.enter_context(hosts(2))
            servers = [
                stack.enter_context(self._server(*host, port))
                for host in replicas
            ]
            addresses = [address for _, address in replicas]
            url, log = stack.enter_context(balanced(addresses, port))
            client = Client(url, self.model)

            def row(name, count, on_answer=lambda count: None):
                times, seconds = self._ask(count, client, portrait, on_answer)
                return _row(name, count, times, seconds, log, addresses)

            def kill(count):
                if count == self.requests // 3:
                    servers[0].kill()

            row("", self.clients * 4)  # The first ones load.
            rows = [row("both", self.requests)]
            rows.append(row("the first is killed", self.requests, kill))
            rows.append(row("the other alone", self.requests))
            stack.enter_context(self._server(*replicas[0], port))
            rows.append(row("the first is back", self.requests))
        print_markdown(_HEADER, rows)

    def _ask(self, count, client, portrait, on_answer):
        """Sends requests; returns seconds of those answered, and of all."""
        times, lock = [], threading.Lock()

        def ask(_):
            start = time.perf_counter()
            with contextlib.suppress(UserError):
                client.predict(portrait)
                with lock:
                    times.append(time.perf_counter() - start)
                    on_answer(len(times))

        start = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(self.clients) as pool:
            list(pool.map(ask, range(count)))
        return times, time.perf_counter() - start

    @contextlib.contextmanager
    def _server(self, words, address, port):
        command = command_line(
            "training.serve",
            bundles=self.bundles,
            model=self.model,
            host=address,
            port=port,
        )
        with subprocess.Popen(
            [*words, *process_words(command)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            try:
                if not process.stdout.readline():
                    raise UserError(
                        "A server ended before it began. Expected "
                        f"`{command}` to serve."
                    )
                yield process
            finally:
                process.kill()


def _row(name, count, times, seconds, log, addresses):
    """Returns a row of the table."""
    asked = read_asked(log, count)
    answered = collections.Counter(line[-1] for line in asked)
    p50, p99 = np.percentile(times, [50, 99]) * 1e3
    return (
        name,
        f"{count:,}",
        f"{len(times):,}",
        *(f"{answered[address]:,}" for address in addresses),
        f"{sum(len(line) > 1 for line in asked):,}",
        f"{len(times) / seconds:,.0f}",
        f"{p50:.1f}",
        f"{p99:.1f}",
    )


@contextlib.contextmanager
def balanced(
    addresses: Sequence[str], replica_port: int
) -> Iterator[tuple[str, pathlib.Path]]:
    """Runs nginx with the published settings before replicas.

    Yields:
        Its own address, and a file with a line for each request: the addresses
        that were asked.

    Raises:
        UserError: If there is no nginx.
    """
    if shutil.which("nginx", path="/usr/sbin:/usr/bin") is None:
        raise UserError(
            "Expected nginx, as of `apt-get install nginx-light`. "
            "Received: none in /usr/sbin"
        )
    port = free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        names(addresses) as name_server,
    ):
        # Started by root, its workers are somebody else.
        pathlib.Path(folder).chmod(0o755)
        log = pathlib.Path(folder, "asked.log")
        log.touch()
        path = pathlib.Path(folder, "nginx.conf")
        path.write_text(
            local_config(folder, log, name_server, port, replica_port)
        )
        with subprocess.Popen(
            ["/usr/sbin/nginx", "-c", path, "-p", folder, "-e", "stderr"],
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                _wait_for(port, process)
                yield f"http://127.0.0.1:{port}", log
            finally:
                process.terminate()


def local_config(folder, log, name_server, port, replica_port) -> str:
    """Returns the published `balancer.conf`, for this machine."""
    text = server_files(())["balancer.conf"]
    temporary = "".join(
        f"  {kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    for old, new in (
        ("events {}", f"daemon off;\npid {folder}/pid;\nevents {{}}"),
        ("resolver 127.0.0.11", f"resolver {name_server}"),
        (
            "  access_log off;\n",
            f'  log_format asked "$upstream_addr";\n'
            f"  access_log {log} asked;\n{temporary}",
        ),
        ("listen 8501", f"listen 127.0.0.1:{port}"),
        ("listen 8500", f"listen 127.0.0.1:{free_port()}"),
        ("$replicas:8501", f"$replicas:{replica_port}"),
    ):
        if text.count(old) != 1:
            raise ValueError(f"{old!r} is not once in balancer.conf")
        text = text.replace(old, new)
    return text


def read_asked(log: pathlib.Path, count: int) -> list[list[str]]:
    """Returns which addresses as many requests were sent to, and forgets it.

    A line is written after its answer.
    """
    while len(lines := log.read_text().splitlines()) < count:
        time.sleep(0.01)
    log.write_text("")
    return [re.findall(r"([\d.]+):\d+", line) for line in lines]


def free_port() -> int:
    """Returns a port that nobody listens at, at any address."""
    with socket.create_server(("0.0.0.0", 0)) as one:
        return one.getsockname()[1]


def _wait_for(port, process):
    while process.poll() is None:
        with (
            contextlib.suppress(ConnectionRefusedError),
            socket.create_connection(("127.0.0.1", port)),
        ):
            return
        time.sleep(0.05)
    raise UserError("nginx ended before it began. Is its version too old?")


@contextlib.contextmanager
def names(addresses) -> Iterator[str]:
    """Serves names as Docker does: every one has all of these addresses."""
    answers = b"".join(
        # The name of the question, type A, class IN, 1 s, 4 bytes.
        b"\xc0\x0c\0\x01\0\x01\0\0\0\x01\0\x04" + socket.inet_aton(address)
        for address in addresses
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve():
            while True:
                query, client = server.recvfrom(512)
                if not query:
                    return
                question = re.match(rb".{12}[^\0]*\0.{4}", query, re.DOTALL)[0]
                head = query[:2] + b"\x81\x80\0\x01\0"
                head += bytes([len(addresses)]) + bytes(4)
                server.sendto(head + question[12:] + answers, client)

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        try:
            yield f"127.0.0.1:{port}"
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", ("127.0.0.1", port))
            thread.join()


if __name__ == "__main__":
    run(Replicas)
