import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from tp_keras.models import PortraitBackbone
from tp_keras.models import PortraitClassifier
from tp_keras.tuning import latency
from tp_keras.tuning.latency import LatencyMeter


@pytest.fixture(scope="module")
def classifier():
    backbone = PortraitBackbone("separable", 8, ((16, 1, 4),))
    return PortraitClassifier(backbone)


def test_the_graph_is_the_model(classifier):
    content, source, outputs = latency._constant_graph(classifier)
    images = np.random.default_rng(0).integers(
        0, 256, (2, 108, 84, 3), dtype=np.uint8
    )
    graph_def = tf.compat.v1.GraphDef.FromString(content)
    operations = {node.op for node in graph_def.node}
    assert not any("Variable" in name for name in operations)
    with tf.Graph().as_default():
        tf.graph_util.import_graph_def(graph_def, name="")
        with tf.compat.v1.Session() as session:
            found = session.run(outputs, {source: images})
    expected = classifier.inference_model()(images, training=False)
    # Both in the order of the names.
    assert len(found) == len(expected)
    for values, name in zip(found, sorted(expected), strict=True):
        np.testing.assert_allclose(values, expected[name], atol=1e-4)


def test_one_process_measures_again_and_again(classifier, monkeypatch):
    with LatencyMeter() as meter:
        process = meter._process
        assert meter.measure(classifier) > 0
        # What can't be run is told, and the next is measured all the same.
        good = latency._constant_graph(classifier)
        monkeypatch.setattr(
            latency, "_constant_graph", lambda _: (b"no graph", "", [])
        )
        with pytest.raises(RuntimeError, match="DecodeError"):
            meter.measure(None)
        monkeypatch.setattr(latency, "_constant_graph", lambda _: good)
        assert meter.measure(None) > 0
        assert meter._process is process
        # It was killed, for want of memory: another one takes its place.
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(RuntimeError, match="exit code -9"):
            meter.measure(None)
        assert meter.measure(None) > 0
    assert meter._process.exitcode == 0


def test_the_process_ends_with_a_killed_parent():
    code = (
        "import sys, time\n"
        "from tp_keras.tuning.latency import LatencyMeter\n"
        "meter = LatencyMeter()\n"
        "print(meter._process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=pathlib.Path(__file__).parents[2],
        stdout=subprocess.PIPE,
    )
    with parent:
        child = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 60
    while _is_alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Nobody may be there to wait for it.
    return "\nState:\tZ" not in pathlib.Path(f"/proc/{pid}/status").read_text()
