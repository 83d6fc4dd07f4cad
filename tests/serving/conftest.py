import pytest


@pytest.fixture
def plain_bundle(tmp_path):
    """A folder that looks like a bundle to whoever does not load it."""
    folder = tmp_path / "portrait_attributes" / "1"
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"")
    return folder
