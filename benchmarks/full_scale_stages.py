"""The stages from nothing to a trained epoch, each in a process of its own.

python -m benchmarks.full_scale_stages --stage draw --folder FOLDER \
    --count 5000

Used by `benchmarks.full_scale`, which reads the JSON in the last line.
"""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import time
from typing import Any

from benchmarks.processor_time import processor_seconds
from tp_keras.errors import UserError
from training.command import run

_NAME = "tiny_portraits/archives"


@dataclasses.dataclass(frozen=True)
class FullScaleStage:
    """Runs one stage and prints what it took."""

    stage: str
    """Name of a stage."""
    folder: pathlib.Path
    """Folder that the stages of one number of portraits share."""
    count: int
    """The number of portraits."""
    backbone: str = ""
    """The backbone to train; the default one if empty."""

    def execute(self) -> None:
        """Prints a JSON line."""
        begin_stage = _STAGES[self.stage](self)
        cpu, begin = processor_seconds(), time.perf_counter()
        found = begin_stage()
        seconds = time.perf_counter() - begin
        found = {
            "seconds": seconds,
            "cpu_seconds": processor_seconds() - cpu,
            **found,
        }
        print(f"\n{json.dumps(found)}", flush=True)


def _size(folder: pathlib.Path) -> int:
    """Returns the bytes of all files in a folder."""
    return sum(
        path.stat().st_size for path in folder.rglob("*") if path.is_file()
    )


# Each of these imports what its stage needs and returns the stage itself, so
# that the clock leaves out the seconds that imports take.


def _draw(command: FullScaleStage):
    from datasets.tiny_portraits import Builder

    def stage() -> dict[str, Any]:
        pack = Builder.draw_pack(command.folder / "pack", command.count)
        archives = len(list(pack.glob("*/*.zip")))
        return {"disk": _size(pack), "archives": archives}

    return stage


def _build(command: FullScaleStage):
    _start_tensorflow()
    from datasets.building.prepare import prepare

    def stage() -> dict[str, Any]:
        folder = command.folder
        builder = prepare("tiny_portraits", folder / "tfds", folder / "pack")
        splits = builder.info.splits.items()
        return {
            "disk": _size(pathlib.Path(builder.data_path)),
            "splits": {name: split.num_examples for name, split in splits},
        }

    return stage


def _decode(command: FullScaleStage):
    """Both splits of a training are decoded, as in its first epoch."""
    load = _loader(command)
    return lambda: {"disk": sum(load(s).images.nbytes for s in _SPLITS)}


def _decode_again(command: FullScaleStage):
    load = _loader(command)
    return lambda: {"portraits": sum(len(load(s)) for s in _SPLITS)}


def _input_epoch(command: FullScaleStage, augmented: bool):
    load = _loader(command)
    from tp_keras.config import AugmentConfig
    from tp_keras.data.pipeline import TrainingBatches

    portraits = load("train")
    batches = TrainingBatches(
        portraits,
        targets={task.name: task for task in portraits.schema.tasks},
        augment_config=AugmentConfig() if augmented else None,
    )
    next(iter(batches.dataset()))  # Traces the graph.

    def stage() -> dict[str, Any]:
        import tqdm

        steps = batches.steps_per_epoch
        for _ in tqdm.tqdm(batches.dataset().take(steps), total=steps):
            pass
        return {"portraits": steps * batches.batch_size}

    return stage


def _cached(command: FullScaleStage):
    return _input_epoch(command, augmented=False)


def _augmented(command: FullScaleStage):
    return _input_epoch(command, augmented=True)


def _train(command: FullScaleStage):
    _start_tensorflow()
    from benchmarks.input_waiting import WaitingTrainer
    from tp_keras.config import DEFAULT_BACKBONE
    from tp_keras.config import DataConfig
    from tp_keras.config import ExperimentConfig
    from tp_keras.config import ModelConfig
    from tp_keras.config import TrainingConfig

    trainer = WaitingTrainer(
        ExperimentConfig(
            run_dir=str(command.folder / "run"),
            data=DataConfig(str(command.folder / "tfds"), _NAME, "disk"),
            model=ModelConfig(backbone=command.backbone or DEFAULT_BACKBONE),
            training=TrainingConfig(epochs=1, warmup_epochs=0),
        )
    )

    def stage() -> dict[str, Any]:
        trainer.fit()
        waiting = dataclasses.asdict(trainer.waiting)
        # Of the training steps alone, in place of the whole stage.
        waiting["seconds"] = waiting.pop("epoch_seconds")
        return {"disk": _size(command.folder / "run"), **waiting}

    return stage


def _start_tensorflow():
    from training.command import start_tensorflow

    start_tensorflow()


def _loader(command: FullScaleStage):
    _start_tensorflow()
    from tp_keras.data.source import load_portraits

    folder = command.folder / "tfds"
    # On disk for any number, so that the same is compared.
    return lambda split: load_portraits(folder, _NAME, split, "disk")


_SPLITS = ("train", "validation")

_STAGES = {
    "draw": _draw,
    "build": _build,
    "decode": _decode,
    "decode again": _decode_again,
    "cached": _cached,
    "augmented": _augmented,
    "train": _train,
}


def run_stage(stage: str, folder: pathlib.Path, count: int, backbone: str):
    """Runs a stage in a process of its own.

    Args:
        stage: Name of a stage.
        folder: Folder that the stages of one number of portraits share.
        count: The number of portraits.
        backbone: The backbone to train; the default one if empty.

    Returns:
        Dict of `seconds`, `cpu_seconds`, `peak` (bytes of the largest
        process) and what the stage adds.

    Raises:
        UserError: If the stage fails; it has said why.
    """
    command = [sys.executable, "-m", __name__, "--stage", stage]
    command += ["--folder", str(folder), "--count", str(count)]
    command += ["--backbone", backbone]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True
    ) as process:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        # What Popen would find out, had it waited itself.
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise UserError(
            f"The stage `{stage}` of {count:,} portraits failed; what it said "
            "stands above."
        )
    # Linux counts in KiB.
    peak = usage.ru_maxrss * 1024
    return {**json.loads(output.splitlines()[-1]), "peak": peak}


if __name__ == "__main__":
    run(FullScaleStage)
