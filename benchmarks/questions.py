"""Questions to a data set, each a table: variants at equal total time.

python -m benchmarks.questions --question sharing --experiment utkface

* `sharing`: one network for all tasks against one for each task and against
  two, the numbers apart. Each variant has the same seconds, shared out among
  its networks.
* `sharing_parameters`: the same where the networks of a variant have as many
  parameters all together.
* `number_heads`: the number as such, its distribution, or how many levels are
  passed.
* `sizes`: the presets.
* `transfer`: networks of keras.applications. `--weights imagenet` downloads
  theirs; without, they begin at random.

A finished network is read, not trained again, also where another question asks
for the same; one that was stopped begins anew.
"""

import dataclasses
import json
import math
import pathlib
import shutil
import statistics
import typing

import numpy as np

from benchmarks.finished_runs import file_name
from benchmarks.finished_runs import hits
from benchmarks.finished_runs import learned_tasks
from benchmarks.tables import print_markdown
from tp_keras import files
from tp_keras.config import NUMBER_HEADS
from tp_keras.errors import UserError
from tp_keras.runs.run_folder import RunFolder
from tp_keras.tasks import REGRESSION
from training.command import read_experiment
from training.command import run
from training.command import start_tensorflow
from training.configs import EXPERIMENTS

ROOT = pathlib.Path("runs/questions")

APPLICATIONS = ("VGG16", "ResNet50", "MobileNetV2")

# Of a variant the sum over its networks, of everything else one network's.
SUMS = {"parameters": "{:,.0f}", "passes": "{:.1f}"}


class Network(typing.NamedTuple):
    """A network of a variant.

    Attributes:
        tasks: Names of its tasks; none for all.
        settings: What of the experiment's `ModelConfig` is changed, by name.
    """

    tasks: tuple[str, ...] = ()
    settings: dict[str, str] = {}

    def name(self, model, all_tasks) -> str:
        """Returns what of a `ModelConfig` it changes, as the name of a file."""
        changed = [
            f"{name}={value}"
            for name, value in self.settings.items()
            if getattr(model, name) != value
        ]
        if self.tasks and set(self.tasks) != set(all_tasks):
            changed.append("+".join(self.tasks))
        return file_name(" ".join(changed) or "as-it-is")


@dataclasses.dataclass(frozen=True)
class Questions:
    """Trains the variants of a question and prints their figures."""

    question: str
    """Out of sharing, sharing_parameters, number_heads, sizes, transfer."""
    experiment: str = "utkface"
    """Name of an experiment of training/configs."""
    flags: str = ""
    """More flags of training.train for all, in one string."""
    seconds: float = 240.0
    """Training time of a variant, all its networks together, at the speed of
    a rehearsal: a machine that is busy meanwhile favours nobody."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """One run each."""
    weights: str = ""
    """Weights of keras.applications in `transfer`: imagenet, or at random."""
    data_dir: str = "data/tfds"
    """Folder of the prepared data sets."""

    def execute(self) -> None:
        """Trains what isn't trained, and prints a table."""
        start_tensorflow()
        from tp_keras.data.source import load_portraits

        words = [self.experiment, "--data_dir", self.data_dir]
        config = read_experiment(EXPERIMENTS, [*words, *self.flags.split()])
        portraits = {
            split: load_portraits(*config.data.location(split))
            for split in ("train", "validation", "test")
        }
        variants = find_variants(
            self.question, portraits["train"].schema, config, self.weights
        )
        timers = {}
        print_table(
            {
                name: [
                    self._measure(config, portraits, networks, seed, timers)
                    for seed in self.seeds
                ]
                for name, networks in variants.items()
            }
        )

    def _measure(self, config, portraits, networks, seed, timers) -> dict:
        """Returns the figures of a variant with a seed, by their names."""
        figures = dict.fromkeys(SUMS, 0)
        seconds = self.seconds / len(networks)
        of_all = file_name(f"{self.flags} {seconds:g}s seed{seed}")
        folder = ROOT / self.experiment / of_all
        schema = portraits["train"].schema
        for network in networks:
            name = network.name(config.model, schema.task_names)
            own = dataclasses.replace(
                config,
                run_dir=str(folder / name / "run"),
                model=dataclasses.replace(
                    config.model, tasks=network.tasks, **network.settings
                ),
                training=dataclasses.replace(config.training, seed=seed),
            )
            found = train_and_test(own, portraits, seconds, timers)
            sums = {name: figures[name] + found[name] for name in SUMS}
            figures |= found | sums
        return figures


def find_variants(
    question, schema, config, weights=""
) -> dict[str, list[Network]]:
    """Returns the networks of each variant of a question.

    Args:
        question: See the module.
        schema: `Schema` of the data set.
        config: `ExperimentConfig` that is varied.
        weights: Of keras.applications, in `transfer`.

    Raises:
        UserError: If there is no such question, or no answer here.
    """
    from tp_keras.models.presets import BACKBONE_PRESETS

    numbers = [task.name for task in schema.tasks if task.kind == REGRESSION]
    if question in ("sharing", "sharing_parameters"):
        others = [name for name in schema.task_names if name not in numbers]
        variants = {
            "one network": [schema.task_names],
            "one for each task": [(name,) for name in schema.task_names],
        }
        if numbers and others:
            variants["numbers apart"] = [tuple(numbers), tuple(others)]
        return {
            variant: [
                Network(
                    tasks,
                    {"backbone": narrowed(config.model.backbone, len(parts))}
                    if question == "sharing_parameters"
                    else {},
                )
                for tasks in parts
            ]
            for variant, parts in variants.items()
        }
    arguments = f"(weights={weights!r})" if weights else ""
    settings = {
        "number_heads": [{"number_head": x} for x in NUMBER_HEADS if numbers],
        "sizes": [{"backbone": preset} for preset in BACKBONE_PRESETS],
        "transfer": [
            {"backbone": config.model.backbone},
            *({"backbone": f"{name}{arguments}"} for name in APPLICATIONS),
        ],
    }
    if not settings.get(question):
        raise UserError(
            f"Expected a question out of sharing, sharing_parameters, "
            f"{', '.join(settings)}; number_heads where there are numbers. "
            f"Received: question={question}"
        )
    return {
        changed: [Network(settings={name: changed})]
        for each in settings[question]
        for name, changed in each.items()
    }


def narrowed(preset, count) -> str:
    """Returns a preset with about a `count`-th of its parameters.

    Example:
        >>> narrowed("portrait_s", 4)
        'portrait_s(stem_channels=8, stages=((16, 0, 2), (32, 1, 2), (48, 2, 2)))'
    """  # noqa: E501
    from tp_keras.models.presets import BACKBONE_PRESETS

    if preset not in BACKBONE_PRESETS:
        raise UserError(
            f"Expected a backbone out of {', '.join(BACKBONE_PRESETS)}. "
            f"Received: backbone={preset}"
        )

    def width(channels):
        return max(8 * round(channels / math.sqrt(count) / 8), 8)

    layers = BACKBONE_PRESETS[preset]
    stages = tuple(
        (width(channels), blocks, stride)
        for channels, blocks, stride in layers["stages"]
    )
    stem = width(layers["stem_channels"])
    return f"{preset}(stem_channels={stem}, stages={stages})"


def train_and_test(config, portraits, seconds, timers) -> dict[str, float]:
    """Returns the figures of a network, trained for so many seconds if need be.

    Args:
        config: `ExperimentConfig`.
        portraits: Dict: split -> `Portraits`.
        seconds: Float.
        timers: Dict: `ModelConfig` -> `StepTimer`, which is added to, so that
            all seeds of a network take the same steps.
    """
    folder = pathlib.Path(config.run_dir)
    path = folder.with_name("figures.json")
    if path.exists():
        return json.loads(path.read_text())
    from tp_keras.tuning import time_budget

    # How many epochs fit in is measured anew: nothing to go on with.
    shutil.rmtree(folder, ignore_errors=True)
    if config.model not in timers:
        timers[config.model] = time_budget.rehearse(config, portraits)
    timer = timers[config.model]
    finished, _ = time_budget.train_for(config, portraits, seconds, timer)
    passes = finished.facts["examples_seen"] / len(portraits["train"])
    figures = {"parameters": finished.facts["parameters"], "passes": passes}
    figures |= figures_on_test(finished, portraits["test"])
    files.write_json(path, figures)
    return figures


def figures_on_test(finished: RunFolder, test) -> dict[str, float]:
    """Returns accuracies, and mean errors of numbers, on the test split."""
    answers = finished.load_model().predict_answers(test.images, verbose=0)
    figures = {}
    for task in learned_tasks(finished):
        labels, answer = test.labels[task.name], answers[task.name]
        name = task.name
        if task.kind == REGRESSION:
            errors = np.abs(answer - labels)
            figures[f"{name} mean error"] = float(np.nanmean(errors))
            name += f" within {task.tolerance:g}"
        figures[name] = float(np.nanmean(hits(task, labels, answer)))
    return figures


def print_table(rows: dict[str, list[dict]]) -> None:
    """Prints mean and range over the seeds.

    Args:
        rows: Dict: variant -> its figures with each seed.
    """
    names = list(next(iter(rows.values()))[0])
    cells = []
    for variant, found in rows.items():
        cells.append([variant])
        for name in names:
            values = [figures[name] for figures in found]
            low, high = min(values), max(values)
            form = SUMS.get(name, "{:.3f} ({:.3f} to {:.3f})")
            cells[-1].append(form.format(statistics.mean(values), low, high))
    print_markdown(["variant", *names], cells)


if __name__ == "__main__":
    run(Questions)
