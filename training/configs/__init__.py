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
