"""The experiments by name: one file each, with command, time and figures."""

from . import demo
from . import real
from . import reference

# Name on the command line -> (one line of help, the settings).
EXPERIMENTS = {
    module.__name__.rpartition(".")[2]: (
        module.__doc__.splitlines()[0],
        module.CONFIG,
    )
    for module in (demo, real, reference)
}
