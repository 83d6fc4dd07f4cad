"""The generators' experiments by name, as `training/configs/` has them."""

from . import real
from . import smoke
from . import standard

# Name on the command line -> (one line of help, the settings).
VAE_EXPERIMENTS = {
    module.__name__.rpartition(".")[2]: (
        module.__doc__.splitlines()[0],
        module.CONFIG,
    )
    for module in (smoke, standard, real)
}
