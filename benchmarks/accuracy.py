"""Test accuracy of an experiment over several seeds, with training time.

python -m benchmarks.accuracy --experiment real

Each seed is a run of its own by the commands `training.train` and
`training.evaluate`; a finished run is read, not repeated. Recipes beside each
other, and what each ingredient is worth:

python -m benchmarks.accuracy --experiment real --recipes before now
"""

import dataclasses
import itertools
import pathlib
import statistics

import numpy as np

from benchmarks.comparison import paired_difference
from benchmarks.finished_runs import hits_on_test
from benchmarks.finished_runs import run_module
from benchmarks.recipes import NOW
from benchmarks.recipes import find_recipe
from benchmarks.recipes import train_recipe
from benchmarks.tables import print_markdown
from tp_keras.errors import UserError
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import read_records
from training.command import run

# Metric of the evaluation -> what a column says.
HEADINGS = {
    "accuracy": "{0.task}",
    "mae": "{0.task} mean error",
    "within_tolerance": "{0.task} within {0.variant}",
}


@dataclasses.dataclass(frozen=True)
class Accuracy:
    """Trains an experiment with several seeds and prints the figures."""

    experiment: str = "demo"
    """Name of an experiment of training/configs."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """One run each."""
    recipes: tuple[str, ...] = (NOW,)
    """Recipes of benchmarks/recipes.py to compare with the first of them; or
    any other, as 'NAME: --flags of training.train'."""
    data_dir: pathlib.Path = pathlib.Path("data/tfds")
    """Folder of the prepared data sets."""
    support: int = 50
    """Portraits that a class needs in a group for its recall to count as the
    lowest."""

    def execute(self) -> None:
        """Trains, evaluates, prints tables."""
        recipes = [find_recipe(self.experiment, text) for text in self.recipes]
        if any(recipe.is_torch for recipe in recipes):
            raise UserError(
                "A network in PyTorch is not evaluated by group; "
                "benchmarks.time_to_accuracy takes it. "
                f"Received: recipes={', '.join(self.recipes)}"
            )
        results = {recipe.name: [] for recipe in recipes}
        # In turns, so that a change of the machine's speed meets all alike.
        for seed, recipe in itertools.product(self.seeds, recipes):
            run = train_recipe(self.experiment, recipe, seed, self.data_dir)
            records = run.path / "evaluation" / "test" / "records.jsonl"
            if not records.exists():
                run_module("training.evaluate", "--run_dir", run.path)
            results[recipe.name].append((seed, run, read_records(records)))
        for recipe in recipes:
            rows = [(s, run.facts, own) for s, run, own in results[recipe.name]]
            print_table(f"{recipe.run_name(self.experiment)}, test split", rows)
        if len(recipes) > 1:
            print_comparison(results, self.support)


def print_table(title, rows):
    """Prints figures by seed, and their means over the seeds.

    Accuracy of classes; of numbers the mean absolute error, and the share
    within the tolerance; of flags the mean of their accuracies.

    Args:
        title: What was measured.
        rows: Sequence of `(seed, facts of the run, records)`.
    """
    print(f"\n{title}\n")
    figures = [headline(records) for _, _, records in rows]
    names = list(figures[0])
    cells = [
        [
            str(seed),
            str(round(training_seconds(facts))),
            str(facts["best_epoch"]),
            *(
                f"{own[name].value:.3f} (n = {own[name].count})"
                for name in names
            ),
        ]
        for (seed, facts, _), own in zip(rows, figures, strict=True)
    ]
    seconds = statistics.mean(training_seconds(facts) for _, facts, _ in rows)
    means = [
        statistics.mean(own[name].value for own in figures) for name in names
    ]
    cells.append(
        ["mean", str(round(seconds)), "", *(f"**{x:.3f}**" for x in means)]
    )
    print_markdown(["seed", "train s", "best epoch", *names], cells)


def print_comparison(results, support=50):
    """Prints the means of each recipe, and what sets it off from the first.

    Macro-F1 is a mean over the classes; the lowest recall that of a class in a
    group with enough portraits; where the score is a neutral accuracy, that of
    the test is there as well. The difference is of the mean accuracy
    over the tasks, in points, its interval by resampling the portraits.

    Args:
        results: Dict: name of a recipe -> list of `(seed, RunFolder, records)`.
        support: Portraits that a class needs in a group.
    """
    first = next(iter(results))
    hits = {
        name: np.stack([hits_on_test(run) for _, run, _ in rows])
        for name, rows in results.items()
    }
    cells, header = [], None
    for name, rows in results.items():
        figures = [
            {
                **headline(records),
                **_of_rare(records, support),
                **_neutral(run.config.training.score, records),
            }
            for _, run, records in rows
        ]
        header = header or list(figures[0])
        seconds = [training_seconds(run.facts) for _, run, _ in rows]
        means = [
            statistics.mean(own[column].value for own in figures)
            for column in header
        ]
        points = [100 * x for x in paired_difference(hits[name], hits[first])]
        cells.append(
            [
                name,
                str(round(statistics.mean(seconds))),
                *(f"{mean:.3f}" for mean in means),
                f"{np.nanmean(hits[name], axis=-1).mean():.3f}",
                "{:+.1f} [{:+.1f}, {:+.1f}]".format(*points),
            ]
        )
    print(f"\nMeans of {len(results[first])} seeds\n")
    print_markdown(
        ["recipe", "train s", *header, "mean", f"against {first}"], cells
    )


def training_seconds(facts):
    """Returns the seconds of a training and of what followed it."""
    return facts["seconds"] + facts.get("debias_seconds", 0)


def _neutral(score, records) -> dict[str, Record]:
    """Returns the mean accuracy of the groups less what they differ by."""
    if not score.endswith("neutral_accuracy"):
        return {}
    found = {}
    for record in find(records, metric="accuracy", group=ALL, class_name=None):
        groups = [
            own.value
            for own in find(records, metric="accuracy", task=record.task)
            if own.group != ALL and own.class_name is None
        ]
        if len(groups) > 1:
            value = statistics.mean(groups) - (max(groups) - min(groups))
            name = f"{record.task} neutral"
            found[name] = dataclasses.replace(
                record, value=value, low=None, high=None
            )
    return found


def _of_rare(records, support) -> dict[str, Record]:
    """Returns macro-F1 and lowest supported recall of tasks, by heading."""
    found = {
        f"{record.task} macro-F1": record
        for record in find(records, metric="macro_f1", group=ALL)
        if record.value is not None
    }
    for record in find(records, metric="recall"):
        supported = record.count >= support and record.group != ALL
        heading = f"{record.task} lowest recall"
        if supported and (
            heading not in found or record.value < found[heading].value
        ):
            found[heading] = record
    return found


def headline(records) -> dict[str, Record]:
    """Returns the figures of all portraits that a table shows, by heading."""
    return {
        HEADINGS[record.metric].format(record): record
        for record in find(records, group=ALL, class_name=None)
        if record.metric in HEADINGS and record.value is not None
    }


if __name__ == "__main__":
    run(Accuracy)
