"""The way of the pixels: first epoch, cached epoch, memory, waiting.

python -m benchmarks.input_pipeline

Builds the synthetic data set if it isn't there. The rates are set against what
the default network eats in the same run.
"""

import dataclasses
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from training.command import run
from training.command import start_tensorflow


@dataclasses.dataclass(frozen=True)
class InputPipeline:
    """Prints memory and waiting of a training, and the speed of each stage."""

    data_dir: pathlib.Path = pathlib.Path("data/tfds")
    """Folder of the prepared data sets."""
    counts: tuple[int, ...] = (12_000, 24_000)
    """Numbers of synthetic portraits for the memory; the first is timed."""
    rounds: int = 5
    """How often pipeline and network have their turn."""

    def execute(self) -> None:
        """Measures and prints the tables."""
        names = [self._prepare(count) for count in self.counts]
        self._print_training(names)
        self._print_rates(names[0])

    def _prepare(self, count):
        """Builds a data set, or reuses it, and returns its name."""
        command = [sys.executable, "-m", "training.build_dataset"]
        command += ["--count", str(count), "--data_dir", str(self.data_dir)]
        output = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, text=True
        ).stdout
        return next(
            line.split()[0]
            for line in output.splitlines()
            if line.endswith(" is ready.")
        )

    def _print_training(self, names):
        """Trains one epoch of each in a process of its own."""
        header = ["training portraits", "decoded MB", "peak MB", "beyond"]
        header += ["epoch s", "cores", "waits for input", "step to step alone"]
        print("\n| " + " | ".join(header) + " |\n|" + " --- |" * len(header))
        for name in names:
            folder = tempfile.mkdtemp(prefix="tp_keras_")
            code = TRAINING_PROBE.format(
                run_dir=f"{folder}/run", data_dir=str(self.data_dir), name=name
            )
            output = subprocess.run(
                [sys.executable, "-c", code],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            ).stdout
            shutil.rmtree(folder)
            found = json.loads(output.splitlines()[-1])
            cache, peak = found["decoded"], found["peak"]
            seconds = found["epoch_seconds"]
            cells = [f"{found['count']:,}"]
            cells += [f"{v / 1e6:,.0f}" for v in (cache, peak, peak - cache)]
            cells += [
                f"{seconds:,.1f}",
                f"{found['cpu_seconds'] / seconds:.2f}",
            ]
            cells += [f"{found['share']:.1%}", f"{found['slowdown']:.2f}"]
            print("| " + " | ".join(cells) + " |")

    def _print_rates(self, name):
        """Times decoding, the cached pipeline and the network in turn."""
        start_tensorflow()
        import keras

        from tp_keras.config import DEFAULT_BACKBONE
        from tp_keras.config import AugmentConfig
        from tp_keras.data.pipeline import TrainingBatches
        from tp_keras.data.source import load_portraits
        from tp_keras.models import PortraitClassifier
        from tp_keras.models import create_backbone

        begin = time.perf_counter()
        portraits = load_portraits(self.data_dir, name, "train", "memory")
        decoding = len(portraits) / (time.perf_counter() - begin)

        schema = portraits.schema
        model = PortraitClassifier(
            create_backbone(DEFAULT_BACKBONE, schema.image_shape), schema
        )
        model.compile(keras.optimizers.AdamW(1e-3))
        stages = {
            "cached epoch: shuffle, gather": TrainingBatches(
                portraits, model.targets
            ),
            "the same with augmentation": TrainingBatches(
                portraits, model.targets, augment_config=AugmentConfig()
            ),
        }
        rates = {stage: [] for stage in (*stages, DEFAULT_BACKBONE)}
        batch = next(iter(stages["cached epoch: shuffle, gather"].dataset()))
        model.train_on_batch(*batch)
        for _ in range(self.rounds):
            for stage, batches in stages.items():
                iterator = iter(batches.dataset())
                next(iterator)
                rates[stage].append(
                    _rate(lambda: next(iterator), 100)  # noqa: B023
                )
            rates[DEFAULT_BACKBONE].append(
                _rate(lambda: model.train_on_batch(*batch), 15)
            )
        eaten = statistics.median(rates.pop(DEFAULT_BACKBONE))
        print(
            f"\n{DEFAULT_BACKBONE} eats {eaten:,.0f} portraits/s "
            f"(training step, batch of 64, {self.rounds} rounds in turn).\n"
        )
        print("| stage | portraits/s | x what it eats |\n| --- | --- | --- |")
        stages = {"first epoch: read, decode, hash": decoding}
        stages |= {stage: statistics.median(r) for stage, r in rates.items()}
        for stage, rate in stages.items():
            print(f"| {stage} | {rate:,.0f} | {rate / eaten:.1f} |")


# Its own peak, in a process that does nothing else.
TRAINING_PROBE = """
import dataclasses, json, resource
from training.command import start_tensorflow
start_tensorflow()
from benchmarks.input_waiting import WaitingTrainer
from tp_keras.config import *
trainer = WaitingTrainer(ExperimentConfig(
    run_dir={run_dir!r},
    data=DataConfig({data_dir!r}, {name!r}, "memory"),
    training=TrainingConfig(epochs=1, warmup_epochs=0),
), progress=False)
sizes = []
load = trainer._load
def remember(split):
    portraits = load(split)
    sizes.append((len(portraits), portraits.images.nbytes))
    return portraits
trainer._load = remember
trainer.fit()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps(dict(
    dataclasses.asdict(trainer.waiting),
    count=sizes[0][0], decoded=sum(size for _, size in sizes), peak=peak,
)))
"""


def _rate(step, count):
    """Returns portraits per second of `count` steps of 64."""
    begin = time.perf_counter()
    for _ in range(count):
        step()
    return count * 64 / (time.perf_counter() - begin)


if __name__ == "__main__":
    run(InputPipeline)
