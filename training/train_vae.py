"""Trains a portrait generator.

python -m training.train_vae smoke

The first word names an experiment of `training/vae_configs/`; every setting of
it can be changed by a flag (`python -m training.train_vae smoke --help`). The
same command resumes a training that was stopped.
"""

import dataclasses

from tp_keras.generator.config import VaeExperimentConfig

from .command import kept
from .command import run_experiment
from .command import shown
from .command import start_tensorflow
from .evaluate_vae import EvaluateVae
from .vae_configs import VAE_EXPERIMENTS


@dataclasses.dataclass(frozen=True)
class TrainVae:
    """Trains the generator of an experiment."""

    config: VaeExperimentConfig

    def execute(self) -> None:
        """Trains and says what to do next."""
        start_tensorflow()
        from tp_keras.generator.training.trainer import VaeTrainer

        run = VaeTrainer(kept(self.config)).fit()
        print(f"Next: {shown(EvaluateVae(str(run.path)))}")


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line and trains."""
    run_experiment(TrainVae, VAE_EXPERIMENTS, arguments)


if __name__ == "__main__":
    main()
