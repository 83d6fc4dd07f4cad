"""Maps of a run's answers by every method, and the figures of them."""

import dataclasses
import zlib
from collections.abc import Callable
from collections.abc import Iterator

import numpy as np
import tqdm

from tp_keras.evaluation.figures import resampled
from tp_keras.explain import faithfulness
from tp_keras.explain import gradients
from tp_keras.explain.gradients import Differentiable
from tp_keras.explain.occlusion import occlusion
from tp_keras.explain.regions import Regions
from tp_keras.explain.regions import changed_answers
from tp_keras.explain.regions import region_figures
from tp_keras.explain.scores import explained_columns
from tp_keras.records import intervals
from tp_keras.records.record import ALL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task

OCCLUSION, HIRES_CAM = "occlusion", "hires_cam"
FROM_BLUR = "integrated_gradients_from_blur"
FROM_MEAN = "integrated_gradients_from_mean"
METHODS = (OCCLUSION, HIRES_CAM, FROM_BLUR, FROM_MEAN)

# Metrics of the checks of maps.
GAP, RANDOMISED = "completeness_gap", "randomised_correlation"

# Portraits whose maps are checked: each takes many answers.
_CHECKED = 64


@dataclasses.dataclass(frozen=True)
class Maps:
    """What was explained of some portraits.

    Attributes:
        images: uint8 array `[count, height, width, 3]`.
        answers: Task -> answers, as of `predict_answers`.
        columns: Task -> int array `[count]`, the class or flag explained.
        heats: Task -> method -> float32 `[count, height, width]`.
        mean: Float32 `[height, width, 3]`, the mean portrait.
    """

    images: np.ndarray
    answers: dict[str, np.ndarray]
    columns: dict[str, np.ndarray]
    heats: dict[str, dict[str, np.ndarray]]
    mean: np.ndarray


def explain(classifier, predict: Callable, images) -> Maps:
    """Explains the answers of a classifier to portraits, by every method.

    Args:
        classifier: `PortraitClassifier`.
        predict: Its answers, as of `answers_of`.
        images: uint8 array `[count, height, width, 3]`.
    """
    images = np.asarray(images)
    answers, tasks = predict(images), classifier.tasks
    columns = {t.name: explained_columns(t, answers[t.name]) for t in tasks}
    mean = images.mean(0, dtype=np.float32)
    heats = {task.name: {} for task in tasks}
    found = [
        occlusion(
            predict,
            image,
            tasks,
            {name: rows[row] for name, rows in columns.items()},
        )
        for row, image in enumerate(tqdm.tqdm(images, "occlusion"))
    ]
    for task in tasks:
        heats[task.name][OCCLUSION] = np.stack([x[task.name] for x in found])
    model = Differentiable(classifier)
    for task in tasks:
        heats[task.name] |= _differentiated(
            model, images, task, columns[task.name], mean
        )
    return Maps(images, answers, columns, heats, mean)


def _differentiated(model, images, task, columns, mean, title="gradients"):
    """Returns method -> maps of those that differentiate a classifier."""
    found = {HIRES_CAM: gradients.hires_cam(model, images, task, columns)}
    starts = {FROM_BLUR: gradients.blurred(images), FROM_MEAN: mean}
    for method, start in starts.items():
        found[method] = gradients.integrated_gradients(
            model, images, task, columns, start, title=f"{title} {task.name}"
        )
    return found


def measure(
    classifier, predict: Callable, maps: Maps, regions: Regions, seed: int = 0
) -> Iterator[tuple[Task, dict]]:
    """Yields a task and the fields of a record: where evidence lies.

    By region, for all portraits and for those of each answer
    (`tp_keras.explain.regions`), the `variant` being the method; what changes
    when a region is hidden; and checks of the maps, of up to 64 portraits: see
    `tp_keras.explain.faithfulness`, and

    * `GAP`: how far sums of integrated gradients are from the difference that
      they must be, as a share of its mean size;
    * `RANDOMISED`: Spearman's correlation with maps of the same network with
      random heads (bootstrap of the portraits).

    Args:
        classifier: `PortraitClassifier`.
        predict: Its answers.
        maps: What `explain` returned.
        regions: `Regions` of these portraits.
        seed: Seed of all that is drawn by chance.
    """
    yield from changed_answers(
        predict,
        maps.images,
        classifier.tasks,
        maps.answers,
        maps.columns,
        regions,
        maps.mean,
    )
    model = Differentiable(classifier)
    broken = Differentiable(
        faithfulness.randomised(classifier, np.random.default_rng(seed))
    )
    part = slice(_CHECKED)
    for task in tqdm.tqdm(classifier.tasks, "checks", delay=2, leave=False):
        # A stream of chance of its own, whatever else is measured.
        stream = zlib.crc32(task.name.encode())
        generator = np.random.default_rng([seed, stream])
        columns, heats = maps.columns[task.name], maps.heats[task.name]
        groups = {ALL: np.ones(len(columns), bool)}
        if task.kind != REGRESSION:
            for index, name in enumerate(task.classes):
                groups[name] = columns == index
        for method, (name, rows) in (
            (m, g) for m in METHODS for g in groups.items()
        ):
            if rows.sum() > 1:
                for fields in region_figures(
                    heats[method][rows], regions.take(rows), generator
                ):
                    yield task, {**fields, "variant": method, "group": name}
        few = {method: x[part] for method, x in heats.items()}
        images, columns = maps.images[part], columns[part]
        for fields in faithfulness.faithfulness_figures(
            predict, images, task, columns, few, maps.mean, generator
        ):
            yield task, fields
        for fields in _gaps(model, images, task, columns, few, maps.mean):
            yield task, fields
        others = _differentiated(
            broken, images, task, columns, maps.mean, "random heads"
        )
        for method, x in others.items():
            found = faithfulness.rank_correlations(few[method], x)
            found = found[np.isfinite(found)]
            blocks = intervals.resample_rows(len(found), 1000, generator)
            draws = [w @ found / max(len(found), 1) for w in blocks]
            mean = found.mean() if len(found) else np.nan
            draws = np.concatenate(draws) if len(found) else np.array([mean])
            yield (
                task,
                resampled(RANDOMISED, mean, len(found), draws, variant=method),
            )


def _gaps(model, images, task, columns, heats, mean):
    """Yields how far sums of integrated gradients are off."""
    starts = {FROM_BLUR: gradients.blurred(images), FROM_MEAN: mean}
    for method, start in starts.items():
        gaps = gradients.completeness_gaps(
            model, heats[method], images, task, columns, start
        )
        wanted = heats[method].sum((1, 2)) - gaps
        value = np.abs(gaps).mean() / max(np.abs(wanted).mean(), 1e-9)
        yield {
            "metric": GAP,
            "value": float(value),
            "count": len(gaps),
            "variant": method,
        }
