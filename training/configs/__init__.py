"""The experiments by name: one file each, with command, time and figures."""

import importlib
import pkgutil

from tp_keras.config import ExperimentConfig
from tp_keras.errors import UserError

_MODULES = [
    importlib.import_module(f"{__name__}.{module.name}")
    for module in pkgutil.iter_modules(__path__)
]

# Name on the command line -> (one line of help, the settings).
EXPERIMENTS = {
    module.__name__.rpartition(".")[2]: (
        module.__doc__.splitlines()[0],
        module.CONFIG,
    )
    for module in _MODULES
}


def find_experiment(name: str) -> ExperimentConfig:
    """Returns the settings of an experiment, or raises `UserError`.

    Args:
        name: Its name on the command line.
    """
    if name not in EXPERIMENTS:
        raise UserError(
            f"Expected an experiment out of {', '.join(EXPERIMENTS)}. "
            f"Received: experiment={name}"
        )
    return EXPERIMENTS[name][1]


def experiment_of(dataset: str) -> str:
    """Returns the experiment that is made for a data set, or `"demo"`.

    Args:
        dataset: Name of a data set and its variant.
    """
    for find in (dataset, dataset.partition("/")[0]):
        for name, (_, config) in EXPERIMENTS.items():
            own = config.data.first.dataset
            if find in (own, own.partition("/")[0]) and name != "reference":
                return name
    return "demo"
