"""Seconds of an epoch of several trainings, which take turns.

Each training runs in a process of its own, with everything that belongs to it:
input pipeline, optimizer, averaged weights, validation, the files it writes.
It stops where an epoch begins until it is told to go on, so that never two run
at a time, and a change of the machine's speed meets all alike.
"""

import dataclasses
import json
import multiprocessing
import pathlib
import statistics
import sys
import tempfile
import time

import tqdm

from tp_keras import files
from tp_keras.config import ExperimentConfig
from tp_keras.errors import UserError


@dataclasses.dataclass(frozen=True)
class EpochSpeed:
    """What was measured of one training.

    Attributes:
        first_epoch_seconds: With the tracing of the graph and all else that
            is done once.
        epoch_seconds: Of each later epoch, in the order of the rounds.
        examples: Portraits that an epoch trains on.
        parameters: Of the network.
    """

    first_epoch_seconds: float
    epoch_seconds: tuple[float, ...]
    examples: int
    parameters: int

    @property
    def seconds(self) -> float:
        """The median seconds of an epoch."""
        return statistics.median(self.epoch_seconds)

    @property
    def start_seconds(self) -> float:
        """What the first epoch takes beyond any other."""
        return max(self.first_epoch_seconds - self.seconds, 0.0)

    @property
    def images_per_second(self) -> float:
        """Images per second in training."""
        return self.examples / self.seconds

    def epochs_within(self, seconds: float) -> int:
        """Returns how many epochs fit into `seconds`.

        Raises:
            UserError: If not one does.
        """
        epochs = int((seconds - self.start_seconds) / self.seconds)
        if epochs < 1:
            raise UserError(
                f"Expected a budget of at least {self.first_epoch_seconds:.0f} "
                f"s, which the first epoch takes. Received: seconds={seconds}"
            )
        return epochs

    def seconds_of(self, epochs: int) -> float:
        """Returns the seconds that so many epochs take."""
        return self.start_seconds + epochs * self.seconds


class Turns:
    """The training's end of the line: waits, trains an epoch, tells.

    Args:
        connection: `multiprocessing.connection.Connection`.
    """

    def __init__(self, connection):
        self.connection = connection
        self._begin = None

    def next_epoch(self) -> None:
        """Tells how long the last epoch took, and waits for the next turn."""
        seconds = None
        if self._begin is not None:
            seconds = time.perf_counter() - self._begin
        self.connection.send(seconds)
        self.connection.recv()
        self._begin = time.perf_counter()


def measure_epochs(
    configs: dict[str, ExperimentConfig], train, rounds: int
) -> dict[str, EpochSpeed]:
    """Trains `rounds + 1` epochs of each configuration in turns.

    Args:
        configs: Name -> settings; the number of epochs and the run folder are
            replaced.
        train: Function of a configuration and a `Turns`; runs in a process of
            its own, so it must be at the top of a module. Returns the
            `RunFolder`.
        rounds: Turns of each after the first epoch.

    Returns:
        Name -> speed, in the order of `configs`.
    """
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="tp_keras_") as folder:
        lines, processes = {}, {}
        for number, (name, config) in enumerate(configs.items()):
            config = dataclasses.replace(
                config,
                run_dir=str(pathlib.Path(folder) / str(number)),
                training=dataclasses.replace(
                    config.training,
                    epochs=rounds + 1,
                ),
            )
            lines[name], theirs = context.Pipe()
            processes[name] = context.Process(
                target=_train_in_turns, args=(theirs, train, config)
            )
            processes[name].start()
            # So that the line breaks if the process does.
            theirs.close()
        try:
            return _take_turns(lines, rounds)
        finally:
            for name, process in processes.items():
                lines[name].close()
                process.join(60)
                process.kill()


def _train_in_turns(connection, train, config):
    try:
        facts = train(config, Turns(connection)).facts
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    connection.send((facts["examples_seen"], facts["parameters"]))


def _take_turns(lines, rounds):
    try:
        seconds = {name: [] for name in lines}
        # Nobody starts before all are ready.
        for name in lines:
            lines[name].recv()
        for _ in tqdm.trange(rounds + 1, desc="epochs in turns"):
            for name, line in lines.items():
                line.send("go on")
                seconds[name].append(line.recv())
        speeds = {}
        for name, line in lines.items():
            line.send("go on")
            examples, parameters = line.recv()
            speeds[name] = EpochSpeed(
                first_epoch_seconds=seconds[name][0],
                epoch_seconds=tuple(seconds[name][1:]),
                examples=examples // (rounds + 1),
                parameters=parameters,
            )
    except (EOFError, OSError) as error:
        raise UserError(
            "A training ended early; its own message stands above. "
            f"Received: name={name!r}"
        ) from error
    return speeds


def read_speeds(path) -> dict[str, EpochSpeed]:
    """Reads what `write_speeds` wrote."""
    stored = json.loads(pathlib.Path(path).read_text())
    return {
        entry: EpochSpeed(
            **{**values, "epoch_seconds": tuple(values["epoch_seconds"])}
        )
        for entry, values in stored.items()
    }


def write_speeds(path, speeds: dict[str, EpochSpeed]) -> None:
    """Writes speeds by entry as JSON."""
    values = {entry: dataclasses.asdict(s) for entry, s in speeds.items()}
    files.write_json(path, values)
