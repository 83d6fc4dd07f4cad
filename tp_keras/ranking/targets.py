"""How a number and attributes are best learned from pictures, by networks.

Each question is a comparison of trainings that are alike in all else: the same
portraits in the same order, from the same seeds.
"""

import dataclasses
import functools
import pathlib
import warnings
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

import keras
import numpy as np
import tqdm
from scipy import stats

from tp_keras.config import ExperimentConfig
from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError
from tp_keras.evaluation.figures import figure
from tp_keras.evaluation.paired import compare
from tp_keras.ranking.columns import quantile_edges
from tp_keras.ranking.retold import classes_as_flags
from tp_keras.ranking.retold import number_as_classes
from tp_keras.records.intervals import percentile_interval
from tp_keras.records.intervals import resample_rows
from tp_keras.records.record import ALL
from tp_keras.runs.trainer import Trainer
from tp_keras.tasks import REGRESSION

# What the trainings are called, as the `variant` of their records.
TOGETHER, NUMBER_ALONE, REST_ALONE = "together", "number alone", "rest alone"
FLAGS, CLASSES, CUT = "as flags", "as classes", "number, cut"
# What `TOGETHER` is called where its classes exclude each other.
SOFTMAX = "softmax"

R2, SPEARMAN = "r2", "spearman"
R2_DIFFERENCE = "r2_difference"

_NUM_BOOTSTRAPS = 2000


@dataclasses.dataclass(frozen=True)
class Networks:
    """The trainings that the questions share, each made when it is asked for.

    Attributes:
        config: Settings but for tasks, seed and folder.
        portraits: `Portraits` as `"train"`, `"validation"` and `"test"`.
        number: Name of the task of numbers.
        seeds: Ints.
        folder: Where the runs lie; finished ones are read, not repeated.
        classes: Into how many classes the number is cut.

    Raises:
        UserError: If the number is none, or there are no seeds.
    """

    config: ExperimentConfig
    portraits: Mapping[str, Portraits]
    number: str
    seeds: Sequence[int]
    folder: pathlib.Path
    classes: int = 3

    def __post_init__(self):
        if self.task.kind != REGRESSION or not self.seeds:
            raise UserError(
                "Expected a task of numbers, and one or more seeds. Received: "
                f"task={self.number}, {self.task.kind}, seeds={self.seeds}"
            )

    @property
    def task(self):
        """The `Task` of numbers."""
        return self.portraits["train"].schema.task(self.number)

    @property
    def exclusive(self) -> tuple[str, ...]:
        """Names of the tasks of several classes that exclude each other."""
        schema = self.portraits["train"].schema
        return tuple(
            task.name
            for task in schema.tasks
            if task.has_classes and task.num_classes > 2
        )

    @functools.cached_property
    def edges(self) -> np.ndarray:
        """Where the number is cut: by training portraits alone."""
        values = self.portraits["train"].labels[self.number]
        return quantile_edges(values[~np.isnan(values)], self.classes)

    def run(self, name: str, seed: int, portraits=None, tasks=()):
        """Returns the finished run of a training; see `Trainer`.

        Args:
            name: What it is called.
            seed: Its seed.
            portraits: As the attribute, if they are others.
            tasks: Names of the tasks to learn; all where none is given.
        """
        own = dataclasses.replace(
            self.config,
            run_dir=str(self.folder / f"{name.replace(' ', '-')}-seed{seed}"),
            model=dataclasses.replace(self.config.model, tasks=tuple(tasks)),
            training=dataclasses.replace(self.config.training, seed=seed),
        )
        seen = {
            split: (portraits or self.portraits)[split]
            for split in ("train", "validation")
        }
        trainer = Trainer(own, progress=False, portraits=seen)
        if not trainer.run.is_finished:
            tqdm.tqdm.write(f"Trains: {name}, seed {seed}")
        run = trainer.fit()
        keras.utils.clear_session()  # Collects the garbage, too.
        return run

    def answers(self, name: str) -> dict[str, np.ndarray]:
        """Returns what the networks of a way say of the test portraits.

        Args:
            name: `TOGETHER` and the like.

        Returns:
            Dict: task -> float array `[seeds, count]` or
            `[seeds, count, classes]`.
        """
        names = self.portraits["train"].schema.task_names
        rest = [task for task in names if task != self.number]
        tasks = {NUMBER_ALONE: [self.number], REST_ALONE: rest}.get(name, ())
        portraits = self.portraits
        if name == FLAGS:
            change = functools.partial(classes_as_flags, names=self.exclusive)
        elif name == CLASSES:
            change = functools.partial(
                number_as_classes, name=self.number, edges=self.edges
            )
        if name in (FLAGS, CLASSES):
            portraits = {k: change(part) for k, part in portraits.items()}
        images = self.portraits["test"].images
        found = {}
        for seed in self.seeds:
            run = self.run(name, seed, portraits, tasks)
            said = run.load_model().predict_answers(images, verbose=0)
            for task in run.schema.get_tasks(tasks):
                found.setdefault(task.name, []).append(said[task.name])
        return {task: np.stack(values) for task, values in found.items()}


def of_number(
    ways: Mapping[str, np.ndarray], labels: np.ndarray, base: str
) -> Iterator[dict]:
    """Yields the figures of a number, and what sets ways off from the first.

    Args:
        ways: Name -> answers `[seeds, count]`.
        labels: Floats `[count]`, NaN where missing.
        base: The way that the others are held against.

    Yields:
        Fields of records: `R2` and `SPEARMAN`, means over the seeds, and
        `R2_DIFFERENCE` with an interval by resampling portraits and seeds,
        the same for both.
    """
    known = ~np.isnan(labels)
    true, count = labels[known].astype(np.float64), int(known.sum())
    about = {"group": ALL}
    drawn = {}
    for name, answers in ways.items():
        own = np.asarray(answers, np.float64)[:, known]
        value, drawn[name] = _r2(own, true)
        about["variant"] = name
        interval = percentile_interval(drawn[name])
        yield figure(R2, value, count, interval, **about)
        with warnings.catch_warnings():
            # Of an answer that never changes there is no correlation.
            warnings.simplefilter("ignore", stats.ConstantInputWarning)
            order = [stats.spearmanr(row, true).statistic for row in own]
        yield figure(SPEARMAN, np.mean(order), count, **about)
        if name != base:
            gain = value - _r2(np.float64(ways[base])[:, known], true)[0]
            interval = percentile_interval(drawn[name] - drawn[base])
            yield figure(R2_DIFFERENCE, gain, count, interval, **about)


def _r2(answers, true) -> tuple[float, np.ndarray]:
    """Returns R2, the mean over seeds, and that of resampled rows and seeds."""
    errors = (answers - true) ** 2
    total = ((true - true.mean()) ** 2).mean()
    value = 1 - (errors.mean(1) / total).mean()
    # Always from the same state, so that ways are resampled alike.
    generator = np.random.default_rng(0)
    chosen = generator.integers(
        len(errors), size=(_NUM_BOOTSTRAPS, len(errors))
    )
    moments = np.stack([true, true**2], axis=1)
    draws = []
    for counts in resample_rows(len(true), _NUM_BOOTSTRAPS, generator):
        share = counts.astype(np.float64) / len(true)
        mean, square = (share @ moments).T
        draws.append(1 - (share @ errors.T) / (square - mean**2)[:, None])
    drawn = np.take_along_axis(np.concatenate(draws), chosen, axis=1)
    return float(value), drawn.mean(1)


def ask_together(networks: Networks) -> Iterator[dict]:
    """Yields whether one network for all is as good as two.

    Fields of records: of the number as of `of_number`, of the others with
    classes as of `compare`, with their `task`.
    """
    test, number = networks.portraits["test"], networks.number
    both = networks.answers(TOGETHER)
    alone = networks.answers(NUMBER_ALONE)[number]
    ways = {NUMBER_ALONE: alone, TOGETHER: both[number]}
    for fields in of_number(ways, test.labels[number], NUMBER_ALONE):
        yield {"task": number, **fields}
    rest = networks.answers(REST_ALONE)
    for task in test.schema.tasks:
        if task.has_classes:
            labels = test.labels[task.name]
            right = {
                name: task.predicted(answers[task.name]) == labels
                for name, answers in ((REST_ALONE, rest), (TOGETHER, both))
            }
            for fields in compare(
                right, labels, None, task, (), base=REST_ALONE
            ):
                yield {"task": task.name, **fields}


def ask_exclusive(networks: Networks) -> Iterator[dict]:
    """Yields what it is worth that classes exclude each other.

    A softmax over them against a sigmoid for each, whose largest is the answer;
    fields of records as of `compare`, with their `task`.
    """
    test = networks.portraits["test"]
    ways = {
        FLAGS: networks.answers(FLAGS),
        SOFTMAX: networks.answers(TOGETHER),
    }
    for name in networks.exclusive:
        labels, task = test.labels[name], test.schema.task(name)
        right = {
            way: answers[name].argmax(-1) == labels
            for way, answers in ways.items()
        }
        for fields in compare(right, labels, None, task, (), base=FLAGS):
            yield {"task": name, **fields}


def ask_classes(networks: Networks) -> Iterator[dict]:
    """Yields whether a number's class is better learned than cut.

    Classes have equally many training portraits each; fields of records as of
    `compare`, with their `task`.
    """
    name = networks.number
    test = number_as_classes(networks.portraits["test"], name, networks.edges)
    labels, task = test.labels[name], test.schema.task(name)
    cut = np.searchsorted(networks.edges, networks.answers(TOGETHER)[name])
    learned = networks.answers(CLASSES)[name].argmax(-1)
    right = {CUT: cut == labels, CLASSES: learned == labels}
    for fields in compare(right, labels, None, task, (), base=CUT):
        yield {"task": name, **fields}
