"""These tests run where Beam is: `make test-beam`."""

import importlib.util

if importlib.util.find_spec("apache_beam") is None:
    collect_ignore_glob = ["*_test.py"]
