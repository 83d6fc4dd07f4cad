"""What a prepared data set says of itself: its builder's features as tasks."""

import numpy as np
import tensorflow_datasets as tfds

from tp_keras.errors import UserError
from tp_keras.tasks import BINARY
from tp_keras.tasks import CATEGORICAL
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import ORDINAL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

IMAGE = "image"

# Says which portrait it is; unique in the data set.
INDEX = "image_index"


def read_schema(builder: tfds.core.DatasetBuilder) -> Schema:
    """Returns the schema of a prepared data set, tasks in alphabetical order.

    A feature is a task by its type: `ClassLabel` of two classes is binary, of
    more categorical. What TFDS can't say stands in `DatasetInfo.metadata`:

    * `protected`: the feature that makes groups; `guarded`, `conditions`:
      lists of features; `shows_people`: true where it isn't said;
    * `ordinal`: list of the `ClassLabel`s whose classes have an order;
    * `numbers`: dict from a float scalar to its `unit`, `low`, `high` and
      `tolerance`; `flags`: dict from a vector to the names of its flags.

    Raises:
        UserError: If there are no images of one size, no `image_index` or no
            task, or the metadata name what isn't there.
    """
    features = dict(builder.info.features)
    facts = dict(builder.info.metadata or {})
    shape = getattr(features.get(IMAGE), "shape", None)
    if not shape or None in shape or shape[-1] != 3 or INDEX not in features:
        raise UserError(
            f"Expected features `{IMAGE}` of one size in colour and `{INDEX}` "
            f"in {builder.info.full_name}. Received: {', '.join(features)}"
            + (f", images of {shape}" if shape else "")
        )
    numbers, flags = facts.get("numbers", {}), facts.get("flags", {})
    ordinal = facts.get("ordinal", ())
    shapes = {name: (len(names),) for name, names in flags.items()}
    shapes |= dict.fromkeys([*numbers, *ordinal], ())
    strange = [
        name
        for name, shape in sorted(shapes.items())
        if getattr(features.get(name), "shape", None) != shape
    ]
    if strange:
        raise UserError(
            f"The metadata of {builder.info.full_name} name features that are "
            f"not there, or not of that shape. Received: {', '.join(strange)}"
        )
    tasks = []
    for name, feature in sorted(features.items()):
        if isinstance(feature, tfds.features.ClassLabel):
            classes = tuple(feature.names)
            kind = BINARY if len(classes) == 2 else CATEGORICAL
            kind = ORDINAL if name in ordinal else kind
            tasks.append(Task(name, kind, classes))
        elif name in flags:
            tasks.append(Task(name, MULTI_LABEL, tuple(flags[name])))
        elif name in numbers:
            tasks.append(Task(name, REGRESSION, **numbers[name]))
    return Schema(
        image_shape=shape,
        tasks=tasks,
        protected=facts.get("protected"),
        guarded=facts.get("guarded", ()),
        conditions=facts.get("conditions", ()),
        shows_people=facts.get("shows_people", True),
    )


def check_labels(labels: dict[str, np.ndarray], schema: Schema, name: str):
    """Raises if a label in `name` is of no class, or outside of its limits."""
    for task in schema.tasks:
        values = labels[task.name]
        if task.kind == REGRESSION:
            low, high = task.low, task.high
            values = values[np.isfinite(values)]
        else:
            low = -1
            high = 1 if task.kind == MULTI_LABEL else task.num_classes - 1
        wrong = values[(values < low) | (values > high)]
        if wrong.size:
            raise UserError(
                f"Expected labels of {task.name} between {low} and {high} in "
                f"{name}. Received: {wrong.size} others, such as {wrong[0]}"
            )
