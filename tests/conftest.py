"""Fixed before the first import of Keras in a test, and shared by tests."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest  # noqa: E402


@pytest.fixture(scope="session")
def tiny_data_dir(tmp_path_factory):
    """A TFDS folder with 400 synthetic portraits, as the command makes it."""
    from datasets.tiny_portraits.prepare import prepare

    folder = tmp_path_factory.mktemp("data")
    prepare(data_dir=folder, count=400)
    return folder
