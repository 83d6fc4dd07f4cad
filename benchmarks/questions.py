"""Questions to a data set, each a table: variants at equal total time.

python -m benchmarks.questions sharing --experiment utkface
python -m benchmarks.questions sharing_parameters --experiment utkface
python -m benchmarks.questions number_heads --experiment utkface
python -m benchmarks.questions sizes --experiment utkface
python -m benchmarks.questions transfer --experiment utkface

* `sharing`: one network for all tasks against one for each task and against
  two, the numbers apart. Each variant has the same seconds, shared out among
  its networks.
* `sharing_parameters`: the same where the networks of a variant have as many
  parameters all together.
* `number_heads`: the number as such, its distribution, or how many numbers
  are passed.
* `sizes`: presets from small to large.
* `transfer`: networks of keras.applications. `--weights imagenet` downloads
  theirs; without, they begin at random.

A finished network is read, not trained again.
"""

import dataclasses
import json
import math
import pathlib
import statistics

import numpy as np

from tp_keras.config import NUMBER_HEADS
from tp_keras.errors import UserError
from tp_keras.runs.run_folder import RunFolder
from tp_keras.tasks import REGRESSION
from training.command import read_experiment
from training.command import run
from training.command import start_tensorflow
from training.configs import EXPERIMENTS

ROOT = pathlib.Path("runs/questions")

_PRESETS = ("portrait_xs", "mobilenet_025", "portrait_s", "portrait_m")
_APPLICATIONS = ("VGG16", "ResNet50", "MobileNetV2")


@dataclasses.dataclass(frozen=True)
class Network:
    """A network of a variant: what it learns, and with what.

    Attributes:
        tasks: Names of its tasks.
        share: Its share of the variant's seconds.
        flags: Settings of the experiment that are changed, by name.
    """

    tasks: tuple[str, ...]
    share: float = 1.0
    flags: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Questions:
    """Trains the variants of a question and prints their figures."""

    question: str
    """Out of sharing, sharing_parameters, number_heads, sizes, transfer."""
    experiment: str = "utkface"
    """Name of an experiment of training/configs."""
    seconds: float = 240.0
    """Training time of a variant, all its networks together."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """One run each."""
    weights: str = ""
    """Weights of keras.applications in `transfer`: imagenet, or at random."""
    data_dir: str = "data/tfds"
    """Folder of the prepared data sets."""
    dataset: str = ""
    """Data set instead of the experiment's."""

    def execute(self) -> None:
        """Trains what isn't trained, and prints a table."""
        start_tensorflow()
        from tp_keras.data.source import load_portraits

        words = [self.experiment, "--data_dir", self.data_dir]
        if self.dataset:
            words += ["--dataset", self.dataset]
        config = read_experiment(EXPERIMENTS, words)
        portraits = {
            split: load_portraits(*config.data.location(split))
            for split in ("train", "validation", "test")
        }
        variants = self._variants(config, portraits["test"].schema)
        rows = {
            name: [
                self._figures(config, portraits, name, networks, seed)
                for seed in self.seeds
            ]
            for name, networks in variants.items()
        }
        print_table(rows)

    def _variants(self, config, schema) -> dict[str, list[Network]]:
        """Returns the networks of each variant of the question."""
        names = schema.task_names
        numbers = [t.name for t in schema.tasks if t.kind == REGRESSION]
        if self.question in ("sharing", "sharing_parameters"):
            others = [name for name in names if name not in numbers]
            parts = {
                "one network": [names],
                "one for each task": [[name] for name in names],
            }
            if numbers and others:
                parts["numbers apart"] = [numbers, others]
            narrow = self.question == "sharing_parameters"
            return {
                variant: [
                    Network(
                        tuple(tasks),
                        1 / len(groups),
                        _narrowed(config, len(groups)) if narrow else {},
                    )
                    for tasks in groups
                ]
                for variant, groups in parts.items()
            }
        weights = f"(weights={self.weights!r})" if self.weights else ""
        flags = {
            "number_heads": [{"number_head": head} for head in NUMBER_HEADS],
            "sizes": [{"backbone": preset} for preset in _PRESETS],
            "transfer": [
                {"backbone": config.model.backbone},
                *({"backbone": f"{name}{weights}"} for name in _APPLICATIONS),
            ],
        }
        if self.question not in flags:
            raise UserError(
                "Expected a question out of sharing, sharing_parameters, "
                f"{', '.join(flags)}. Received: question={self.question}"
            )
        return {
            " ".join(changed.values()): [Network(names, flags=changed)]
            for changed in flags[self.question]
        }

    def _figures(self, config, portraits, variant, networks, seed) -> dict:
        """Returns the figures of a variant with a seed, by their names."""
        figures = {"parameters": 0, "seconds": 0.0}
        for number, network in enumerate(networks):
            folder = (
                ROOT
                / self.experiment
                / self.question
                / (
                    f"{variant}-{number}-{self.seconds:g}s-seed{seed}".replace(
                        " ", "_"
                    )
                )
            )
            found = self._train(config, portraits, network, folder, seed)
            for name in ("parameters", "seconds"):
                figures[name] += found.pop(name)
            figures |= found
        return figures

    def _train(self, config, portraits, network, folder, seed) -> dict:
        """Returns the figures of a network, trained if it isn't yet."""
        path = folder / "figures.json"
        if path.exists():
            return json.loads(path.read_text())
        from tp_keras.tuning.time_budget import train_for

        config = dataclasses.replace(
            config,
            run_dir=str(folder),
            model=dataclasses.replace(
                config.model, tasks=network.tasks, **network.flags
            ),
            training=dataclasses.replace(config.training, seed=seed),
        )
        finished, _ = train_for(config, portraits, self.seconds * network.share)
        figures = {
            "parameters": finished.facts["parameters"],
            "seconds": finished.facts["seconds"],
            **test_figures(finished, portraits["test"]),
        }
        path.write_text(json.dumps(figures, indent=2) + "\n")
        print(f"{folder.name}: {figures}", flush=True)
        return figures


def _narrowed(config, count) -> dict[str, str]:
    """Returns the backbone with about a `count`-th of the parameters."""
    from tp_keras.models.presets import BACKBONE_PRESETS

    preset = BACKBONE_PRESETS[config.model.backbone]
    factor = math.sqrt(1 / count)

    def width(channels):
        return max(8, 8 * round(channels * factor / 8))

    stages = [
        (width(channels), blocks, stride)
        for channels, blocks, stride in preset["stages"]
    ]
    stem = width(preset["stem_channels"])
    return {
        "backbone": (
            f"{config.model.backbone}(stem_channels={stem}, stages={stages})"
        )
    }


def test_figures(finished: RunFolder, test) -> dict[str, float]:
    """Returns accuracies, and errors of numbers, on the test split."""
    answers = finished.load_model().predict_answers(test.images, verbose=0)
    figures = {}
    for task in test.schema.tasks:
        if task.name not in answers:
            continue
        labels, answer = test.labels[task.name], answers[task.name]
        if task.kind == REGRESSION:
            errors = np.abs(answer - labels)[np.isfinite(labels)]
            figures[f"{task.name} MAE"] = float(errors.mean())
            within = f"{task.name} within {task.tolerance:g}"
            figures[within] = float((errors <= task.tolerance).mean())
        elif task.has_classes:
            right = task.predicted(answer) == labels
            figures[task.name] = float(right[labels >= 0].mean())
    return figures


def print_table(rows: dict[str, list[dict]]) -> None:
    """Prints mean and range over the seeds, a row for each variant."""
    names = list(next(iter(rows.values()))[0])
    print("\n| variant | " + " | ".join(names) + " |")
    print("|" + " --- |" * (len(names) + 1))
    for variant, found in rows.items():
        cells = []
        for name in names:
            values = [figures[name] for figures in found]
            mean = statistics.mean(values)
            if name in ("parameters", "seconds"):
                cells.append(f"{mean:,.0f}")
            else:
                low, high = min(values), max(values)
                cells.append(f"{mean:.3f} ({low:.3f} to {high:.3f})")
        print(f"| {variant} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    run(Questions)
