"""Trains a classifier.

python -m training.train demo --run_dir runs/demo

The first word names an experiment of `training/configs/`; every setting of it
can be changed by a flag (`python -m training.train demo --help`). The same
command resumes a training that was stopped.

On several data sets, whose tasks are merged:

python -m training.train demo --run_dir runs/both \
    --dataset tiny_portraits/synthetic utk_face/synthetic --mixing 0.5

By several hosts, each with its own number:

KERAS_BACKEND=jax python -m training.train demo --shards 2 --hosts 2 \
    --coordinator 10.0.0.1:8476 --host_index 0

From what is trained already:

python -m training.train real --from_run runs/demo --run_dir runs/further
python -m training.train real --backbone own.keras --freeze_trunk_epochs 2 \
    --trunk_learning_rate 0.1
"""

import dataclasses
import sys

from tp_keras.config import ExperimentConfig
from tp_keras.hosts import HostsConfig

from .command import run_experiment
from .command import shown
from .command import start_tensorflow
from .command import train_here_or_on_hosts
from .configs import EXPERIMENTS
from .evaluate import Evaluate

# Guessing costs a few units a task.
_LARGEST_LOSS = 100.0


@dataclasses.dataclass(frozen=True)
class Train:
    """Trains the classifier of an experiment."""

    config: ExperimentConfig
    hosts: HostsConfig = dataclasses.field(default_factory=HostsConfig)

    def execute(self) -> None:
        """Trains and says what to do next."""
        run = train_here_or_on_hosts(_fit, self.config, self.hosts)
        if run is not None:
            _warn_of_a_bad_end(run)
            print(f"Next: {shown(Evaluate(str(run.path)))}")


def _fit(config, progress=True):
    """Trains in this process."""
    start_tensorflow()
    from tp_keras.runs.trainer import Trainer

    return Trainer(config, progress).fit()


def _warn_of_a_bad_end(run):
    """Says so where the loss has left what losses of classes can be."""
    losses = [row.get("val_loss", 0.0) for row in run.read_history()]
    # Also where it is no number.
    if losses and not losses[-1] <= min(_LARGEST_LOSS, 3 * losses[0]):
        print(
            f"Warning: the validation loss began with {losses[0]:.3g} and "
            f"ended with {losses[-1]:.3g}, so little was learned. Expected a "
            "smaller --learning_rate, in another --run_dir.",
            file=sys.stderr,
        )


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line and trains."""
    run_experiment(Train, EXPERIMENTS, arguments)


if __name__ == "__main__":
    main()
