"""What the best epoch, stopping early and a search go by."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from tp_keras.data.labels import is_known
from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError
from tp_keras.models.losses import NEUTRAL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task

# What the logs call it.
SCORE = "val_score"

_ACCURACY = "accuracy"


@dataclasses.dataclass(frozen=True)
class Score:
    """The mean of some figures of the validation.

    Attributes:
        figures: Their names.
        sign: -1 where less is better.
        num_groups: Groups that are compared; 0 if none are.

    Example:
        >>> Score(("a_accuracy", "b_accuracy")).value(
        ...     {"loss": 2.0, "a_accuracy": 0.5, "b_accuracy": 1.0}
        ... )
        0.75
    """

    figures: tuple[str, ...]
    sign: int = 1
    num_groups: int = 0

    def value(self, logs: Mapping[str, float]) -> float:
        """Returns the score of what Keras logs of a validation."""
        values = [float(logs[name]) for name in self.figures]
        return self.sign * sum(values) / len(values)


def make_score(
    name: str, tasks: tuple[Task, ...], validation: Portraits
) -> Score:
    """Returns the score of a name.

    Args:
        name: `TrainingConfig.score`.
        tasks: What is learned.
        validation: `Portraits` that it is measured on.

    Raises:
        UserError: If there is none of this name, or if groups are to be
            compared of which one has no portrait with a label.
    """
    protected = validation.schema.protected_task
    means = {_ACCURACY: tasks}
    if protected is not None:
        others = tuple(task for task in tasks if task.name != protected.name)
        means[NEUTRAL] = others or tasks
    known = {"loss": (), **means}
    for task in tasks:
        figures = [*means, *["mae"] * (task.kind == REGRESSION)]
        known |= {f"{task.name}_{figure}": (task,) for figure in figures}
    if name not in known:
        raise UserError(
            f"Expected a score out of {', '.join(known)}. "
            f"Received: score={name}"
        )
    figures = (name,)
    if name in means:
        figures = tuple(f"{task.name}_{name}" for task in means[name])
    if not name.endswith(NEUTRAL):
        return Score(figures, -1 if name.endswith(("loss", "_mae")) else 1)
    for task in known[name]:
        labels = validation.labels[task.name]
        rows = is_known(task, labels).reshape(len(validation), -1).any(-1)
        groups = validation.groups[rows & (validation.groups >= 0)]
        counts = np.bincount(groups, minlength=protected.num_classes)
        if not counts.all():
            empty = protected.classes[np.argmin(counts)]
            raise UserError(
                f"The validation portraits of {validation.dataset} tell "
                f"nothing of {task.name} of {protected.name} {empty}, so "
                "groups can't be compared. Expected another "
                "--validation_split or --score accuracy. "
                f"Received: score={name}"
            )
    return Score(figures, num_groups=protected.num_classes)
