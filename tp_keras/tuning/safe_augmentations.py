"""Which random changes of training portraits leave a label true: measured.

For a label that nobody explains: a change that takes what it is told by costs
accuracy, and one that doesn't costs none.
"""

import dataclasses
import pathlib
from collections.abc import Mapping
from collections.abc import Sequence

import keras
import numpy as np
import tqdm

from tp_keras.config import AugmentConfig
from tp_keras.config import ExperimentConfig
from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError
from tp_keras.evaluation.paired import DIFFERENCE
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.runs.trainer import Trainer

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

# The `variant` of the runs without any change.
NOTHING = "nothing"

HELPS, SAFE, OPEN, HARMS = "helps", "safe", "open", "harms"

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
