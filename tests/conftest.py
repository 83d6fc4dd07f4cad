"""Fixed before the first import of Keras in a test, and shared by tests."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "PYTEST_XDIST_WORKER" in os.environ:
    # Threads of several processes on one core wait for each other.
    for _name in (
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
        "OMP_NUM_THREADS",
    ):
        os.environ.setdefault(_name, "1")

import fcntl  # noqa: E402

import pytest  # noqa: E402

# Whole trainings in processes of their own. Begun last, they would be what
# all other workers wait for.
_LONGEST = ("jax", "end_to_end", "own_data_set", "wheel", "requirements")


def pytest_configure(config):
    # Else pytest-xdist hands out files of few tests last.
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items):
    names = [f"{name}_test.py" for name in _LONGEST]
    items.sort(key=lambda item: item.path.name not in names)


@pytest.fixture(scope="session")
def tiny_data_dir(tmp_path_factory):
    """A TFDS folder with 400 synthetic portraits, as the command makes it.

    The workers of pytest-xdist share one, which the first to come builds.
    """
    return _prepare(tmp_path_factory, "tiny_portraits")


@pytest.fixture(scope="session")
def two_data_sets(tiny_data_dir, tmp_path_factory):
    """The same folder with a second data set, of other tasks."""
    return _prepare(tmp_path_factory, "utk_face")


def _prepare(tmp_path_factory, name):
    from datasets.building.prepare import prepare

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with open(folder / "data.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        prepare(name, folder / "data", count=400)
    return folder / "data"


@pytest.fixture(scope="session")
def classifier():
    """An untrained classifier of every kind of task."""
    from tests.export.networks import make_classifier

    return make_classifier()


@pytest.fixture(scope="session")
def bundle(classifier, tmp_path_factory):
    """Its bundle; tests that change it take a copy."""
    from tp_keras.export import export_bundle

    folder = tmp_path_factory.mktemp("exported_models")
    return export_bundle(classifier, folder, metadata={"figures": [1, 2]})


@pytest.fixture(scope="session")
def vae():
    """A small generator, as training leaves it."""
    from tests.generator.export.vae_networks import make_trained_vae

    return make_trained_vae()


@pytest.fixture(scope="session")
def vae_bundle(vae, tmp_path_factory):
    """A bundle of it; tests that change it take a copy."""
    from tests.generator.export.vae_networks import LABEL_COUNTS
    from tp_keras.generator.export.bundle import export_vae_bundle

    return export_vae_bundle(
        vae,
        tmp_path_factory.mktemp("exported_models"),
        metadata={
            "figures": [1],
            "label_counts": LABEL_COUNTS,
            "settings": {"data": {"dataset": "tiny_portraits/synthetic"}},
        },
    )
