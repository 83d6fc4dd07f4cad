"""Which random changes of training portraits leave a label true: measured.

For a label that nobody explains: a change that takes what it is told by costs
accuracy, and one that doesn't costs none.
"""

import dataclasses
import pathlib
import statistics
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

import keras
import numpy as np
import tqdm

from tp_keras.config import AugmentConfig
from tp_keras.config import ExperimentConfig
from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError
from tp_keras.evaluation.figures import figure
from tp_keras.records.intervals import resample_rows
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.runs.trainer import Trainer
from tp_keras.tasks import Task

# What is tried, each alone: strong enough to be seen in a short training.
CANDIDATES = {
    "flip": True,
    "shift": 0.1,
    "zoom": 0.2,
    "rotation": 15.0,
    "brightness": 0.4,
    "contrast": 0.4,
    "blur": 0.5,
    "closeup": 0.5,
    "erasing": 0.5,
    "covered_eyes": 0.5,
    "cast": 0.15,
    "saturation": 0.8,
    "hue": 180.0,
    "grey": 0.5,
}

# The metric, and the `variant` of the runs without any change.
DIFFERENCE, NOTHING = "balanced_accuracy_difference", "nothing"
ACCURACY = "balanced_accuracy"

HELPS, SAFE, OPEN, HARMS = "helps", "safe", "open", "harms"

_NUM_BOOTSTRAPS = 2000

# Training portraits that choose the best epoch of a run.
_SEEN = 500


def augmentation(name: str, base: Sequence[str] = ()) -> AugmentConfig:
    """Returns a candidate on a base of others; of `NOTHING` the base alone."""
    nothing = {
        field.name: type(field.default)(0)
        for field in dataclasses.fields(AugmentConfig)
    }
    chosen = {*base, name} - {NOTHING}
    return AugmentConfig(**nothing | {own: CANDIDATES[own] for own in chosen})


def check_names(names: Sequence[str], base: Sequence[str] = ()) -> None:
    """Raises `UserError` unless all are candidates, each named once."""
    every = *names, *base
    if not names or len({*every} & {*CANDIDATES}) < len(every):
        raise UserError(
            f"Expected augmentations out of {', '.join(CANDIDATES)}, each "
            f"once. Received: augmentations={', '.join(names) or 'none'}, "
            f"always={', '.join(base) or 'none'}"
        )


def train_each(
    config: ExperimentConfig,
    names: Sequence[str],
    seeds: Sequence[int],
    portraits: Mapping[str, Portraits],
    folder: pathlib.Path,
    base: Sequence[str] = (),
) -> dict[str, dict[str, np.ndarray]]:
    """Trains without a change and with each one, alike in all else.

    Runs of one seed begin with the same weights and see the same portraits in
    the same order. Finished ones in `folder` are read, not repeated.

    Args:
        config: Settings but for augmentation, seed and folder.
        names: Candidates.
        seeds: Ints.
        portraits: `Portraits` as `"train"`, and to judge by as `"validation"`.
        folder: Where the runs lie.
        base: Candidates that all runs have.

    Returns:
        Dict: task -> candidate or `NOTHING` -> bool `[seeds, count]`, which
        answers are right.
    """
    train, judged = portraits["train"], portraits["validation"]
    # Who judges has not chosen: the best epoch is that of training portraits.
    seen = {
        "train": train,
        "validation": train.take(np.arange(len(train)) < _SEEN),
    }
    right = {}
    runs = [(name, seed) for seed in seeds for name in (NOTHING, *names)]
    bar = tqdm.tqdm(runs, unit=" trainings", smoothing=0)
    for name, seed in bar:
        bar.set_description(f"{name}, seed {seed}")
        training = dataclasses.replace(config.training, seed=seed)
        own = dataclasses.replace(
            config,
            run_dir=str(folder / f"{name}-seed{seed}"),
            augment=augmentation(name, base),
            training=training,
        )
        run = Trainer(own, progress=False, portraits=seen).fit()
        classifier = run.load_model()
        answers = classifier.predict_answers(judged.images, verbose=0)
        for task in classifier.tasks:
            if not task.has_classes:
                continue
            found = task.predicted(answers[task.name])
            hits = found == judged.labels[task.name]
            right.setdefault(task.name, {}).setdefault(name, []).append(hits)
        keras.utils.clear_session()  # Collects the garbage, too.
    return {
        task: {name: np.stack(hits) for name, hits in own.items()}
        for task, own in right.items()
    }


def compare(
    right: Mapping[str, np.ndarray],
    labels: np.ndarray,
    groups: np.ndarray | None,
    task: Task,
    group_names: Sequence[str],
    min_count: int = 20,
) -> Iterator[dict]:
    """Yields what each candidate adds to the balanced accuracy of a group.

    Rows are resampled in their class, and seeds with them: the rows of two
    runs of a seed stay pairs. The intervals are normal ones about the value,
    so wide that all of them hold together in 19 of 20 cases (Bonferroni).

    Args:
        right: Candidate or `NOTHING` -> bool `[seeds, count]`.
        labels: Integers `[count]`, -1 where missing.
        groups: Integers `[count]`, None where there are none.
        task: `Task` with classes.
        group_names: Names of the groups.
        min_count: Labelled rows that a class needs in a group to count there.

    Yields:
        Fields of records: `ACCURACY` without a change, and `DIFFERENCE` with
        the candidate as `variant`.
    """
    base = right[NOTHING].astype(np.float64)
    masks = {ALL: np.full(len(labels), True)}
    for index, name in enumerate(group_names):
        masks[name] = groups == index
    num_intervals = len(masks) * (len(right) - 1)
    width = statistics.NormalDist().inv_cdf(1 - 0.025 / max(num_intervals, 1))
    for group, mask in masks.items():
        classes = [
            np.flatnonzero(mask & (labels == value))
            for value in range(task.num_classes)
        ]
        classes = [rows for rows in classes if len(rows) >= min_count]
        count = sum(map(len, classes))
        about = {"group": group}
        mean = (
            np.mean([base[:, rows].mean() for rows in classes])
            if classes
            else None
        )
        yield figure(ACCURACY, mean, count, variant=NOTHING, **about)
        for name, hits in right.items():
            if name == NOTHING:
                continue
            about["variant"] = name
            if not classes:
                yield figure(DIFFERENCE, None, 0, **about)
                continue
            gains = [hits[:, rows] - base[:, rows] for rows in classes]
            value = np.mean([gain.mean() for gain in gains])
            error = _standard_error(gains)
            interval = value - width * error, value + width * error
            yield figure(DIFFERENCE, value, count, interval, **about)


def _standard_error(gains) -> float:
    """Returns that of the mean over classes of gains `[seeds, rows]` each."""
    generator = np.random.default_rng(0)
    seeds = len(gains[0])
    chosen = generator.integers(seeds, size=(_NUM_BOOTSTRAPS, seeds))
    total = 0.0
    for gain in gains:
        rows = gain.shape[1]
        blocks = resample_rows(rows, _NUM_BOOTSTRAPS, generator)
        drawn = np.concatenate([counts @ gain.T / rows for counts in blocks])
        total = total + np.take_along_axis(drawn, chosen, axis=1).mean(1)
    return float(np.std(total / len(gains)))


def verdict(records: Sequence[Record], name: str, margin: float) -> str:
    """Returns what is to be thought of a candidate.

    `HARMS` where it surely costs a group something; `HELPS` where it surely
    gives one something; `SAFE` where it surely costs none more than `margin`;
    else `OPEN`.
    """
    own = find(records, metric=DIFFERENCE, variant=name)
    own = [record for record in own if record.value is not None]
    if any(record.high < 0 for record in own):
        return HARMS
    if any(record.low > 0 for record in own):
        return HELPS
    if own and all(record.low > -margin for record in own):
        return SAFE
    return OPEN
