"""fairlearn and our erasers on the embedding of one run, by the same measures.

python -m benchmarks.fairness_peers --run_dir runs/demo

Erasers and last layers are fitted on the training and validation portraits,
all on the same rows; probes and figures are those of the test portraits. Then
the figures by group are measured with fairlearn's `MetricFrame` and with ours,
and what else of fairlearn could serve is tried as it is.
"""

import dataclasses
import pathlib

import numpy as np
import threadpoolctl

from benchmarks.embedded_rows import EmbeddedRows
from benchmarks.embedded_rows import embed_splits
from benchmarks.peer_tables import PeerTables
from tp_keras.errors import UserError
from training.command import run
from training.command import start_tensorflow

FIT_SPLITS = ("train", "validation")


@dataclasses.dataclass(frozen=True)
class FairnessPeers:
    """Compares erasers, and fairlearn's figures with ours."""

    run_dir: pathlib.Path
    """Folder of a trained run."""
    task: str = ""
    """The guarded task whose embedding is looked at. Default: the first."""
    split: str = "test"
    """What probes and figures are measured on."""
    data_dir: pathlib.Path = pathlib.Path("data/tfds")
    """Folder of the prepared data sets."""
    min_count: int = 50
    """Portraits that a class of a group needs."""
    probe_seeds: int = 1
    """Probes that a figure is the mean of."""
    num_bootstraps: int = 100
    """Resamples of `MetricFrame`; ours are 1,000."""
    adversary_epochs: int = 20
    """Epochs of fairlearn's adversary; 0 leaves it out."""

    def execute(self) -> None:
        """Measures and prints the tables."""
        from tp_keras.fairness.settings import FairnessSettings
        from tp_keras.runs.run_folder import RunFolder

        schema = RunFolder(self.run_dir).require().schema
        guarded = [task for task in schema.guarded_tasks if task.has_classes]
        names = [task.name for task in guarded]
        if not names or self.task not in ("", *names):
            raise UserError(
                "Expected a guarded task with classes out of "
                f"{', '.join(names)}. Received: task={self.task}"
            )
        task = schema.task(self.task or names[0])
        settings = FairnessSettings(
            min_count=self.min_count, probe_seeds=self.probe_seeds
        )
        start_tensorflow()
        *fit, test = embed_splits(
            self.run_dir, task, self.data_dir, (*FIT_SPLITS, self.split)
        )
        fit = EmbeddedRows(
            *(
                np.concatenate([getattr(part, field.name) for part in fit])
                for field in dataclasses.fields(EmbeddedRows)
            )
        )
        print(
            f"\n{self.run_dir}, {task.name}: {len(fit.labels):,} portraits "
            f"({fit.labelled.sum():,} with a label) to fit on, "
            f"{len(test.labels):,} ({test.labelled.sum():,}) to measure on.\n",
            flush=True,
        )
        peers = PeerTables(task, schema.protected_task, fit, test, settings)
        # Many small fits: more threads only wait for each other.
        with threadpoolctl.threadpool_limits(1):
            peers.print_erasers()
        peers.print_figures(self.num_bootstraps)
        peers.print_attempts()
        if self.adversary_epochs:
            peers.print_adversary(self.adversary_epochs)


if __name__ == "__main__":
    run(FairnessPeers)
