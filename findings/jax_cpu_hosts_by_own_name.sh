#!/usr/bin/env bash
# JAX 0.10.2: processes of several hosts without accelerators reach each other at
# what each one's own host name stands for, wherever the coordinator is.
#
# All processes are told one address, that of the coordinator, and are connected
# to it: `jax.distributed.initialize` returns, every process lists the devices of
# all. The first collective goes another way: Gloo listens at the address that
# the name of its host has on that host, and gives this address to the others.
# Debian writes `127.0.1.1 NAME` into /etc/hosts, so the others are told to look
# at themselves. No setting of JAX names the address or the network interface;
# `make_gloo_tcp_collectives` of jaxlib, which takes both, is called with neither.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet jax==0.10.2 psutil==7.2.2
cat > "$folder/host.py" <<'PYTHON'
import socket
import sys

import jax
import psutil

index, coordinator = int(sys.argv[1]), sys.argv[2]
jax.distributed.initialize(coordinator, 2, index)
from jax.experimental import multihost_utils  # noqa: E402

multihost_utils.process_allgather(index)
mine = psutil.Process().net_connections("tcp")
port = int(coordinator.rpartition(":")[2])
found = {
    one.laddr.ip
    for one in mine
    if one.status == psutil.CONN_ESTABLISHED
    and port not in (one.laddr.port, one.raddr.port)
}
own = socket.gethostbyname(socket.gethostname())
print(f"host {index}: own name is {own}, collectives go over {sorted(found)}")
multihost_utils.process_allgather(index)
if found != {own}:
    raise SystemExit("Changed: the address that collectives go over.")
PYTHON
# An address of this machine that its name doesn't stand for.
coordinator=127.0.0.77:$((20000 + RANDOM % 20000))
export JAX_PLATFORMS=cpu
"$folder/venv/bin/python" "$folder/host.py" 1 "$coordinator" &
"$folder/venv/bin/python" "$folder/host.py" 0 "$coordinator"
wait $!
"$folder/venv/bin/python" - <<'PYTHON'
import inspect

import jax
from jax._src import xla_bridge

called = inspect.getsource(xla_bridge.make_cpu_client)
called = called.partition("make_gloo_tcp_collectives(")[2].partition(")")[0]
print("passed to Gloo:", " ".join(called.split()))
named = [name for name in vars(jax.config) if "gloo" in name]
if "hostname" in called or "interface" in called or named:
    raise SystemExit("Changed: the address can be set.")
PYTHON
echo "As described."
