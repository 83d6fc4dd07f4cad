"""How long a training takes to become as accurate as another in the end.

python -m benchmarks.time_to_accuracy --experiment real

All recipes of benchmarks/recipes.py train in turns, seed by seed; a finished
run is read, not repeated. Writes the curves of the validation as a plot.
"""

import dataclasses
import itertools
import pathlib
import statistics

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from benchmarks.accuracy import training_seconds
from benchmarks.finished_runs import hits_on_test
from benchmarks.recipes import NOW
from benchmarks.recipes import find_recipe
from benchmarks.recipes import train_recipe
from benchmarks.tables import print_markdown
from tp_keras import files
from tp_keras.records.plot_kit import add_title
from tp_keras.records.plot_kit import group_styles
from tp_keras.records.plot_kit import new_figure
from tp_keras.runs.score import SCORE
from training.command import run


@dataclasses.dataclass(frozen=True)
class TimeToAccuracy:
    """Compares recipes by when they reach what the first reaches at its end."""

    experiment: str = "real"
    """Name of an experiment of training/configs."""
    recipes: tuple[str, ...] = (
        "before",
        NOW,
        "short",
        "MobileNetV3Small",
        "MobileNetV3 in PyTorch",
    )
    """Recipes of benchmarks/recipes.py; the first sets the goal."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """One run each."""
    data_dir: pathlib.Path = pathlib.Path("data/tfds")
    """Folder of the prepared data sets."""
    output: pathlib.Path = pathlib.Path("runs/accuracy/time_to_accuracy.png")
    """PNG file of the curves."""

    def execute(self) -> None:
        """Trains what isn't trained, prints a table, draws the curves."""
        recipes = [find_recipe(self.experiment, text) for text in self.recipes]
        runs = {recipe.name: [] for recipe in recipes}
        for seed, recipe in itertools.product(self.seeds, recipes):
            runs[recipe.name].append(
                train_recipe(self.experiment, recipe, seed, self.data_dir)
            )
        accuracies = {
            name: [_accuracy(hits_on_test(run)) for run in own]
            for name, own in runs.items()
        }
        curves = {
            name: mean_curve([read_curve(run) for run in own])
            for name, own in runs.items()
        }
        print_table(runs, accuracies, curves)
        self.output.parent.mkdir(parents=True, exist_ok=True)
        with files.replaced(self.output) as aside:
            figure = draw(curves, self.experiment)
            FigureCanvasAgg(figure).print_png(aside)
        print(f"Curves: {self.output}")


def _accuracy(hits):
    """Returns the mean accuracy over the tasks."""
    return float(np.nanmean(hits, axis=-1).mean())


def read_curve(run) -> np.ndarray:
    """Returns seconds and validation score after each epoch, `[epochs, 2]`.

    TensorBoard's files tell when an epoch ended, the facts of the run how long
    all of them took.
    """
    scores = [row[SCORE] for row in run.read_history()]
    times = np.array([row.get("seconds", np.nan) for row in run.read_history()])
    if np.isnan(times).any():
        ends = _ends_of_epochs(run.path / "tensorboard" / "validation")
        times = run.facts["seconds"] - (ends[-1] - ends)
    return np.stack([times, scores], axis=1)


def _ends_of_epochs(folder):
    """Returns the time of the clock at the end of each epoch."""
    from tensorboard.backend.event_processing import event_accumulator

    # All of them: by itself it keeps ten.
    events = event_accumulator.EventAccumulator(
        str(folder), size_guidance={event_accumulator.TENSORS: 0}
    ).Reload()
    return np.array([x.wall_time for x in events.Tensors("epoch_loss")])


def mean_curve(curves) -> np.ndarray:
    """Returns the mean over the seeds, epoch by epoch, with the range.

    Args:
        curves: As many arrays as seeds, see `read_curve`.

    Returns:
        Float array `[epochs, 4]`: seconds, mean, least and largest score.
    """
    seconds, scores = np.stack(curves).transpose(2, 0, 1)
    return np.stack(
        [seconds.mean(0), scores.mean(0), scores.min(0), scores.max(0)], axis=1
    )


def seconds_to(curve, score) -> float | None:
    """Returns when a mean curve reaches a score; None where it doesn't.

    Example:
        >>> seconds_to(np.array([[10, 0.5], [20, 0.8], [30, 0.9]]), 0.8)
        20.0
    """
    reached = np.flatnonzero(curve[:, 1] >= score)
    return float(curve[reached[0], 0]) if len(reached) else None


def print_table(runs, accuracies, curves) -> None:
    """Prints time and accuracy of each recipe, against those of the first."""
    first = next(iter(runs))
    goal = statistics.mean(accuracies[first])
    score = curves[first][:, 1].max()
    whole = statistics.mean(training_seconds(r.facts) for r in runs[first])
    print(
        f"\nThe goal is what `{first}` has at its end, {goal:.3f} on the test "
        f"split, the mean of the tasks and of {len(runs[first])} seeds. On the "
        f"way the validation tells: as good as the best mean of `{first}`, "
        f"{score:.3f}.\n"
    )
    cells = []
    for name, own in runs.items():
        seconds = statistics.mean(training_seconds(run.facts) for run in own)
        mean = statistics.mean(accuracies[name])
        reached = seconds_to(curves[name], score)
        cells.append(
            [
                name,
                str(own[0].facts["epochs"]),
                f"{seconds:.0f}",
                f"{seconds / whole:.0%}",
                f"**{mean:.3f}**",
                " ".join(f"{value:.3f}" for value in accuracies[name]),
                f"{100 * (mean - goal):+.1f}",
                "not" if reached is None else f"{reached / whole:.0%}",
            ]
        )
    header = ["recipe", "epochs", "train s", f"of `{first}`", "test accuracy"]
    header += ["by seed", "points beyond the goal", "validation as good after"]
    print_markdown(header, cells)


def draw(curves, title):
    """Returns a figure of score against time, a band for the seeds."""
    figure = new_figure(9, 5)
    axes = figure.subplots()
    styles, handles = group_styles(curves), []
    for name, curve in curves.items():
        style = styles[name]
        (line,) = axes.plot(
            curve[:, 0], curve[:, 1], **style, markersize=4, label=name
        )
        axes.fill_between(
            curve[:, 0],
            curve[:, 2],
            curve[:, 3],
            color=style["color"],
            alpha=0.15,
        )
        handles.append(line)
    axes.set_xlabel("seconds of training")
    axes.set_ylabel("validation accuracy, mean of the tasks")
    axes.grid(alpha=0.3)
    add_title(figure, f"Accuracy against time of training: {title}", handles)
    return figure


if __name__ == "__main__":
    run(TimeToAccuracy)
