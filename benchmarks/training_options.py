"""What each option of training gives, one changed at a time.

python -m benchmarks.training_options
python -m benchmarks.training_options --accuracy True

The first prints the speed of a training step, all rows in turns; the second
the accuracy after equal training time on the real archives, see
`benchmarks.option_accuracy`.
"""

import dataclasses
import os
import pathlib
import statistics

from benchmarks.option_accuracy import OPTIONS
from benchmarks.option_accuracy import OptionAccuracy
from benchmarks.option_speed import XLA_STEPS
from benchmarks.option_speed import ThreadedSubject
from benchmarks.option_speed import step_settings
from benchmarks.tables import median_ratio
from benchmarks.tables import print_markdown
from benchmarks.train_subject import StepSettings
from benchmarks.train_subject import Subject
from training.command import run
from training.command import start_tensorflow

# Name -> operations at a time, threads of an operation; 0 is the default.
THREADS = {
    "default threads": (0, 0),
    "inter-op 1, intra-op 2": (1, 2),
    "inter-op 2, intra-op 1": (2, 1),
    "inter-op 1, intra-op 1": (1, 1),
}
ONE_CORE = "inter-op 1, intra-op 1"


@dataclasses.dataclass(frozen=True)
class TrainingOptions:
    """Measures the options of training one by one."""

    accuracy: bool = False
    """Whether to compare accuracy after equal time instead of speed."""
    backbone: str = "portrait_s"
    """The preset that the options are tried with."""
    reference: str = "mobilenet_025"
    """A backbone for which bfloat16 is refused, to show why."""
    steps: int = 16
    """Steps of 64 portraits in a row before the next has its turn; with
    other batches as many portraits."""
    rounds: int = 7
    """How often each has its turn."""
    seconds: int = 120
    """Training time of each option with `accuracy`."""
    experiment: str = "real"
    """Experiment of training/configs that `accuracy` starts from."""
    options: tuple[str, ...] = tuple(OPTIONS)
    """The options of `accuracy`, the first to compare with."""
    seeds: tuple[int, ...] = (0,)
    """One run each of `accuracy`."""
    epoch_rounds: int = 3
    """Epochs that the speed of a training is the median of."""
    reuse_speeds: bool = True
    """Whether to take the stored speeds, if they are of these options."""
    data_dir: pathlib.Path = pathlib.Path("data/tfds")
    """Folder of the prepared data sets."""

    def execute(self) -> None:
        """Prints one of the two tables."""
        if self.accuracy:
            OptionAccuracy(
                backbone=self.backbone,
                seconds=self.seconds,
                experiment=self.experiment,
                options=self.options,
                seeds=self.seeds,
                rounds=self.epoch_rounds,
                reuse_speeds=self.reuse_speeds,
                data_dir=self.data_dir,
            ).execute()
        else:
            self._print_speeds()

    def _print_speeds(self):
        start_tensorflow()
        import tensorflow as tf
        import tqdm

        # One function for each network: it would take that for retracing.
        tf.get_logger().setLevel("ERROR")

        settings = step_settings(self.backbone, self.reference)
        subjects = {
            name: Subject(row)
            for name, row in tqdm.tqdm(settings.items(), desc="build")
        }
        threaded = {
            name: ThreadedSubject(StepSettings(self.backbone), *threads)
            for name, threads in tqdm.tqdm(THREADS.items(), desc="processes")
        }
        try:
            for _ in tqdm.trange(self.rounds, desc="rounds"):
                for subject in subjects.values():
                    subject.measure_training(
                        steps_of(subject.settings, self.steps)
                    )
                for process in threaded.values():
                    process.measure_training(self.steps)
                threaded[ONE_CORE].measure_warps()
        finally:
            for process in threaded.values():
                process.close()
        self._print_table(subjects, threaded)

    def _print_table(self, subjects, threaded):
        names = list(subjects)
        # The last row shows why it is refused, against the one before it.
        base, reference, refused = names[0], names[-2], names[-1]
        against = dict.fromkeys(names, subjects[base])
        against[reference] = against[refused] = subjects[reference]
        against |= dict.fromkeys(threaded, threaded["default threads"])
        print(
            f"\n{os.cpu_count()} cores, median of {self.rounds} rounds of "
            f"{self.steps * 64} portraits ({XLA_STEPS * 64} with XLA). As it "
            f"is trained: {subjects[base].precision}, FusedAdamW with averaged "
            "weights, fused normalisation, batches of 64. Each row changes one "
            "thing; layers change in the backbone. The ratio is the median of "
            f"those within a round, against the first row; of {refused!r} "
            f"against {reference!r}, and of the threads, each a process of "
            "its own, against such a process with the default.\n"
        )
        print_markdown(
            ["changed", "training images/s", "ratio"],
            [
                [
                    name,
                    f"{statistics.median(row.training):,.0f}",
                    f"{median_ratio(row.training, against[name].training):.2f}",
                ]
                for name, row in (subjects | threaded).items()
            ],
        )
        warps = threaded[ONE_CORE].warps
        print(
            "\nRotation, zoom and shift of a batch of 64 on one core: "
            + ", ".join(
                f"{name} {statistics.median(milliseconds):.1f} ms"
                for name, milliseconds in warps.items()
            )
            + " ({:.1f} times as long).".format(
                median_ratio(warps["TensorFlow"], warps["OpenCV"])
            )
        )


def steps_of(settings: StepSettings, steps: int) -> int:
    """Returns how many steps have the portraits of `steps` steps of 64.

    At least one, and few with XLA, which is slow.
    """
    if settings.jit_compile:
        return XLA_STEPS
    return max(steps * 64 // settings.batch_size, 1)


if __name__ == "__main__":
    run(TrainingOptions)
