"""Portraits as a trained network sees them."""

import dataclasses

import numpy as np

from tp_keras import tasks
from tp_keras.command_line import train_command
from tp_keras.errors import UserError


@dataclasses.dataclass(frozen=True)
class EmbeddedRows:
    """Embedding, label, group and prediction of portraits.

    Attributes:
        features: Float array [N, d]: the part of the embedding of one task.
        labels: Integer array [N], `tasks.MISSING` where there is none.
        groups: Integer array [N], likewise.
        predictions: Integer array [N].
    """

    features: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    predictions: np.ndarray

    @property
    def labelled(self) -> np.ndarray:
        """Bool array [N]: whether label and group are known."""
        return (self.labels != tasks.MISSING) & (self.groups != tasks.MISSING)

    def chosen(self, mask) -> "EmbeddedRows":
        """Returns the rows of a mask or a slice."""
        return EmbeddedRows(
            self.features[mask],
            self.labels[mask],
            self.groups[mask],
            self.predictions[mask],
        )


def embed_splits(run_dir, task, data_dir, splits) -> list[EmbeddedRows]:
    """Runs the portraits of some splits through the network of a run.

    Args:
        run_dir: Folder of the run.
        task: A guarded task with classes.
        data_dir: Folder of the prepared data sets.
        splits: Names of splits of the data that the run was trained on.

    Returns:
        `EmbeddedRows` of each split.

    Raises:
        UserError: If the run, its task or a split is not there.
    """
    from tp_keras.data import source
    from tp_keras.fairness.representations import represent
    from tp_keras.runs.run_folder import RunFolder

    run = RunFolder(run_dir).require()
    if task.name not in (run.config.model.tasks or run.schema.task_names):
        raise UserError(
            f"Expected a run that learned {task.name}, such as "
            f"`{train_command(run.config.data, run_dir='FOLDER')}` trains. "
            f"Received: tasks={list(run.config.model.tasks)} of {run_dir}"
        )
    portraits = [
        source.load_portraits(data_dir, run.config.data.dataset, split)
        for split in splits
    ]
    found = represent(
        run.load_model(), np.concatenate([part.images for part in portraits])
    )
    rows = EmbeddedRows(
        found.embedding(task),
        np.concatenate([part.labels[task.name] for part in portraits]),
        np.concatenate([part.groups for part in portraits]),
        found.predictions[task.name],
    )
    ends = np.cumsum([len(part.images) for part in portraits])
    starts = [0, *ends[:-1]]
    return [
        rows.chosen(slice(start, end))
        for start, end in zip(starts, ends, strict=True)
    ]
