"""Hosts on one machine: network namespaces, joined to it by a bridge."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
from collections.abc import Iterator

from tp_keras.errors import UserError

_BRIDGE = "tp-keras"
_NETWORK = "10.77.0"


def _ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextlib.contextmanager
def hosts(count: int) -> Iterator[list[tuple[list[str], str]]]:
    """Makes so many hosts, up to 200, and takes them away again.

    Yields:
        For each the words before a command on it, and its address.

    Raises:
        UserError: If this is not Linux, or its administrator.
    """
    if shutil.which("ip") is None or os.geteuid():
        raise UserError(
            "Expected the administrator of Linux, with `ip` as of `apt-get "
            f"install iproute2`. Received: user {os.geteuid()}"
        )
    with contextlib.ExitStack() as stack:

        def make(*words):
            # That of a process that was killed.
            with contextlib.suppress(subprocess.CalledProcessError):
                _ip(*words[:1], "del", words[2])
            _ip(*words)
            stack.callback(_ip, *words[:1], "del", words[2])

        make("link", "add", _BRIDGE, "type", "bridge")
        # By it this machine takes part.
        _ip("address", "add", f"{_NETWORK}.254/24", "dev", _BRIDGE)
        _ip("link", "set", _BRIDGE, "up")
        made = []
        for number in range(1, count + 1):
            name, address = f"{_BRIDGE}-{number}", f"{_NETWORK}.{number}"
            make("netns", "add", name)
            # What the host's own name stands for there.
            folder = pathlib.Path("/etc/netns") / name
            folder.mkdir(parents=True, exist_ok=True)
            stack.callback(shutil.rmtree, folder)
            lines = f"127.0.0.1 localhost\n{address} {socket.gethostname()}\n"
            (folder / "hosts").write_text(lines)
            peer = ("type", "veth", "peer", "name", "end", "netns", name)
            make("link", "add", name, *peer)
            _ip("link", "set", name, "master", _BRIDGE, "up")
            inside = ("-n", name)
            _ip(*inside, "address", "add", f"{address}/24", "dev", "end")
            for end in ("end", "lo"):
                _ip(*inside, "link", "set", end, "up")
            made.append((["ip", "netns", "exec", name], address))
        yield made
