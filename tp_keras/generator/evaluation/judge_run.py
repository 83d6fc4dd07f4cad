"""A judge that had no part in the training of a generator."""

import dataclasses
import re

import numpy as np

from tp_keras.config import ExperimentConfig
from tp_keras.data.portraits import Portraits
from tp_keras.data.source import load_portraits
from tp_keras.debias_config import DebiasConfig
from tp_keras.errors import UserError
from tp_keras.runs.run_folder import RunFolder
from tp_keras.runs.trainer import Trainer

# The judge of a run that nobody names lies in its folder.
_JUDGE = "judge"

# Far from the seeds that people take, so that no judge starts as the
# classifier that the generator's loss looks through.
_JUDGE_SEED = 7919

_SLICE = re.compile(r"(?P<name>\w+)\[(?:(?P<low>\d+)%)?:(?:(?P<high>\d+)%)?\]")


def open_judge(
    run, judge_dir, training: Portraits, advice: str, progress: bool
) -> tuple[RunFolder, Portraits]:
    """Returns the run of a judge, and its training portraits.

    If nobody names one it is trained as the classifier that the generator's
    loss looks through, on the portraits that the generator has not seen; then
    its folder is `judge` in that of the generator's run. The advice is the
    command that trains another judge.

    Raises:
        UserError: If there is no such run, or it is no judge of this
            generator.
    """
    data, eyes = run.config.data, run.config.model.classifier_run
    looked_through = RunFolder(eyes).config if eyes else None
    folder = RunFolder(run.path / _JUDGE if judge_dir is None else judge_dir)
    if judge_dir is None:
        kind = looked_through or ExperimentConfig()
        config = judge_config(kind, folder.path, data)
        if not folder.is_finished:
            if progress:
                print(
                    "Training a judge on the portraits that the generator has "
                    f"not seen ({config.data.train_split}): {folder.path}",
                    flush=True,
                )
            folder = Trainer(config, progress).fit()
    folder.require()
    own = folder.config
    if own.data.dataset != data.dataset:
        raise UserError(
            "Expected a judge of the same data set as the generator's, "
            f"{data.dataset}; `{advice}` trains one. Received: a judge of "
            f"{own.data.dataset}"
        )
    conditions = training.schema.conditions
    if own.model.tasks and not set(conditions) <= set(own.model.tasks):
        raise UserError(
            f"Expected a judge of the tasks {', '.join(conditions)}; "
            f"`{advice}` trains one. Received: tasks={list(own.model.tasks)}"
        )

    def load(name):
        return load_portraits(
            data.data_dir, data.dataset, name, progress=progress
        )

    seen = load(own.data.train_split)
    folder.check_fingerprints({"train": seen.fingerprint})
    others = {"the generator": training.indices}
    if looked_through:
        part = looked_through.data.train_split
        others["the classifier of its loss"] = (
            training if part == data.train_split else load(part)
        ).indices
    require_independent(seen.indices, others, advice)
    return folder, seen


def other_part(split: str) -> str:
    """Returns the part that a slice leaves: `train[50%:]` of `train[:50%]`.

    Raises:
        UserError: If it leaves none, or not one piece.
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


def judge_config(kind: ExperimentConfig, run_dir, data) -> ExperimentConfig:
    """Returns the settings of a judge of all tasks, trained from nothing.

    It is of the `kind` of another classifier, for a generator's `data`.
    """
    part = other_part(data.train_split)
    own = {"data_dir": data.data_dir, "dataset": data.dataset}
    return dataclasses.replace(
        kind,
        run_dir=str(run_dir),
        data=dataclasses.replace(kind.data, **own, train_split=part),
        model=dataclasses.replace(kind.model, tasks=(), from_run=""),
        debias=DebiasConfig(),
        training=dataclasses.replace(kind.training, seed=_JUDGE_SEED),
    )


def require_independent(
    judge: np.ndarray, others: dict[str, np.ndarray], advice: str
) -> None:
    """Raises a `UserError` if others have seen the portraits of a judge.

    Both by the indices of training portraits; `others` are who -> theirs, and
    `advice` is the command that trains another judge.
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
