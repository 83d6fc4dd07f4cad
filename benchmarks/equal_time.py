"""Test accuracy of several networks after equal training time.

python -m benchmarks.equal_time --seconds 600 --seeds 0 1 2 --experiment real

First all networks train some epochs in turns, so that the machine's changes
of speed meet all alike; then each is trained for as many epochs as fit into
the seconds by its measured speed. So a machine that is busy meanwhile favours
nobody. All get the same data, augmentation, heads, losses, schedule and AdamW,
which both libraries have, and portraits of one size, so that epochs last alike.
A peer is trained with the settings of ours and with lighter ones, and those
that are better on the validation split count.

A finished run is read, not repeated; one that was stopped goes on. Needs
`pip install -r requirements-benchmarks.txt` for the network in PyTorch.
"""

import dataclasses
import pathlib
import shlex

from benchmarks.comparison import Row
from benchmarks.comparison import print_table
from benchmarks.epoch_speed import EpochSpeed
from benchmarks.epoch_speed import measure_epochs
from benchmarks.epoch_speed import read_speeds
from benchmarks.epoch_speed import write_speeds
from benchmarks.finished_runs import file_name
from benchmarks.finished_runs import hits_on_test
from benchmarks.finished_runs import run_module
from benchmarks.recipes import RECIPES
from benchmarks.torch_peer import TORCH_NETWORK
from tp_keras.config import ExperimentConfig
from tp_keras.errors import UserError
from tp_keras.runs.run_folder import RunFolder
from training.command import read_experiment
from training.command import run
from training.command import start_tensorflow
from training.configs import EXPERIMENTS

ROOT = pathlib.Path("runs/equal_time")

# What a peer is trained with: flags of training.train.
SETTINGS = {
    "experiment": "",
    "light": (
        "--dropout_rate 0.2 --weight_decay 0.05 --label_smoothing 0.05 "
        "--averaging 0.99 --shift 0.05 --zoom 0.1 --rotation 8 "
        "--brightness 0.2 --contrast 0 --erasing 0"
    ),
}


@dataclasses.dataclass(frozen=True)
class EqualTime:
    """Compares the accuracy of networks after equal training time."""

    seconds: int = 600
    """Training time of each network."""
    experiment: str = "real"
    """Name of an experiment of training/configs."""
    networks: tuple[str, ...] = ("portrait_s", "portrait_m")
    """Our networks. Flags of training.train may follow a name, in one string:
    "portrait_s --learning_rate 0.004"."""
    peers: tuple[str, ...] = (
        "MobileNetV3Small",
        "MobileNetV2(alpha=0.35)",
        "MobileNet(alpha=0.25)",
        TORCH_NETWORK,
    )
    """The networks to compare with, written in the same way."""
    settings: tuple[str, ...] = tuple(SETTINGS)
    """Settings that each peer is tried with."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """One run each for our networks, and for the best peer."""
    peer_seeds: tuple[int, ...] = (0,)
    """One run each for every peer and setting."""
    rounds: int = 5
    """Epochs of each network that its speed is the median of."""
    reuse_speeds: bool = True
    """Whether to take the stored speeds, if they are of these networks."""
    only_speeds: bool = False
    """Whether to end when the speeds are stored: they want a quiet machine,
    the trainings don't."""
    data_dir: pathlib.Path = pathlib.Path("data/tfds")
    """Folder of the prepared data sets."""

    def execute(self) -> None:
        """Measures, trains what isn't trained, prints a table."""
        unknown = set(self.settings) - set(SETTINGS)
        if unknown or not self.settings:
            raise UserError(
                f"Expected settings out of {', '.join(SETTINGS)}. "
                f"Received: settings={self.settings}"
            )
        speeds = self._speeds()
        self._print_speeds(speeds)
        if self.only_speeds:
            return
        ours = [
            self._train(entry, "experiment", self.seeds, speeds[entry])
            for entry in self.networks
        ]
        peers = [self._train_peer(entry, speeds[entry]) for entry in self.peers]
        # The best peer on the test split, the hardest one to compare with,
        # gets as many seeds as ours; should it fall behind, the next one does.
        while peers:
            best = max(peers, key=lambda row: row.mean)
            if set(self.seeds) <= set(best.seeds):
                break
            seeds = sorted({*self.seeds, *best.seeds})
            peers[peers.index(best)] = self._train(
                best.entry, best.settings, seeds, best.speed
            )
        print_table(self.experiment, self.seconds, ours, peers)

    def _speeds(self) -> dict[str, EpochSpeed]:
        """Returns the speeds by entry, stored or measured."""
        path = ROOT / f"{self.experiment}-speeds.json"
        entries = [*self.networks, *self.peers]
        if self.reuse_speeds and path.exists():
            stored = read_speeds(path)
            if set(entries) <= set(stored):
                return stored
        speeds = measure_epochs(
            {entry: self._config(entry) for entry in entries},
            train_in_turns,
            self.rounds,
        )
        write_speeds(path, speeds)
        return speeds

    def _print_speeds(self, speeds):
        print("\n| network | images/s | s an epoch | epochs |")
        print("| --- | --- | --- | --- |")
        for entry in [*self.networks, *self.peers]:
            speed = speeds[entry]
            print(
                f"| {entry} | {speed.images_per_second:,.0f} | "
                f"{speed.seconds:.2f} | {speed.epochs_within(self.seconds)} |"
            )
        print(flush=True)

    def _config(self, entry) -> ExperimentConfig:
        return read_experiment(EXPERIMENTS, self._words(entry))

    def _words(self, entry):
        """Returns the words of training.train that say what an entry says."""
        network, flags = split_entry(entry)
        alike = RECIPES.get(self.experiment, {}).get("before", "")
        return [
            *(self.experiment, *shlex.split(alike)),
            *("--backbone", network, *flags),
            *("--data_dir", str(self.data_dir)),
        ]

    def _train_peer(self, entry, speed) -> Row:
        """Trains with each of the settings, returns the best by validation."""
        rows = [
            self._train(entry, settings, self.peer_seeds, speed)
            for settings in self.settings
        ]
        for row in rows:
            print(
                f"{row.name}: validation score {row.validation:.4f}, "
                f"seeds {', '.join(map(str, row.seeds))}"
            )
        return max(rows, key=lambda row: row.validation)

    def _train(self, entry, settings, seeds, speed) -> Row:
        """Trains what isn't trained yet, in processes of their own."""
        epochs = speed.epochs_within(self.seconds)
        row = Row(entry, settings, speed, {})
        for seed in seeds:
            folder = (
                ROOT
                / f"{self.experiment}-{self.seconds}"
                / f"{file_name(row.name)}-seed{seed}"
            )
            finished = RunFolder(folder)
            if not finished.is_finished:
                network, _ = split_entry(entry)
                run_module(
                    "benchmarks.torch_peer"
                    if network == TORCH_NETWORK
                    else "training.train",
                    *self._words(entry),
                    *shlex.split(SETTINGS[settings]),
                    *("--epochs", epochs, "--seed", seed, "--run_dir", folder),
                )
            # Kept in the folder: the table comes without a wait.
            hits_on_test(finished)
            row.runs[seed] = finished
        return row


def split_entry(entry: str) -> tuple[str, list[str]]:
    """Splits an entry into the network's name and flags of training.train.

    Example:
        >>> split_entry("MobileNetV2(alpha=0.35) --dropout_rate 0.2")
        ('MobileNetV2(alpha=0.35)', ['--dropout_rate', '0.2'])
    """
    name, dashes, flags = entry.partition(" --")
    return name, shlex.split(dashes + flags)


def train_in_turns(config, turns) -> RunFolder:
    """Trains an experiment that stops where an epoch begins."""
    if config.model.backbone == TORCH_NETWORK:
        from benchmarks import torch_peer

        return torch_peer.train(config, turns)
    start_tensorflow()
    import keras

    from tp_keras.runs.trainer import Trainer

    class InTurns(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            turns.next_epoch()

        def on_train_end(self, logs=None):
            turns.next_epoch()

    return Trainer(config, progress=False, callbacks=[InTurns()]).fit()


if __name__ == "__main__":
    run(EqualTime)
