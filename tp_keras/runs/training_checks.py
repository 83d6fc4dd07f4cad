"""What can be told before a training, rather than in the midst of it."""

import keras
import numpy as np

from tp_keras.data.labels import is_known
from tp_keras.debiasing.debiased_classifier import require_groups
from tp_keras.debiasing.groups import training_group_counts
from tp_keras.errors import UserError


def check_training(config, classifier, train) -> None:
    """Raises if portraits, network and settings don't go together."""
    for task in classifier.tasks:
        labels = train.labels[task.name]
        values = np.unique(labels[is_known(task, labels)])
        if len(values) < 2:
            found = "no label"
            for value in values:
                name = task.label_name(value) if task.has_classes else value
                found = f"{name} alone"
            raise UserError(
                f"The training portraits of {train.dataset} tell nothing of "
                f"{task.name}, so it can't be learned. Expected two classes or "
                "numbers; give --tasks without it. Received: "
                f"{found} of {task.name}"
            )
    if config.debias.has_second_stage:
        require_groups(training_group_counts(train, classifier.tasks))
        size = config.debias.branch_embedding_size
        count = len(classifier.embedding_parts)
        if size % count:
            raise UserError(
                f"Expected branch_embedding_size to be a multiple of {count}, "
                "the number of guarded tasks. "
                f"Received: branch_embedding_size={size}"
            )
    backend = keras.config.backend()
    if config.training.freeze_trunk_epochs and backend != "tensorflow":
        raise UserError(
            "A trunk is frozen for some epochs on TensorFlow alone. Expected "
            f"freeze_trunk_epochs=0 on {backend}; give a low "
            "--trunk_learning_rate instead. Received: freeze_trunk_epochs="
            f"{config.training.freeze_trunk_epochs}"
        )
