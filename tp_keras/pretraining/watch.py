"""What watches a training without labels."""

import keras
import numpy as np

from tp_keras.errors import UserError
from tp_keras.pretraining.features import effective_rank
from tp_keras.pretraining.features import nearest
from tp_keras.pretraining.features import pooled_features
from tp_keras.runs.callbacks import FiniteLoss

# Portraits that are looked at after an epoch.
_MOST = 2000

# Shares of the largest entropy: of the mean answer, at least; of a single one,
# at most. And directions of the features, at least.
_LEAST_MEAN_ENTROPY = 0.05
_MOST_ENTROPY = 0.999
_LEAST_RANK = 1.5


class FeatureWatch(keras.callbacks.Callback):
    """Tells after each epoch what the features know.

    The logs get `val_rank`, the `effective_rank` of the validation portraits,
    and for each task with classes `val_knn_<task>`, the share of these whose
    class is that of their nearest training portraits. Labels are looked at here
    alone: nothing is trained on them, and nothing is chosen by them.

    Args:
        keep: Callable that saves the backbone and returns it.
        train: `Portraits`.
        validation: `Portraits`.
        seed: Of which ones are looked at.
    """

    def __init__(self, keep, train, validation, seed=0):
        super().__init__()
        self.keep = keep
        generator = np.random.default_rng(seed)
        self.train, self.validation = (
            part.take(np.sort(generator.permutation(len(part))[:_MOST]))
            for part in (train, validation)
        )

    def on_epoch_end(self, epoch, logs=None):
        """Saves, looks, and adds figures to the logs."""
        backbone = self.keep()
        known, asked = (
            pooled_features(backbone, part.images)
            for part in (self.train, self.validation)
        )
        logs["val_rank"] = effective_rank(asked)
        for task in self.train.schema.tasks:
            if not task.has_classes:
                continue
            labels, expected = (
                part.labels[task.name] for part in (self.train, self.validation)
            )
            rows, there = labels >= 0, expected >= 0
            if rows.any() and there.any():
                found = nearest(known[rows], labels[rows], asked[there])
                logs[f"val_knn_{task.name}"] = np.mean(found == expected[there])


class CollapseGuard(FiniteLoss):
    """Ends a training that can't come to anything, and says why.

    The first epoch is never judged.

    Raises:
        UserError: If a loss is not a number, or if from the second epoch on
            one prototype is the answer to all, or all prototypes that to each,
            or the features lie on a line.
    """

    def on_epoch_end(self, epoch, logs=None):
        """Looks whether portraits are told from each other."""
        single, mean = logs["answer_entropy"], logs["mean_entropy"]
        faults = []
        if mean < _LEAST_MEAN_ENTROPY:
            faults.append(
                "a few prototypes are the answer to all; begin anew with a "
                "smaller --center_momentum or a higher --teacher_temperature"
            )
        if single > _MOST_ENTROPY:
            faults.append(
                "the teacher answers everything to each; begin anew with a "
                "lower --teacher_temperature"
            )
        if logs["val_rank"] < _LEAST_RANK:
            faults.append(
                "the features lie on a line; begin anew with a smaller "
                "--learning_rate"
            )
        if epoch and faults:
            raise UserError(
                f"The training has collapsed: {' and '.join(faults)}. "
                f"Received: entropy of an answer {single:.4f}, of their mean "
                f"{mean:.4f} of the largest, effective rank of the features "
                f"{logs['val_rank']:.2f}, after epoch {epoch + 1}"
            )
