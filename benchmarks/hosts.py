"""How much faster two hosts train than one, each with one core.

python -m benchmarks.hosts

The trainings take turns, and epochs are timed from the first one's end: what
is compiled and decoded before doesn't count. Building and embedding by several
processes: `benchmarks.beam`.
"""

import dataclasses
import itertools
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

from benchmarks.replicas import free_port
from benchmarks.tables import print_markdown
from tp_keras.command_line import command_line
from tp_keras.command_line import process_words
from tp_keras.errors import UserError
from training.command import run

_LOOK_SECONDS = 0.02


@dataclasses.dataclass(frozen=True, kw_only=True)
class Hosts:
    """Times the same training by one process and by several."""

    experiment: str = "demo"
    """Name of an experiment of training/configs."""
    count: int = 4096
    """Training portraits."""
    epochs: int = 4
    """Epochs; the first one is not timed."""
    hosts: tuple[int, ...] = (1, 2)
    """Numbers of hosts to compare, each on a core of its own; the first is
    what the others are compared with."""
    batch_size: int = 256
    """Portraits in a step, of all hosts."""
    rounds: int = 3
    """How often; medians are told."""
    data_dir: pathlib.Path = pathlib.Path("data/tfds")
    """Folder of the prepared data sets."""

    def execute(self) -> None:
        """Trains in turns and prints a table."""
        cores = sorted(os.sched_getaffinity(0))
        if max(self.hosts) > len(cores):
            raise UserError(
                f"Expected at most {len(cores)} hosts, one for each core. "
                f"Received: hosts={max(self.hosts)}"
            )
        rates = {hosts: [] for hosts in self.hosts}
        for number, hosts in itertools.product(range(self.rounds), self.hosts):
            rates[hosts].append(self._measure(cores[:hosts]))
            print(
                f"Round {number + 1}: {hosts} hosts, "
                f"{rates[hosts][-1]:.0f} portraits/s",
                flush=True,
            )
        first = rates[self.hosts[0]]
        rows = []
        for hosts, own in rates.items():
            ratios = [a / b for a, b in zip(own, first, strict=True)]
            rows.append(
                [
                    str(hosts),
                    f"{statistics.median(own):.0f}",
                    f"{statistics.median(ratios):.2f}",
                    f"{min(ratios):.2f} to {max(ratios):.2f}",
                ]
            )
        print_markdown(["hosts", "portraits/s", "against one", "rounds"], rows)

    def _measure(self, cores):
        """Returns the portraits per second of one training."""
        with tempfile.TemporaryDirectory() as folder:
            run_dir = pathlib.Path(folder) / "run"
            command = command_line(
                "training.train",
                self.experiment,
                data_dir=self.data_dir,
                run_dir=run_dir,
                shards=max(self.hosts),
                train_split=f"train[:{self.count}]",
                validation_split="validation[:64]",
                epochs=self.epochs,
                batch_size=self.batch_size,
                hosts=len(cores),
                coordinator=f"127.0.0.1:{free_port()}",
            )
            processes = [
                subprocess.Popen(
                    [*process_words(command), "--host_index", str(index)],
                    env={**os.environ, "KERAS_BACKEND": "jax"},
                    stdout=subprocess.DEVNULL,
                    preexec_fn=lambda core=core: os.sched_setaffinity(
                        0, {core}
                    ),
                )
                for index, core in enumerate(cores)
            ]
            ends = self._ends_of_epochs(run_dir / "history.csv", processes)
            for process in processes:
                process.wait()
        # The rest of a pass is left out.
        return self.count * (len(ends) - 1) / (ends[-1] - ends[0])

    def _ends_of_epochs(self, path, processes):
        """Returns when each epoch was written."""
        ends = []
        while len(ends) < self.epochs:
            if any(process.poll() for process in processes):
                raise UserError(
                    "A training has failed; what it says stands above. "
                    f"Expected {self.epochs} epochs. Received: {len(ends)}"
                )
            lines = path.read_text().count("\n") if path.exists() else 0
            ends += [time.perf_counter()] * (lines - 1 - len(ends))
            time.sleep(_LOOK_SECONDS)
        return ends


if __name__ == "__main__":
    run(Hosts)
