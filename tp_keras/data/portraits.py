"""The decoded examples of one split, as arrays."""

import dataclasses
import hashlib

import numpy as np

from tp_keras.errors import UserError
from tp_keras.tasks import MISSING
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Schema
from tp_keras.tasks import Task


@dataclasses.dataclass(frozen=True)
class Portraits:
    """The portraits of a split in the order of their image index.

    Attributes:
        images: uint8 `[count, height, width, 3]`, an array in memory or mapped
            from a file.
        labels: Dict: task name -> labels. Of classes int32 `[count]`, -1 where
            missing; of flags int32 `[count, flags]`, likewise; of a number
            float32 `[count]`, NaN where missing.
        indices: int64 `[count]`, the image indices, ascending.
        dataset: Name of the data set and its configuration; of several
            with ` + ` between.
        storage: `"memory"` or `"disk"`: where the pixels lie.
        fingerprint: Hash of indices, labels and pixels; of portraits of several
            data sets those of the parts with `+` between.
        parts: How many portraits come from each data set, one after the other.
        shards: int32 `[count]`, the shard of each; None if there is but one.
        own_rows: int64 `[n]`, those whose pixels this host has.
    """

    images: np.ndarray
    labels: dict[str, np.ndarray]
    indices: np.ndarray
    dataset: str
    split: str
    storage: str
    fingerprint: str
    schema: Schema
    parts: tuple[int, ...] = ()
    shards: np.ndarray | None = None
    own_rows: np.ndarray | None = None

    def __post_init__(self):
        if not self.parts:
            object.__setattr__(self, "parts", (len(self.indices),))
        if self.own_rows is None:
            object.__setattr__(self, "own_rows", np.arange(len(self.indices)))

    def __len__(self):
        return len(self.indices)

    @property
    def groups(self) -> np.ndarray:
        """The protected label, int32 `[count]`; all -1 where there is none."""
        if self.schema.protected is None:
            return np.full(len(self), MISSING, np.int32)
        return self.labels[self.schema.protected]

    def take(self, rows) -> "Portraits":
        """Returns the portraits of ascending rows, with their fingerprint."""
        images, indices = self.images[rows], self.indices[rows]
        labels = {name: values[rows] for name, values in self.labels.items()}
        parts = np.repeat(np.arange(len(self.parts)), self.parts)[rows]
        return dataclasses.replace(
            self,
            images=images,
            labels=labels,
            indices=indices,
            parts=tuple(np.bincount(parts)[np.unique(parts)].tolist()),
            fingerprint=compute_fingerprint(images, labels, indices),
            shards=None,
            own_rows=None,
        )

    def with_images(self, images: np.ndarray) -> "Portraits":
        """Returns the portraits with other pictures, of one size of theirs.

        The fingerprint stays that of the portraits that they come from.
        """
        schema = dataclasses.replace(self.schema, image_shape=images.shape[1:])
        return dataclasses.replace(self, images=images, schema=schema)

    def seen_as(self, schema: Schema) -> "Portraits":
        """Returns the portraits with the labels of another schema.

        Classes are matched by their names, whatever their order. Tasks that
        one of the two lacks are left out. The protected task is that of the
        other schema if these portraits have it.

        Raises:
            UserError: If the images have another size, no task is shared, or
                a shared one has classes, flags or a unit of its own.
        """
        if schema == self.schema:
            return self
        if schema.image_shape != self.schema.image_shape:
            raise UserError(
                f"Expected portraits of {schema.image_shape}; build the data "
                f"set in that size. Received: {self.schema.image_shape} of "
                f"{self.dataset}"
            )
        shared = [
            task for task in schema.tasks if task.name in self.schema.task_names
        ]
        if not shared:
            raise UserError(
                f"Expected one or more tasks out of "
                f"{', '.join(schema.task_names)}. Received: "
                f"{', '.join(self.schema.task_names)} of {self.dataset}"
            )
        labels = {
            task.name: _matched(
                self.labels[task.name], self.schema.task(task.name), task
            )
            for task in shared
        }
        part = dataclasses.replace(
            schema.restricted_to(labels), shows_people=self.schema.shows_people
        )
        return dataclasses.replace(self, labels=labels, schema=part)


def _matched(labels: np.ndarray, own: Task, other: Task) -> np.ndarray:
    """Returns labels of one task as those of its namesake elsewhere."""
    alike = own.has_classes and other.has_classes or own.kind == other.kind
    known = set(own.classes) <= set(other.classes)
    if not (alike and known and own.unit == other.unit):
        raise UserError(
            f"Expected labels of {other.name} that are {other.kind}, of "
            f"{other.unit or ', '.join(other.classes)}. Received: labels that "
            f"are {own.kind}, of {own.unit or ', '.join(own.classes)}"
        )
    if own.kind == REGRESSION or own.classes == other.classes:
        return labels
    places = [other.classes.index(name) for name in own.classes]
    if own.has_classes:
        return np.append(places, MISSING).astype(np.int32)[labels]
    matched = np.full((len(labels), other.num_classes), MISSING, np.int32)
    matched[:, places] = labels
    return matched


def compute_fingerprint(images, labels, indices) -> str:
    """Returns the SHA-256 of what a model can see of a split.

    Equal portraits with equal labels have equal ones, whatever the files.
    """
    digest = hashlib.sha256()
    digest.update(np.asarray(indices, np.int64).tobytes())
    for name in sorted(labels):
        digest.update(name.encode())
        values = np.asarray(labels[name])
        whole = np.issubdtype(values.dtype, np.integer)
        dtype = np.int32 if whole else np.float32
        digest.update(values.astype(dtype).tobytes())
    for begin in range(0, len(images), 1024):
        digest.update(np.ascontiguousarray(images[begin : begin + 1024]))
    return digest.hexdigest()
