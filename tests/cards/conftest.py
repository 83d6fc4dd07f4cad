import pytest

from tests.cards.made_measurements import make_measured_run
from tests.cards.made_measurements import put_made_data


@pytest.fixture(scope="session")
def measured_run(tmp_path_factory):
    """A run of every kind of task; tests that change it take a copy."""
    return make_measured_run(tmp_path_factory.mktemp("runs") / "my run").path


@pytest.fixture(autouse=True)
def _made_data(monkeypatch):
    put_made_data(monkeypatch)
