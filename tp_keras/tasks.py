"""What is predicted: tasks, and the schema of a data set, which tells them.

No task is named here. A data set tells its own (`tp_keras.data.schema`), and
the schema travels with decoded portraits, models, run folders and bundles.
"""

import dataclasses
from collections.abc import Iterable
from collections.abc import Mapping

import numpy as np

from tp_keras.errors import UserError
from tp_keras.errors import check_types

# What a label holds where the data set has none; numbers hold NaN.
MISSING = -1

# How tables and pictures call it.
MISSING_NAME = "missing"

# How a request says that a label is not given.
UNKNOWN = "unknown"

BINARY = "binary"
CATEGORICAL = "categorical"
ORDINAL = "ordinal"
MULTI_LABEL = "multi_label"
REGRESSION = "regression"

# Those whose label is one class of several.
CLASS_KINDS = (BINARY, CATEGORICAL, ORDINAL)
KINDS = (*CLASS_KINDS, MULTI_LABEL, REGRESSION)

# The output that the guarded tasks are read from, and similar portraits are
# found by.
EMBEDDING = "embedding"

# The label that guarded tasks are judged without regard to, beside theirs.
PROTECTED = "protected"

# What tells whether a portrait is like those of the training.
FEATURES = "features"

_OUTPUT_NAMES = (EMBEDDING, PROTECTED, FEATURES)


@dataclasses.dataclass(frozen=True)
class Task:
    """Something that is predicted of a portrait.

    Attributes:
        name: The name of the label, of the model output and of the figures.
        kind: One of `KINDS`. A label is a class (`"binary"`, `"categorical"`,
            `"ordinal"`: classes with an order), a vector of flags
            (`"multi_label"`) or a number (`"regression"`).
        classes: Names of the classes in the order of their integer labels; of
            the flags for `"multi_label"`; none for a number.
        unit: What a number counts, such as `"years"`.
        low: Smallest number there is; `high` the largest.
        tolerance: Within which a number counts as right, in its unit.

    Raises:
        UserError: If kind, classes and numbers don't go together.
    """

    name: str
    kind: str = CATEGORICAL
    classes: tuple[str, ...] = ()
    unit: str = ""
    low: float | None = None
    high: float | None = None
    tolerance: float | None = None

    def __post_init__(self):
        object.__setattr__(self, "classes", tuple(self.classes))
        if self.name in _OUTPUT_NAMES or self.kind not in KINDS:
            raise UserError(
                f"Expected a task of a kind out of {', '.join(KINDS)}, not "
                f"named {' or '.join(_OUTPUT_NAMES)}. Received: {self}"
            )
        if self.kind == REGRESSION:
            numbers = self.low, self.high, self.tolerance
            if None in numbers or self.low >= self.high or self.tolerance <= 0:
                raise UserError(
                    "Expected low, high and tolerance of a number, low below "
                    f"high and a tolerance above 0. Received: {self}"
                )
            return
        count, fewest = len(set(self.classes)), 1 + (self.kind != MULTI_LABEL)
        is_pair = self.kind == BINARY
        if count < max(fewest, len(self.classes)) or (is_pair and count > 2):
            raise UserError(
                f"Expected {2 if is_pair else f'{fewest} or more'} classes of "
                f"different names of a {self.kind} task. Received: {self}"
            )

    @property
    def num_classes(self) -> int:
        """The number of classes, or of flags."""
        return len(self.classes)

    @property
    def has_classes(self) -> bool:
        """Whether a label is one class of several."""
        return self.kind in CLASS_KINDS

    def predicted(self, probabilities) -> np.ndarray:
        """Returns the class predicted of each row of `[count, classes]`.

        The likeliest, and of classes with an order the expected one.
        """
        if self.kind == ORDINAL:
            mean = np.asarray(probabilities) @ np.arange(self.num_classes)
            return np.rint(mean).astype(np.int64)
        return np.argmax(probabilities, axis=-1)

    def label_name(self, label: int) -> str:
        """Returns the class name of a label, `"missing"` of a negative one.

        Python, NumPy and TFDS would take -1 for the last class.
        """
        return MISSING_NAME if label < 0 else self.classes[label]


@dataclasses.dataclass(frozen=True)
class Schema:
    """What a data set holds, as its builder tells it.

    Attributes:
        image_shape: Height, width and channels of every portrait.
        tasks: The tasks, in the order of the data set's features.
        protected: Name of the task with classes that makes the groups of all
            figures, and without regard to which the guarded ones are judged;
            None where there is none.
        guarded: Names of the tasks judged without regard to it.
        conditions: Names of the tasks with few classes that a generator is
            told.
        shows_people: Whether the portraits show people, and must stay on the
            machine.

    Raises:
        UserError: If a name is that of no such task, or there is no task.
    """

    image_shape: tuple[int, int, int]
    tasks: tuple[Task, ...]
    protected: str | None = None
    guarded: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    shows_people: bool = True

    def __post_init__(self):
        for name in ("image_shape", "tasks", "guarded", "conditions"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not self.tasks:
            raise UserError(
                "A data set without a task can't be used. Expected a feature "
                "with classes, flags or a number. Received: none"
            )
        with_classes = [task.name for task in self.tasks if task.has_classes]
        protected = () if self.protected is None else (self.protected,)
        for what, names, known in (
            ("protected", protected, with_classes),
            ("guarded", self.guarded, [*self.task_names]),
            ("conditions", self.conditions, with_classes),
        ):
            unknown = [name for name in names if name not in known]
            if unknown:
                raise UserError(
                    f"Expected `{what}` out of the tasks {', '.join(known)}. "
                    f"Received: {what}={', '.join(unknown)}"
                )
        if self.protected in self.guarded:
            raise UserError(
                "A task can't be guarded against itself. "
                f"Received: protected={self.protected}, guarded={self.guarded}"
            )

    @property
    def task_names(self) -> tuple[str, ...]:
        """The names of the tasks."""
        return tuple(task.name for task in self.tasks)

    @property
    def protected_task(self) -> Task | None:
        """The task that makes the groups, None where there is none."""
        return None if self.protected is None else self.task(self.protected)

    @property
    def groups(self) -> tuple[str, ...]:
        """The classes of the protected task; none where there is none."""
        return self.protected_task.classes if self.protected else ()

    @property
    def guarded_tasks(self) -> tuple[Task, ...]:
        """The guarded tasks."""
        return tuple(t for t in self.tasks if t.name in self.guarded)

    @property
    def condition_tasks(self) -> tuple[Task, ...]:
        """The tasks that a generator is told."""
        return tuple(t for t in self.tasks if t.name in self.conditions)

    def task(self, name: str) -> Task:
        """Returns the task of a name; see `get_tasks`."""
        return self.get_tasks([name])[0]

    def get_tasks(self, names: Iterable[str] = ()) -> tuple[Task, ...]:
        """Returns the tasks of some names, or all, in the order they are in."""
        names = list(names)
        unknown = [name for name in names if name not in self.task_names]
        if unknown:
            raise UserError(
                f"Expected tasks out of {', '.join(self.task_names)}. "
                f"Received: tasks={names}"
            )
        return tuple(
            task for task in self.tasks if not names or task.name in names
        )

    def restricted_to(self, names: Iterable[str]) -> "Schema":
        """Returns the schema of the named tasks alone, with their roles."""
        tasks = self.get_tasks(names)
        kept = {task.name for task in tasks}
        return dataclasses.replace(
            self,
            tasks=tasks,
            protected=self.protected if self.protected in kept else None,
            guarded=[name for name in self.guarded if name in kept],
            conditions=[name for name in self.conditions if name in kept],
        )

    def complete_labels(self, names: Mapping[str, str | None]) -> dict:
        """Returns a class name for every condition, `"unknown"` for those left.

        Args:
            names: Dict: task -> class, `"unknown"` or None; some may be left.
        """
        tasks = self.condition_tasks
        unknown = set(names) - {task.name for task in tasks}
        if unknown:
            raise UserError(
                f"Expected labels of {', '.join(t.name for t in tasks)}. "
                f"Received: {', '.join(sorted(unknown))}"
            )
        labels = {task.name: names.get(task.name) or UNKNOWN for task in tasks}
        for task in tasks:
            if labels[task.name] not in (*task.classes, UNKNOWN):
                raise UserError(
                    f"Expected a {task.name} out of {', '.join(task.classes)}, "
                    f"or {UNKNOWN}. "
                    f"Received: {task.name}={labels[task.name]}"
                )
        return labels

    def to_dict(self) -> dict:
        """Returns what `from_dict` takes, of what JSON can hold."""
        values = dataclasses.asdict(self)
        values["tasks"] = [
            {k: v for k, v in task.items() if v not in (None, "")}
            for task in values["tasks"]
        ]
        return values

    @classmethod
    def from_dict(cls, values: Mapping) -> "Schema":
        """Returns the schema that `to_dict` told."""
        try:
            for task in values["tasks"]:
                check_types(Task, task)
            tasks = [Task(**task) for task in values["tasks"]]
            check_types(cls, values)
            return cls(**{**values, "tasks": tasks})
        except (KeyError, TypeError) as error:
            raise UserError(
                "Expected a schema as a data set tells it. "
                f"Received: {str(values)[:200]}"
            ) from error
