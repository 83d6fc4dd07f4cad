"""Whether maps tell the truth: deletion, insertion, randomised weights."""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping

import cv2
import numpy as np
import scipy.stats

from tp_keras.evaluation.figures import resampled
from tp_keras.explain.scores import score
from tp_keras.records import intervals
from tp_keras.tasks import Task

DELETION, INSERTION = "deletion", "insertion"

# What a map that knows nothing of the network would say.
RANDOM, CENTRE = "random", "centre"

# Parts in which pixels are taken away.
STEPS = 10

_CELLS = 9


def control_maps(count, size, generator) -> dict[str, np.ndarray]:
    """Returns maps that know nothing of the network, float32.

    `RANDOM`: smooth blobs, another for each portrait, as a map of pixels that
    are drawn one by one would destroy every shape at once. `CENTRE`: a bell in
    the middle, where faces are.

    Args:
        count: How many.
        size: Height and width.
        generator: The source of chance.
    """
    grids = generator.standard_normal((count, _CELLS, _CELLS)).astype(
        np.float32
    )
    how = cv2.INTER_CUBIC
    blobs = [cv2.resize(x, size[::-1], interpolation=how) for x in grids]
    y, x = (np.linspace(-2, 2, side) for side in size)
    bell = np.exp(-(y[:, None] ** 2 + x**2) / 2).astype(np.float32)
    return {
        RANDOM: np.stack(blobs),
        CENTRE: np.broadcast_to(bell, (count, *size)),
    }


def areas_under_curves(
    predict: Callable, images, task: Task, columns, heats, fill, insert: bool
) -> np.ndarray:
    """Returns the mean explained number while pixels go, or come: `[count]`.

    Petsiuk et al., RISE, 2018, in logits rather than probabilities. Pixels of
    the largest values go first. Where a map is right the number falls early
    (deletion: low is good) or rises early (insertion: high is good).

    Args:
        predict: Function from uint8 images to answers by task.
        images: uint8 array `[count, height, width, 3]`.
        task: `Task`.
        columns: Class or flag that is explained of each.
        heats: Float array `[count, height, width]`.
        fill: Float array that broadcasts to the images: what hidden pixels are.
        insert: Whether pixels come back instead.
    """
    count, size = len(images), heats[0].size
    fill = np.broadcast_to(np.rint(fill).astype(np.uint8), images.shape)
    # Among equals the order is by chance, not from the top.
    tie = np.random.default_rng(0).random(size)
    order = np.stack([np.lexsort((tie, -heat.ravel())) for heat in heats])
    ranks = np.argsort(order, axis=1).reshape(heats.shape)[..., None]
    total = np.zeros(count)
    for step in range(STEPS + 1):
        first = ranks < size * step / STEPS
        shown = np.where(first == insert, images, fill)
        found = predict(shown)[task.name]
        # The rule of trapezes: ends count half.
        weight = (0.5 if step in (0, STEPS) else 1) / STEPS
        total += weight * score(task, found, columns)
    return total


def faithfulness_figures(
    predict: Callable,
    images,
    task: Task,
    columns,
    heats: Mapping[str, np.ndarray],
    fill,
    generator,
    num_bootstraps: int = 1000,
) -> Iterator[dict]:
    """Yields the fields of records: how much better maps are than controls.

    `DELETION` and `INSERTION` are how much earlier the explained number falls,
    or rises, by a method's maps than by control maps (`class_name`): the
    difference of the areas, in what the number counts, above 0 where the method
    is better. Intervals: the bootstrap of portraits, paired.

    Arguments are those of `areas_under_curves`; `heats` are by method, the
    `variant`.
    """
    images = np.asarray(images)
    controls = control_maps(len(images), images.shape[1:3], generator)
    for metric, sign in ((DELETION, -1), (INSERTION, 1)):
        areas = {
            name: sign
            * areas_under_curves(
                predict, images, task, columns, maps, fill, metric == INSERTION
            )
            for name, maps in {**heats, **controls}.items()
        }
        for method in heats:
            for control in controls:
                gains = areas[method] - areas[control]
                blocks = intervals.resample_rows(
                    len(gains), num_bootstraps, generator
                )
                draws = np.concatenate([w @ gains / len(gains) for w in blocks])
                where = {"variant": method, "class_name": control}
                yield resampled(
                    metric, gains.mean(), len(gains), draws, **where
                )


def randomised(classifier, generator):
    """Returns a copy of a classifier whose layers behind the trunk are random.

    Each keeps its numbers, in another order, and so the size of what it does.
    Maps that stay the same show the picture, not what was learned (Adebayo et
    al., Sanity checks for saliency maps, 2018).
    """
    copy = type(classifier).from_config(classifier.get_config())
    for layer in copy.layers:
        weights = classifier.get_layer(layer.name).get_weights()
        if layer.name != classifier.backbone.name:
            weights = [
                generator.permutation(values.ravel()).reshape(values.shape)
                for values in weights
            ]
        layer.set_weights(weights)
    return copy


def rank_correlations(heats, others) -> np.ndarray:
    """Returns Spearman's correlation of each pair of maps, float `[count]`."""
    return np.array(
        [
            scipy.stats.spearmanr(one.ravel(), other.ravel()).statistic
            for one, other in zip(heats, others, strict=True)
        ]
    )
