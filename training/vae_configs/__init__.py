"""The generators' experiments by name, as `training/configs/` has them."""

from training.vae_configs import real
from training.vae_configs import smoke
from training.vae_configs import standard

# Name on the command line -> (one line of help, the settings).
VAE_EXPERIMENTS = {
    module.__name__.rpartition(".")[2]: (
        module.__doc__.splitlines()[0],
        module.CONFIG,
    )
    for module in (smoke, standard, real)
}
