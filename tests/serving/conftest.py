import pytest

from tests.export.networks import TinyClassifier
from tp_keras.export import export_bundle


@pytest.fixture(scope="session")
def classifier():
    return TinyClassifier()


@pytest.fixture(scope="session")
def bundle(classifier, tmp_path_factory):
    """A bundle of untrained weights; tests that change it take a copy."""
    return export_bundle(classifier, tmp_path_factory.mktemp("models"))


@pytest.fixture
def plain_bundle(tmp_path):
    """A folder that looks like a bundle to whoever does not load it."""
    folder = tmp_path / "portrait_attributes" / "1"
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"")
    return folder
