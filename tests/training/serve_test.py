import contextlib
import re
import signal
import subprocess
import sys
import types
import urllib.request

import pytest

from tp_keras.errors import UserError
from tp_keras.serving import Client
from training import serve
from training.serve import Serve


def test_no_bundle(tmp_path):
    with pytest.raises(UserError, match="Expected a folder of bundles"):
        Serve(str(tmp_path)).execute()


def test_samples_are_drawn_like_those_of_the_first_data_set(monkeypatch):
    asked = []

    def data_set(name):
        def find_builder_class(dataset):
            asked.append(dataset)
            raise UserError("There is none.")

        return types.SimpleNamespace(find_builder_class=find_builder_class)

    monkeypatch.setattr(serve, "data_set", data_set)
    schema = types.SimpleNamespace(image_shape=(4, 2, 3))
    for dataset in ("a/x", ["b/y", "a/x"]):
        metadata = {"settings": {"data": {"dataset": dataset}}}
        predictor = types.SimpleNamespace(metadata=metadata, schema=schema)
        assert serve._drawn_samples(predictor).shape == (0, 4, 2, 3)
    assert asked == ["a", "b"]


def test_it_serves_until_it_is_interrupted(bundle, tmp_path):
    command = [sys.executable, "-m", "training.serve", "--port", "0"]
    command += ["--bundles", str(bundle.parents[1])]
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        stack.callback(process.kill)
        line = process.stdout.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+", line)[0]
        with urllib.request.urlopen(url) as page:
            # Drawn, as there is no run.
            assert page.read().count(b'class="tile"') == 8
        assert Client(url, "portrait_attributes").status() == {1: "AVAILABLE"}
        # Nobody else listens there now.
        taken = Serve(str(bundle.parents[1]), port=int(url.rsplit(":")[-1]))
        with pytest.raises(UserError, match="in use.*Expected a free port"):
            taken.execute()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in errors
