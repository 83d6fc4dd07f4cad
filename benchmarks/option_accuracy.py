"""Accuracy after equal training time with one option changed.

First all options train some epochs in turns; then each is trained, in a
process of its own, for as many epochs as fit into the seconds by its measured
speed (`benchmarks.epoch_speed`). A finished run is read, not repeated; one
that was stopped goes on.
"""

import concurrent.futures
import dataclasses
import functools
import multiprocessing
import pathlib

import numpy as np
import tqdm

from benchmarks.comparison import paired_difference
from benchmarks.epoch_speed import EpochSpeed
from benchmarks.epoch_speed import measure_epochs
from benchmarks.epoch_speed import read_speeds
from benchmarks.epoch_speed import write_speeds
from benchmarks.finished_runs import file_name
from benchmarks.finished_runs import hits_on_test
from benchmarks.finished_runs import learned_tasks
from benchmarks.tables import print_markdown
from tp_keras.config import AugmentConfig
from tp_keras.config import ExperimentConfig
from tp_keras.errors import UserError
from tp_keras.runs.run_folder import RunFolder
from tp_keras.tasks import Schema
from training.command import read_experiment
from training.command import start_tensorflow
from training.configs import EXPERIMENTS

ROOT = pathlib.Path("runs/training_options")

PLAIN = "no merged branches"
PROGRESSIVE = "progressive resolution"

# Name -> flags of training.train. What `PLAIN` and `PROGRESSIVE` change is
# more than flags say.
OPTIONS = {
    "base": "",
    "float32": "--precision float32",
    "no averaged weights": "--averaging 0",
    "weak augmentation": " ".join(
        f"--{name} {value}"
        for name, value in dataclasses.asdict(AugmentConfig()).items()
    ),
    "neither erasing nor contrast": "--erasing 0 --contrast 0",
    PLAIN: "",
    PROGRESSIVE: "",
}

# Short epochs, so that whole ones fill the seconds of each option alike.
PASSES_PER_EPOCH = 2


@dataclasses.dataclass(frozen=True)
class OptionAccuracy:
    """Trains with each option and prints a table.

    Attributes:
        backbone: A preset.
        seconds: Training time of each.
        experiment: Name of an experiment of training/configs.
        options: Names out of `OPTIONS`; the others are compared with the
            first.
        seeds: One run each.
        rounds: Epochs of each that its speed is the median of.
        reuse_speeds: Whether to take the stored speeds.
        data_dir: Folder of the prepared data sets.
    """

    backbone: str
    seconds: int
    experiment: str
    options: tuple[str, ...]
    seeds: tuple[int, ...]
    rounds: int
    reuse_speeds: bool
    data_dir: pathlib.Path

    def execute(self) -> None:
        """Measures, trains what isn't trained, prints the table."""
        unknown = set(self.options) - set(OPTIONS)
        if unknown or not self.options or not self.seeds:
            raise UserError(
                f"Expected options out of {', '.join(map(repr, OPTIONS))} and "
                f"a seed. Received: options={self.options}, "
                f"seeds={self.seeds}"
            )
        start_tensorflow()
        speeds = self._speeds()
        runs = {
            option: [self._train(option, seed, speeds) for seed in self.seeds]
            for option in tqdm.tqdm(self.options, desc="options")
        }
        print_accuracies(self.experiment, self.seconds, runs, speeds)

    @functools.cached_property
    def schema(self) -> Schema:
        """That of the portraits."""
        from tp_keras.data.builders import find_builder
        from tp_keras.data.schema import read_schema

        data = self.config("base").data
        return read_schema(find_builder(data.data_dir, data.dataset))

    def config(self, option: str) -> ExperimentConfig:
        """Returns the settings of an option, for full-size portraits."""
        backbone = self.backbone
        if option == PLAIN:
            backbone = plain_backbone(backbone)
        return read_experiment(
            EXPERIMENTS,
            [
                *(self.experiment, "--backbone", backbone),
                *("--data_dir", str(self.data_dir)),
                *("--passes_per_epoch", str(PASSES_PER_EPOCH)),
                *OPTIONS[option].split(),
            ],
        )

    def _speeds(self) -> dict[str, EpochSpeed]:
        """Returns the speeds, stored or measured; also of small portraits."""
        configs = {option: self.config(option) for option in self.options}
        if PROGRESSIVE in configs:
            configs[_first_half(PROGRESSIVE)] = small_config(
                configs[PROGRESSIVE], self.schema
            )
        path = ROOT / f"{self.experiment}-{self.backbone}-speeds.json"
        if self.reuse_speeds and path.exists():
            stored = read_speeds(path)
            if set(configs) <= set(stored):
                return stored
        speeds = measure_epochs(configs, train_in_turns, self.rounds)
        write_speeds(path, speeds)
        return speeds

    def _train(self, option, seed, speeds) -> RunFolder:
        """Returns the finished run of an option, trained if need be."""
        config = self.config(option)
        folder = self._folder(option, seed)
        if option != PROGRESSIVE:
            return _finish(
                budgeted(config, speeds[option], self.seconds, seed, folder)
            )
        first = _first_half(option)
        first_folder = self._folder(first, seed)
        half = self.seconds / 2
        _finish(
            budgeted(
                small_config(config, self.schema),
                speeds[first],
                half,
                seed,
                first_folder,
            ),
            half=1,
        )
        return _finish(
            budgeted(config, speeds[option], half, seed, folder),
            half=2,
            first_run=first_folder,
        )

    def _folder(self, name, seed):
        name = file_name(f"{self.backbone} {name}")
        folder = f"{self.experiment}-{self.seconds}"
        return ROOT / folder / f"{name}-seed{seed}"


def plain_backbone(preset: str) -> str:
    """Returns a preset of merged blocks with plain convolutions instead.

    Each block becomes a stage of its own without blocks, which is a dense
    convolution of the same channels at the same size.

    Example:
        >>> plain_backbone("portrait_xs")
        'portrait_xs(stages=((32, 0, 2), (48, 0, 2), (48, 0, 1), (64, 0, 2), (64, 0, 1)))'
    """  # noqa: E501
    from tp_keras.models.presets import BACKBONE_PRESETS

    if BACKBONE_PRESETS.get(preset, {}).get("block_type") != "merged":
        raise UserError(
            f"Expected a preset with merged branches for {PLAIN!r}; leave the "
            f"option out for others. Received: backbone={preset}"
        )
    stages = []
    for channels, blocks, stride in BACKBONE_PRESETS[preset]["stages"]:
        stages.append((channels, 0, stride))
        stages += [(channels, 0, 1)] * blocks
    return f"{preset}(stages={tuple(stages)})"


def small_config(config: ExperimentConfig, schema: Schema) -> ExperimentConfig:
    """Returns the same settings for portraits of half the size."""
    height, width, channels = schema.image_shape
    shape = height // 2, width // 2, channels
    backbone = f"{config.model.backbone}(image_shape={shape})"
    return dataclasses.replace(
        config, model=dataclasses.replace(config.model, backbone=backbone)
    )


def budgeted(
    config: ExperimentConfig, speed: EpochSpeed, seconds, seed, folder
) -> ExperimentConfig:
    """Returns the settings with as many epochs as fit into `seconds`.

    The warm-up is cut to half of them, where it would take more.
    """
    epochs = speed.epochs_within(seconds)
    training = dataclasses.replace(
        config.training,
        epochs=epochs,
        seed=seed,
    )
    return dataclasses.replace(config, run_dir=str(folder), training=training)


def train_in_turns(config, turns) -> RunFolder:
    """Trains an experiment that stops where an epoch begins."""
    start_tensorflow()
    from benchmarks.progressive_resolution import PartTrainer

    return PartTrainer(config, turns=turns).fit()


def train_part(config, half, first_run) -> None:
    """Trains an experiment, or a half of it, to the end."""
    start_tensorflow()
    from benchmarks.progressive_resolution import PartTrainer

    PartTrainer(config, half=half, first_run=first_run).fit()


def _first_half(option):
    return f"{option}, first half"


def _finish(config, half=None, first_run=None):
    """Returns a finished run, trained in a process of its own if need be."""
    finished = RunFolder(config.run_dir)
    if not finished.is_finished:
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(1, context) as process:
            process.submit(train_part, config, half, first_run).result()
    return finished


# === The table ===


def print_accuracies(experiment, seconds, runs, speeds) -> None:
    """Prints accuracy on both splits, and how far each is ahead of the first.

    Args:
        experiment: What was trained.
        seconds: The training time that all were to have.
        runs: Dict: option -> its finished runs, one for each seed.
        speeds: Dict: option -> `EpochSpeed`.
    """
    base, *_ = runs
    hits = {
        option: np.stack([hits_on_test(run) for run in finished])
        for option, finished in runs.items()
    }
    test_counts = np.isfinite(hits[base][0]).sum(-1)
    names = [task.name for task in learned_tasks(runs[base][0])]
    counts = zip(
        names, _validation_counts(runs[base][0]), test_counts, strict=True
    )
    print(
        f"\n{experiment} with {PASSES_PER_EPOCH} passes in an epoch, "
        f"{seconds} s of training each by the speeds measured in turns; the "
        f"mean of {len(runs[base])} seed(s). Portraits with a "
        "label, validation and test: "
        + ", ".join(f"{name} {v} and {t}" for name, v, t in counts)
        + f". The last column is the test mean against {base!r} in points, "
        "with the 95 % interval of a paired bootstrap over the portraits, "
        "which leaves out what another seed would change.\n"
    )
    header = ["option", "precision", "images/s", "epochs", "s by speed"]
    header += [f"validation {name}" for name in names]
    header += [f"test {name}" for name in names]
    header += ["test mean", "against the first"]
    rows = []
    for option, finished in runs.items():
        validation = np.mean([_validation(run) for run in finished], axis=0)
        test = np.nanmean(hits[option], axis=-1).mean(0)
        facts = finished[0].facts
        cells = [
            option,
            facts["precision"],
            f"{speeds[option].images_per_second:,.0f}",
            str(facts["epochs"]),
            f"{speeds[option].seconds_of(facts['epochs']):.0f}",
            *(f"{value:.3f}" for value in (*validation, *test)),
            f"**{test.mean():.3f}**",
        ]
        points = ""
        if option != base:
            points = "{:+.1f} ({:+.1f} to {:+.1f})".format(
                *(
                    100 * value
                    for value in paired_difference(hits[option], hits[base])
                )
            )
        rows.append([*cells, points])
    print_markdown(header, rows)
    if PROGRESSIVE in runs:
        print(
            f"\n{PROGRESSIVE}: images/s, epochs and seconds are those of the "
            "second half of the time, at full size; before it at half of it "
            f"{speeds[_first_half(PROGRESSIVE)].images_per_second:,.0f} "
            "images/s."
        )


def _validation(run):
    """Returns the accuracies of the best epoch, the one that is kept."""
    best = run.read_history()[run.facts["best_epoch"] - 1]
    return [best[f"val_{task.name}_accuracy"] for task in learned_tasks(run)]


def _validation_counts(run):
    start_tensorflow()
    from tp_keras.data.labels import strata
    from tp_keras.data.source import load_portraits

    labels = load_portraits(*run.config.data.location("validation")).labels
    return [
        int((strata(task, labels[task.name]) >= 0).sum())
        for task in learned_tasks(run)
    ]
