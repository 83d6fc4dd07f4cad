"""The one vocabulary: what is predicted, and how its classes are called.

Labels, heads, losses, metrics, exports and reports read names and class order
from here. The names are those of the attribute file of Tiny Portraits.
"""

import dataclasses

from tp_keras.errors import UserError

# Height, width and colour channels of every portrait.
IMAGE_SHAPE = (108, 84, 3)

# What a label holds where the attribute file says `n/a`.
MISSING = -1

# How tables and pictures call it.
MISSING_NAME = "missing"

# How a request says that a label is not given.
UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True)
class Task:
    """A classification task.

    Attributes:
        name: The name of the label, of the model output and of the figures.
        classes: The class names in the order of their integer labels.
    """

    name: str
    classes: tuple[str, ...]

    @property
    def num_classes(self) -> int:
        """The number of classes."""
        return len(self.classes)

    def label_name(self, label: int) -> str:
        """Returns the class name of a label, `"missing"` where there is none.

        Python, NumPy and TFDS would take -1 for the last class.

        Args:
            label: An integer label; a negative one is missing.

        Raises:
            IndexError: If there are fewer classes.

        Example:
            >>> HAIR_COLOR.label_name(2), HAIR_COLOR.label_name(MISSING)
            ('blond', 'missing')
        """
        return MISSING_NAME if label < 0 else self.classes[label]


GENDER = Task("gender", ("female", "male"))
HAIR_COLOR = Task("hair_color", ("black", "brown", "blond", "gray", "bald"))
HAIR_TYPE = Task("hair_type", ("straight", "wavy", "bald"))

TASKS = (GENDER, HAIR_COLOR, HAIR_TYPE)
HAIR_TASKS = (HAIR_COLOR, HAIR_TYPE)
TASK_NAMES = tuple(task.name for task in TASKS)

# The output that the hair tasks are read from, and similar hair is found by.
HAIR_EMBEDDING = "hair_embedding"

# The label that hair is judged without regard to, beside those of the tasks.
PROTECTED = "protected_gender"


def get_tasks(names) -> tuple[Task, ...]:
    """Returns the tasks of the given names, in the order of `TASKS`.

    Args:
        names: Iterable of task names.

    Raises:
        UserError: If a name is unknown or none is given.

    Example:
        >>> [task.name for task in get_tasks(["hair_type", "gender"])]
        ['gender', 'hair_type']
    """
    names = list(names)
    unknown = [name for name in names if name not in TASK_NAMES]
    if unknown or not names:
        raise UserError(
            f"Expected one or more tasks out of {', '.join(TASK_NAMES)}. "
            f"Received: tasks={names}"
        )
    return tuple(task for task in TASKS if task.name in names)


def complete_labels(names: dict[str, str | None]) -> dict[str, str]:
    """Returns a class name for every task, `"unknown"` where none is given.

    Args:
        names: Dict of task name to class name, `"unknown"` or None; tasks may
            be left out.

    Raises:
        UserError: If a task or a class is unknown.

    Example:
        >>> complete_labels({"gender": "female"})
        {'gender': 'female', 'hair_color': 'unknown', 'hair_type': 'unknown'}
    """
    if names:
        get_tasks(names)
    labels = {task.name: names.get(task.name) or UNKNOWN for task in TASKS}
    for task in TASKS:
        if labels[task.name] not in (*task.classes, UNKNOWN):
            raise UserError(
                f"Expected a {task.name} out of {', '.join(task.classes)}, or "
                f"{UNKNOWN}. Received: {task.name}={labels[task.name]}"
            )
    return labels
