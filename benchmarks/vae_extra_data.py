"""Do generated portraits of rare cells help a classifier?

python -m benchmarks.vae_extra_data --run_dir runs/portraits

A classifier is trained on real portraits, on the same with those of rare cells
(gender x hair colour) repeated, and on the same with generated ones instead,
until every cell has as many; all for equally many steps. Then all of it once
more with few real portraits. A finished run is read, not repeated.
"""

import dataclasses
import functools
import itertools
import statistics

import numpy as np

from benchmarks.cell_accuracy import CELL_TASKS
from benchmarks.cell_accuracy import MIN_CELL_COUNT
from benchmarks.cell_accuracy import CellAccuracy
from benchmarks.finished_runs import hits_on_test
from benchmarks.tables import print_markdown
from tp_keras.errors import UserError
from tp_keras.runs.run_folder import RunFolder
from training.command import run
from training.command import start_tensorflow
from training.configs import EXPERIMENTS
from training.configs import experiment_of

REAL = "real alone"
REPEATED = "rare cells repeated"
GENERATED = "rare cells generated"
KINDS = (REAL, REPEATED, GENERATED)


@dataclasses.dataclass(frozen=True)
class VaeExtraData:
    """Trains classifiers with and without generated portraits."""

    run_dir: str
    """Folder of the generator's run."""
    counts: tuple[int, ...] = (0, 500)
    """Numbers of real portraits; 0: all that the generator was trained on."""
    kinds: tuple[str, ...] = KINDS
    """What is trained on; the others are compared with the first."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """One run each."""
    per_cell: int = 0
    """Portraits that each cell is brought up to; 0: as many as the largest
    has."""
    temperature: float = 1.0
    """Of the generated portraits."""
    steps: int = 0
    """Steps of each training, to whole passes; 0: those of the experiment on
    all real ones."""
    epochs: int = 10
    """Into about how many epochs they are parted: after each the validation
    says whether the model is the best so far."""

    def execute(self) -> None:
        """Trains what isn't trained, prints the tables."""
        if not self.kinds or set(self.kinds) - set(KINDS) or not self.seeds:
            raise UserError(
                f"Expected kinds out of {', '.join(map(repr, KINDS))} and a "
                f"seed. Received: kinds={self.kinds}, seeds={self.seeds}"
            )
        start_tensorflow()
        import tensorflow as tf
        import tqdm

        # One function for each classifier: it would take that for retracing.
        tf.get_logger().setLevel("ERROR")
        cases = list(itertools.product(self.counts, self.kinds, self.seeds))
        runs = {
            case: self._train(*case)
            for case in tqdm.tqdm(cases, desc="trainings")
        }
        for count in self.counts:
            self._print(
                count,
                {
                    kind: [runs[count, kind, seed] for seed in self.seeds]
                    for kind in self.kinds
                },
            )

    # === Data ===

    @functools.cached_property
    def _generator(self):
        from tp_keras.generator.training.folder import VaeRunFolder

        return VaeRunFolder(self.run_dir).require()

    def _load(self, split):
        from tp_keras.data.source import load_portraits

        data = self._generator.config.data
        return load_portraits(data.data_dir, data.dataset, split)

    @functools.cached_property
    def _training(self):
        return self._load(self._generator.config.data.train_split)

    @functools.cached_property
    def _validation(self):
        return self._load("validation")

    @functools.cached_property
    def _sampler(self):
        from tp_keras.generator.evaluation.vae_sampler import VaeSampler

        return VaeSampler(self._generator.load_model())

    def _real(self, count):
        """Returns so many real portraits; always the same."""
        if not count or count >= len(self._training):
            return self._training
        rows = np.random.default_rng(0).permutation(len(self._training))
        return self._training.take(np.sort(rows[:count]))

    def _portraits(self, count, kind, seed):
        """Returns what a classifier of a kind is trained on.

        As many rows for every kind, so that all have equally many steps.
        """
        from benchmarks import extra_data

        real = self._real(count)
        if kind == REPEATED:
            return extra_data.with_repeated(
                real, self.per_cell, seed, CELL_TASKS
            )
        if kind == GENERATED:
            return extra_data.with_generated(
                real,
                lambda labels, seed: self._sampler.generate(
                    labels, seed, self.temperature
                ),
                self.per_cell,
                seed,
                CELL_TASKS,
            )
        return extra_data.as_many_as(real, self._balanced_count(count), seed)

    def _balanced_count(self, count):
        """Returns how many portraits there are with those of rare cells."""
        from benchmarks.extra_data import cell_shortages

        real = self._real(count)
        shortages = cell_shortages(real, self.per_cell, CELL_TASKS)
        return len(real) + sum(shortages.values())

    # === Trainings ===

    def _train(self, count, kind, seed):
        """Returns a finished run, trained if need be."""
        config = self._config(count, kind, seed)
        finished = RunFolder(config.run_dir)
        if not finished.is_finished:
            train_on(
                config,
                {
                    "train": self._portraits(count, kind, seed),
                    "validation": self._validation,
                },
            )
        # Kept in the folder: the tables come without a wait.
        hits_on_test(finished)
        return finished

    def _config(self, count, kind, seed):
        data = self._generator.config.data
        _, config = EXPERIMENTS[experiment_of(data.dataset)]
        training = config.training
        size = training.batch_size
        steps = self.steps or (
            training.epochs
            * training.passes_per_epoch
            * (len(self._training) // size)
        )
        passes = round(steps / max(self._balanced_count(count) // size, 1))
        passes_per_epoch = max(passes // self.epochs, 1)
        epochs = max(passes // passes_per_epoch, 1)
        name = f"{count}-{kind}-{self.per_cell}-{self.temperature}-{passes}"
        return dataclasses.replace(
            config,
            run_dir=str(
                self._generator.path
                / "extra_data"
                / f"{name.replace(' ', '_')}-seed{seed}"
            ),
            data=data,
            training=dataclasses.replace(
                training,
                epochs=epochs,
                passes_per_epoch=passes_per_epoch,
                warmup_epochs=min(training.warmup_epochs, epochs / 10),
                seed=seed,
            ),
        )

    # === Tables ===

    def _print(self, count, runs):
        """Prints the figures of a number of real portraits.

        Args:
            count: As in `counts`.
            runs: Dict: kind -> its finished runs, one for each seed.
        """
        test = self._load("test")
        accuracy = CellAccuracy(test)
        hits = {
            kind: np.stack([hits_on_test(run) for run in finished])
            for kind, finished in runs.items()
        }
        real, all_rows = len(self._real(count)), self._balanced_count(count)
        first, *others = runs
        config = runs[first][0].config.training
        print(
            f"\n{real:,} real portraits, {all_rows - real:,} more of rare "
            f"cells; {config.epochs * config.passes_per_epoch} passes of "
            f"{all_rows:,} rows for each; {len(self.seeds)} seed(s). Accuracy "
            "on the test split, means over the seeds with 95 % intervals over "
            "the portraits; the worst cell of gender and hair colour is that "
            f"of the least accuracy in hair colour, of {MIN_CELL_COUNT} "
            "portraits or more.\n"
        )
        figures = {kind: accuracy.measure(own) for kind, own in hits.items()}
        names = list(figures[first])
        rows = []
        for kind, own in hits.items():
            by_task = np.nanmean(own, axis=-1).mean(0)
            seconds = [run.facts["seconds"] for run in runs[kind]]
            rows.append(
                [
                    kind,
                    *(f"{value:.3f}" for value in by_task),
                    *(_text(figures[kind][name]) for name in names),
                    accuracy.worst_cell(own),
                    f"{statistics.mean(seconds):.0f}",
                ]
            )
        header = [
            "trained on",
            *test.schema.task_names,
            *names,
            "worst cell is",
        ]
        print_markdown([*header, "training s"], rows)
        if others:
            print(f"\nAgainst {first!r}, in points:\n")
        for kind in others:
            gains = [
                f"{name} {_points(figures[kind][name] - figures[first][name])}"
                for name in names
            ]
            print(f"{kind}: " + ", ".join(gains))
        if count and GENERATED in runs:
            print(
                f"\nThe generator has seen {len(self._training):,} real "
                "portraits, more than the classifiers here."
            )


def train_on(config, portraits) -> RunFolder:
    """Trains an experiment on portraits from memory.

    Args:
        config: `ExperimentConfig`.
        portraits: Dict of `train` and `validation`: `Portraits`.
    """
    import keras

    from tp_keras.runs.trainer import Trainer

    # What the training before has left behind.
    keras.backend.clear_session()
    return Trainer(config, progress=False, portraits=portraits).fit()


def _text(figure):
    low, high = figure.interval
    return f"{figure.value:.3f} ({low:.3f} to {high:.3f})"


def _points(figure):
    low, high = figure.interval
    return f"{100 * figure.value:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


if __name__ == "__main__":
    run(VaeExtraData)
