"""Runs as benchmarks make them, and what each gets right on the test split."""

import re
import subprocess
import sys

import numpy as np

from tp_keras import files
from tp_keras.data.labels import is_known
from tp_keras.runs.run_folder import RunFolder
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task
from training.command import start_tensorflow


def run_module(module, *words):
    """Runs a command of the project in a process of its own."""
    subprocess.run([sys.executable, "-m", module, *map(str, words)], check=True)


def file_name(text: str) -> str:
    """Returns a text as the name of a file or a folder."""
    return re.sub(r"[^\w.=]+", "-", text).strip("-")


def learned_tasks(run: RunFolder) -> tuple[Task, ...]:
    """Returns the tasks that a run was trained on."""
    return run.schema.get_tasks(run.config.model.tasks)


def hits(task: Task, labels, answer) -> np.ndarray:
    """Returns which answers are right, of numbers those within the tolerance.

    Args:
        task: `Task`.
        labels: Labels of it as in `Portraits`.
        answer: As of `PortraitClassifier.predict_answers`.

    Returns:
        Float array [portraits]: 1 right, 0 wrong, of flags the share of right
        ones; NaN without a label.
    """
    known = is_known(task, labels)
    if task.kind == REGRESSION:
        right = np.abs(answer - labels) <= task.tolerance
    elif task.kind == MULTI_LABEL:
        right = ((answer >= 0.5) == labels).sum(-1, where=known)
        total = known.sum(-1)
        return np.where(total > 0, right / np.maximum(total, 1), np.nan)
    else:
        right = task.predicted(answer) == labels
    return np.where(known, right, np.nan)


def hits_on_test(finished: RunFolder) -> np.ndarray:
    """Returns what a finished run gets right on the test split.

    Returns:
        Float array [tasks, portraits], see `hits`. It is kept in the run's
        folder.
    """
    from benchmarks import torch_peer

    path = finished.path / "test_hits.npy"
    if path.exists():
        return np.load(path)
    start_tensorflow()
    from tp_keras.data.source import load_portraits

    config = finished.config
    portraits = load_portraits(*config.data.location("test"))
    if config.model.backbone == torch_peer.TORCH_NETWORK:
        batches = np.array_split(portraits.images, 8)
        answers = torch_peer.predict(torch_peer.load_model(finished), batches)
    else:
        answers = finished.load_model().predict_answers(
            portraits.images, verbose=0
        )
    found = np.stack(
        [
            hits(task, portraits.labels[task.name], answers[task.name])
            for task in learned_tasks(finished)
        ]
    )
    with files.replaced(path) as aside:
        np.save(aside, found)
    return found
