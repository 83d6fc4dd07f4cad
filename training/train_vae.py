"""Trains a portrait generator.

python -m training.train_vae smoke

The first word names an experiment of `training/vae_configs/`; every setting of
it can be changed by a flag (`python -m training.train_vae smoke --help`). The
same command resumes a training that was stopped.
"""

import dataclasses

from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.hosts import HostsConfig

from .command import run_experiment
from .command import shown
from .command import start_tensorflow
from .command import train_here_or_on_hosts
from .evaluate_vae import EvaluateVae
from .vae_configs import VAE_EXPERIMENTS


@dataclasses.dataclass(frozen=True)
class TrainVae:
    """Trains the generator of an experiment."""

    config: VaeExperimentConfig
    hosts: HostsConfig = dataclasses.field(default_factory=HostsConfig)

    def execute(self) -> None:
        """Trains and says what to do next."""
        run = train_here_or_on_hosts(_fit, self.config, self.hosts)
        if run is not None:
            print(f"Next: {shown(EvaluateVae(str(run.path)))}")


def _fit(config, progress=True):
    """Trains in this process."""
    start_tensorflow()
    from tp_keras.generator.training.trainer import VaeTrainer

    return VaeTrainer(config, progress).fit()


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line and trains."""
    run_experiment(TrainVae, VAE_EXPERIMENTS, arguments)


if __name__ == "__main__":
    main()
