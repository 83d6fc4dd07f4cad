"""A judge that had no part in the training of a generator."""

import dataclasses
import re

import numpy as np

from tp_keras.config import ExperimentConfig
from tp_keras.errors import UserError
from tp_keras.tasks import TASK_NAMES

_SLICE = re.compile(r"(?P<name>\w+)\[(?:(?P<low>\d+)%)?:(?:(?P<high>\d+)%)?\]")


def other_part(split: str) -> str:
    """Returns the part of a split that a slice leaves.

    Raises:
        UserError: If it leaves none, or not one piece.

    Example:
        >>> other_part("train[:50%]")
        'train[50%:]'
    """
    match = _SLICE.fullmatch(split.strip())
    if match:
        name, low, high = match.group("name", "low", "high")
        if high and int(low or 0) == 0 and int(high) < 100:
            return f"{name}[{high}%:]"
        if low and int(low) > 0 and int(high or 100) == 100:
            return f"{name}[:{low}%]"
    raise UserError(
        "The training of the generator leaves no portraits for a judge. "
        "Expected one that was trained on a part of a split, such as "
        "--train_split 'train[:50%]' of training.train_vae, or a judge trained "
        "on other portraits with --judge_run. Received: "
        f"train_split={split}"
    )


def judge_config(
    kind: ExperimentConfig, run_dir, data, seed: int
) -> ExperimentConfig:
    """Returns the settings of a judge.

    Args:
        kind: Settings of a classifier of the same data set.
        run_dir: Folder of the judge.
        data: The generator's `DataConfig`, or what has its `data_dir`,
            `dataset` and `train_split`.
        seed: Seed of the judge; another one than that of a classifier which
            the generator's loss looks through.
    """
    return dataclasses.replace(
        kind,
        run_dir=str(run_dir),
        data=dataclasses.replace(
            kind.data,
            data_dir=data.data_dir,
            dataset=data.dataset,
            train_split=other_part(data.train_split),
        ),
        model=dataclasses.replace(kind.model, tasks=TASK_NAMES),
        training=dataclasses.replace(kind.training, seed=seed),
    )


def require_independent(
    judge: np.ndarray, others: dict[str, np.ndarray], advice: str
) -> None:
    """Raises if a judge was trained on portraits that others have seen.

    Args:
        judge: Image indices of the judge's training portraits.
        others: Who they are -> image indices of theirs.
        advice: The command that trains another judge.

    Raises:
        UserError: If an index is in both.
    """
    for name, indices in others.items():
        shared = np.intersect1d(judge, indices)
        if len(shared):
            raise UserError(
                f"The judge was trained on portraits of {name}, so it would "
                "find generated ones better than they are. Expected a judge "
                f"of other portraits; `{advice}` trains one. Received: "
                f"{len(shared):,} shared portraits, the first with index "
                f"{shared[0]}"
            )


def require_unseen(training: np.ndarray, test: np.ndarray, split: str) -> None:
    """Raises if a generator was trained on what it is held against.

    Args:
        training: Image indices of its training portraits.
        test: Image indices of the portraits to compare with.
        split: Name of the split of those.

    Raises:
        UserError: If an index is in both.
    """
    shared = np.intersect1d(training, test)
    if len(shared):
        raise UserError(
            "The generator was trained on portraits that it would be compared "
            "with. Expected another --split, such as test. Received: "
            f"split={split}, {len(shared):,} shared portraits"
        )
