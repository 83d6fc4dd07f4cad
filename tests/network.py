"""Hosts of a network that has no others: namespaces with a cable between."""

import contextlib
import pathlib
import shutil
import socket
import subprocess

_NAMES = ("tp-keras-a", "tp-keras-b")
_ADDRESSES = ("10.77.0.1", "10.77.0.2")


def _ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextlib.contextmanager
def two_hosts():
    """Yields the words before a command on either host, and the addresses.

    Needs Linux, and the rights of its administrator.
    """
    with contextlib.ExitStack() as stack:
        for name in _NAMES:
            # That of a test that was killed.
            with contextlib.suppress(subprocess.CalledProcessError):
                _ip("netns", "del", name)
            _ip("netns", "add", name)
            stack.callback(_ip, "netns", "del", name)
            # What the host's own name stands for there.
            folder = pathlib.Path("/etc/netns") / name
            folder.mkdir(parents=True, exist_ok=True)
            stack.callback(shutil.rmtree, folder)
            address = _ADDRESSES[_NAMES.index(name)]
            hosts = f"127.0.0.1 localhost\n{address} {socket.gethostname()}\n"
            (folder / "hosts").write_text(hosts)
        ends = [f"end-{name[-1]}" for name in _NAMES]
        _ip("link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
        for name, end, address in zip(_NAMES, ends, _ADDRESSES, strict=True):
            _ip("link", "set", end, "netns", name)
            _ip("-n", name, "address", "add", f"{address}/24", "dev", end)
            _ip("-n", name, "link", "set", end, "up")
            _ip("-n", name, "link", "set", "lo", "up")
        yield [["ip", "netns", "exec", name] for name in _NAMES], _ADDRESSES
