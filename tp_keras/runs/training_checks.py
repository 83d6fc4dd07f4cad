"""What can be told before a training, rather than in the midst of it."""

import keras

from tp_keras.debiasing.after_training import has_second_stage
from tp_keras.debiasing.debiased_classifier import require_both_genders
from tp_keras.debiasing.refit import training_group_counts
from tp_keras.errors import UserError


def check_training(config, classifier, train) -> None:
    """Raises if portraits, network and settings don't go together.

    Args:
        config: `ExperimentConfig`.
        classifier: The untrained `PortraitClassifier` of it.
        train: `Portraits` to train on.

    Raises:
        UserError: If the network takes portraits of another size, a task has
            no labels, the debiasing lacks a gender, or the backend can't.
    """
    size = train.images.shape[1:]
    if classifier.input_shape[1:] != size:
        raise UserError(
            f"Expected a backbone for portraits of {size}. Received: "
            f"backbone={config.model.backbone!r} for "
            f"{classifier.input_shape[1:]}"
        )
    for name in classifier.label_names.values():
        if not (train.labels[name] >= 0).any():
            raise UserError(
                f"No training portrait of {train.dataset} has a label of "
                f"{name}, so it can't be learned. Leave the task out. "
                f"Received: tasks={config.model.tasks}"
            )
    if has_second_stage(config.debias):
        require_both_genders(training_group_counts(train, classifier.tasks))
    backend = keras.config.backend()
    if config.training.freeze_trunk_epochs and backend != "tensorflow":
        raise UserError(
            "A trunk is frozen for some epochs on TensorFlow alone. Expected "
            f"freeze_trunk_epochs=0 on {backend}; give a low "
            "--trunk_learning_rate instead. Received: freeze_trunk_epochs="
            f"{config.training.freeze_trunk_epochs}"
        )
