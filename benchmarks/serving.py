"""Loads the page's server over loopback: requests a second, memory, faults.

python -m benchmarks.serving --bundles exported_models

The server is a process of its own, `training.serve`. The clients share the
cores with it: on two cores they take about half of what there is, which a
client elsewhere would leave to the server. So the table tells the processor's
time of the server for a request as well.
"""

import asyncio
import base64
import dataclasses
import io
import json
import pathlib
import re
import socket
import subprocess
import time
import urllib.request

import numpy as np
import psutil
from PIL import Image
from tqdm import tqdm

from benchmarks.tables import print_markdown
from tp_keras.command_line import command_line
from tp_keras.command_line import process_words
from tp_keras.errors import UserError
from tp_keras.serving import find_bundle
from tp_keras.serving import read_metadata
from training.command import run

_HEADER = (
    *("what", "clients", "requests", "requests/s", "p50 ms", "p99 ms"),
    *("server's CPU ms", "memory MB"),
)
# Of a photo of 12 megapixels.
_PHOTO = (4032, 3024)


@dataclasses.dataclass(frozen=True)
class Serving:
    """Prints what the server bears."""

    bundles: str = "exported_models"
    """Folder of the bundles."""
    model: str = "portrait_attributes"
    """Name of the bundle that is asked."""
    pictures: str | None = None
    """Folder of PNG files to send, such as RUN/examples. Default: noise."""
    clients: int = 16
    """Connections that ask at once."""
    requests: int = 4000
    """Requests of each kind."""
    long_requests: int = 20_000
    """Requests over which the memory is watched."""
    idle: int = 2000
    """Connections that say nothing meanwhile."""

    def execute(self) -> None:
        """Starts a server, asks it, and prints the table."""
        metadata = read_metadata(
            find_bundle(pathlib.Path(self.bundles, self.model))
        )
        shape = tuple(metadata["schema"]["image_shape"])
        files = self._files(shape)
        command = command_line(
            "training.serve", bundles=self.bundles, model=self.model, port=0
        )
        with subprocess.Popen(
            process_words(command), stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                self._measure(process, files)
            finally:
                process.terminate()

    def _measure(self, process, files):
        port = _wait_for_port(process)
        server = psutil.Process(process.pid)
        # Each row as soon as it is measured.
        rows = self._rows(port, _make_requests(files, self.model), server)
        print_markdown(_HEADER, rows)
        times = _photo_times(port)
        print(
            f"\nA photo of 12 megapixels: {np.median(times):.2f} s "
            f"({min(times):.2f} to {max(times):.2f}, {len(times)} times)."
        )

    def _rows(self, port, requests, server):
        """Yields the rows of the table."""
        for name, (request, share) in requests.items():
            most = max(int(self.requests * share), self.clients)
            # The first ones load, and warm caches.
            asyncio.run(_ask(port, request, self.clients, most // 10 + 1))
            for clients in (1, self.clients):
                count = most // (1 if clients > 1 else 4)
                yield _row(name, port, request, clients, count, server)
        name, (request, _) = next(iter(requests.items()))
        before, count = server.memory_info().rss, self.long_requests
        row = _row("", port, request, self.clients, count, server)
        grown = (server.memory_info().rss - before) / 1e6
        yield f"{name}; memory grew by {grown:.0f} MB", *row[1:]
        idle = [
            socket.create_connection(("127.0.0.1", port))
            for _ in tqdm(range(self.idle), "idle connections", leave=False)
        ]
        title = f"{name}, beside {len(idle):,} idle connections"
        yield _row(title, port, request, self.clients, self.requests, server)
        for one in idle:
            one.close()

    def _files(self, shape) -> list[bytes]:
        """Returns PNG files of portraits."""
        if self.pictures is not None:
            paths = sorted(pathlib.Path(self.pictures).glob("*.png"))
            if not paths:
                raise UserError(
                    "Expected a folder of PNG files. "
                    f"Received: pictures={self.pictures}"
                )
            return [path.read_bytes() for path in paths]
        noise = np.random.default_rng(0).integers(0, 256, shape)
        file = io.BytesIO()
        Image.fromarray(noise.astype(np.uint8)).save(file, "PNG")
        return [file.getvalue()]


def _make_requests(files, model) -> dict[str, tuple[bytes, float]]:
    """Returns whole requests of HTTP by name, and how often each is sent."""
    data = {"b64": base64.b64encode(files[0]).decode()}
    pixels = np.asarray(Image.open(io.BytesIO(files[0])).convert("RGB"))
    path = f"/v1/models/{model}:predict"
    as_files = {"signature_name": "serve_bytes", "instances": [data]}
    eight = as_files | {"instances": [data] * 8}
    boundary = "----benchmark"
    form = (
        f"--{boundary}\r\nContent-Disposition: form-data; name=photo; "
        "filename=me.png\r\nContent-Type: image/png\r\n\r\n"
    ).encode() + files[0]
    form += f"\r\n--{boundary}--\r\n".encode()
    kind = f"multipart/form-data; boundary={boundary}"
    return {
        "REST, a PNG file": (_post(path, json.dumps(as_files).encode()), 1),
        "REST, 8 PNG files": (_post(path, json.dumps(eight).encode()), 0.2),
        "REST, pixels": (
            _post(path, json.dumps({"instances": [pixels.tolist()]}).encode()),
            0.5,
        ),
        "page, home": (_get("/"), 1),
        "page, upload": (_post("/answers", form, kind), 0.05),
    }


def _get(path) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def _post(path, body, kind="application/json") -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _ask(port, request, clients, count) -> list[float]:
    """Sends a request many times and returns the seconds of each."""
    left, times = iter(range(count)), []

    async def client():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in left:
            start = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if head[9:12] not in (b"200", b"303"):
                raise UserError(f"The server answered {head[:200]!r}.")
            length = re.search(rb"content-length: (\d+)", head.lower())
            await reader.readexactly(int(length[1]))
            times.append(time.perf_counter() - start)
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return times


def _row(name, port, request, clients, count, server):
    """Measures one kind of request and returns a row of the table."""
    before, start = _cpu(server), time.perf_counter()
    times = asyncio.run(_ask(port, request, clients, count))
    seconds = time.perf_counter() - start
    cpu = (_cpu(server) - before) / count
    p50, p99 = np.percentile(times, [50, 99]) * 1e3
    return (
        name,
        str(clients),
        f"{count:,}",
        f"{count / seconds:,.0f}",
        f"{p50:.1f}",
        f"{p99:.1f}",
        f"{cpu * 1e3:.2f}",
        f"{server.memory_info().rss / 1e6:.0f}",
    )


def _cpu(process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _wait_for_port(process) -> int:
    """Returns the port that a server says it listens at."""
    for line in process.stdout:
        if found := re.search(r"http://[^/]*:(\d+)/", line):
            return int(found[1])
    raise UserError("The server has ended before it began.")


def _photo_times(port, count: int = 9) -> list[float]:
    """Returns the seconds from the upload of a large photo to its page."""
    height, width = _PHOTO[::-1]
    rows = np.linspace(40, 220, height, dtype=np.uint8)[:, None, None]
    pixels = np.broadcast_to(rows, (height, width, 3)).copy()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    body = b"--x\r\nContent-Disposition: form-data; name=photo; filename=a"
    body += b"\r\n\r\n" + file.getvalue() + b"\r\n--x--\r\n"
    times = []
    for _ in range(count):
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/answers",
            body,
            {"Content-Type": "multipart/form-data; boundary=x"},
        )
        start = time.perf_counter()
        with urllib.request.urlopen(request) as answer:
            answer.read()
        times.append(time.perf_counter() - start)
    return times


if __name__ == "__main__":
    run(Serving)
