"""The plots of a fairness report, and how to read them."""

import os
import pathlib
from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg

from tp_keras import tasks
from tp_keras.evaluation.table import evaluated_tasks
from tp_keras.fairness import leakage_figures
from tp_keras.fairness.counterfactual_plot import FLIPS
from tp_keras.fairness.counterfactual_plot import draw_counterfactuals
from tp_keras.fairness.leakage_plot import draw_leakage
from tp_keras.fairness.neighbor_grid import NeighborGrid
from tp_keras.fairness.neighbor_plot import draw_neighbors
from tp_keras.fairness.recall_plot import draw_recalls
from tp_keras.records.page_parts import Plot
from tp_keras.records.record import Record
from tp_keras.records.record import find


def plots_of(task: tasks.Task) -> tuple[Plot, ...]:
    """Returns the plots of a task, in the order to look at them."""
    return (
        Plot(
            f"recall_{task.name}.png",
            "Is each kind of hair recognised as often in women as in men?",
            "Each row is a class. The two marks are the shares of women and of "
            "men whose hair the model recognises, the lines through them 95 % "
            "intervals. The longer the gray line between the marks, the more "
            "gender matters; without regard to gender they stand above each "
            "other. Hollow marks rest on too few portraits to count.",
        ),
        Plot(
            f"leakage_{task.name}.png",
            "How much of gender can be read from each layer?",
            "From left to right: the layers from the image to the prediction. "
            "A mark tells how well a probe, a small classifier trained on the "
            "layer, tells women from men; 50 % is guessing. Left, among all "
            "portraits: the shaded band is what hair itself gives away; above "
            "it, more is known than needed, and below it the probe would be "
            "broken. Right, among portraits of the same class, women and men "
            "weighing the same: there 50 % is all that hair gives away. Hollow "
            "marks are a control, the same probes given shuffled genders: they "
            "must be at 50 %.",
        ),
        Plot(
            f"neighbors_{task.name}.png",
            "Who are the neighbours?",
            "Each row is a query, on the left, and the ten portraits whose "
            "hair is closest to it in the embedding. The frames show the "
            "gender, the words the labelled hair, faint where it is another "
            "one than that of the query. Without regard to gender, the frames "
            "of a row are mixed as they are among all portraits of that hair. "
            "The queries are drawn by chance, from each class and gender in "
            "turn.",
        ),
        Plot(
            f"counterfactual_{task.name}.png",
            "What changes if only the gender changes?",
            "Each pair is one portrait drawn twice, with the same hair and the "
            "cues of either gender. Left, how often the model gives the two "
            "different answers. Right, how far the two are apart in the "
            "embedding, beside another portrait of the same class. Without "
            "regard to gender both answers are the same and the distance "
            "is 0.",
        ),
    )


def write_plots(
    folder: str | os.PathLike,
    records: Sequence[Record],
    grids: dict[tasks.Task, NeighborGrid | None],
) -> list[pathlib.Path]:
    """Draws all plots as PNG files into `folder`.

    Args:
        folder: Where to write.
        records: What was measured.
        grids: Hair task -> what to show of its neighbours, or None.

    Returns:
        The paths written.
    """
    folder = pathlib.Path(folder)
    paths = []
    for task in evaluated_tasks(records):
        recalls, leakage, neighbors, counterfactuals = (
            folder / plot.file_name for plot in plots_of(task)
        )
        figures = {recalls: draw_recalls(records, task)}
        if leakage_figures.layers(records, task):
            figures[leakage] = draw_leakage(records, task)
        if grids.get(task) is not None:
            figures[neighbors] = draw_neighbors(grids[task], task)
        if find(records, metric=FLIPS, task=task.name):
            figures[counterfactuals] = draw_counterfactuals(records, task)
        for path, figure in figures.items():
            FigureCanvasAgg(figure).print_png(path)
            paths.append(path)
    return paths
