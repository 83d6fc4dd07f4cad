"""The experiments by name: one file each, with command, time and figures."""

import importlib
import pkgutil

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
