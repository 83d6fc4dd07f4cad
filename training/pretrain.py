"""Trains a backbone on portraits without their labels.

python -m training.pretrain demo

The first word names an experiment of `training/pretrain_configs.py`; every
setting of it can be changed by a flag. The same command resumes a training
that was stopped. What it leaves is a backbone for `training.train --backbone`.
"""

import dataclasses

from tp_keras.pretraining.config import PretrainConfig

from .command import kept
from .command import run_experiment
from .command import start_tensorflow
from .pretrain_configs import PRETRAIN_EXPERIMENTS


@dataclasses.dataclass(frozen=True)
class Pretrain:
    """Trains the backbone of an experiment."""

    config: PretrainConfig

    def execute(self) -> None:
        """Trains and says what to do next."""
        start_tensorflow()
        from tp_keras.pretraining.trainer import PretrainTrainer

        run = PretrainTrainer(kept(self.config)).fit()
        print(f"Next: {run.commands()['compare']}")


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line and trains."""
    run_experiment(Pretrain, PRETRAIN_EXPERIMENTS, arguments)


if __name__ == "__main__":
    main()
