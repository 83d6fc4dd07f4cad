"""All splits of a data set as one, for who looks at every portrait."""

import dataclasses
import functools
import hashlib
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np
import tqdm

from tp_keras.data import builders
from tp_keras.data import source
from tp_keras.data.joint import JointImages
from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError
from tp_keras.tasks import Schema

# Other splits, such as portraits drawn once more, are named by the user.
SPLITS = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True)
class PortraitSet:
    """The portraits of one or more splits, a row each, split after split.

    Attributes:
        parts: The `Portraits` of each split, of one schema.
    """

    parts: tuple[Portraits, ...]

    def __len__(self):
        return sum(map(len, self.parts))

    @property
    def schema(self) -> Schema:
        """What all parts hold."""
        return self.parts[0].schema

    @property
    def dataset(self) -> str:
        """Name of the data set, its configuration and version."""
        return self.parts[0].dataset

    @property
    def split_names(self) -> tuple[str, ...]:
        """The names of the splits."""
        return tuple(part.split for part in self.parts)

    @functools.cached_property
    def splits(self) -> np.ndarray:
        """The place of each row's split in `split_names`, int64 `[count]`."""
        counts = [len(part) for part in self.parts]
        return np.repeat(np.arange(len(counts)), counts)

    @functools.cached_property
    def indices(self) -> np.ndarray:
        """The image indices, int64 `[count]`; unique in the data set."""
        return np.concatenate([part.indices for part in self.parts])

    @functools.cached_property
    def labels(self) -> dict[str, np.ndarray]:
        """Task name -> labels of all rows, as in `Portraits`."""
        return {
            name: np.concatenate([part.labels[name] for part in self.parts])
            for name in self.schema.task_names
        }

    @functools.cached_property
    def groups(self) -> np.ndarray:
        """The protected label of all rows, as in `Portraits`."""
        return np.concatenate([part.groups for part in self.parts])

    @property
    def fingerprint(self) -> str:
        """Hash of the portraits and labels of all parts."""
        prints = "".join(part.fingerprint for part in self.parts)
        return hashlib.sha256(prints.encode()).hexdigest()

    def images(self, rows) -> np.ndarray:
        """Returns the pixels of some rows, in their order.

        Args:
            rows: Row numbers `[n]`, in any order.

        Returns:
            A uint8 array `[n, height, width, 3]`.
        """
        images = JointImages(part.images for part in self.parts)
        return images[np.asarray(rows, np.int64)]

    def batches(
        self, size: int = 256, title: str | None = None
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """Yields slices of rows with their pixels, at most `size` at a time.

        With a `title` it shows a progress bar if it takes longer.
        """
        with tqdm.tqdm(
            total=len(self),
            desc=title,
            unit="img",
            delay=2,
            leave=False,
            disable=title is None,
        ) as bar:
            start = 0
            for part in self.parts:
                for first in range(0, len(part), size):
                    images = np.array(part.images[first : first + size])
                    rows = slice(start + first, start + first + len(images))
                    yield rows, images
                    bar.update(len(images))
                start += len(part)


def load_portrait_set(
    data_dir, dataset: str, splits: Sequence[str] = ()
) -> PortraitSet:
    """Loads splits of a prepared data set, decoded once; see `load_portraits`.

    Args:
        data_dir: Folder of the prepared data sets.
        dataset: Name such as `"utk_face/synthetic"`.
        splits: Names or slices; none: those of `SPLITS` that there are, or
            else all.

    Raises:
        UserError: If data set or split is not there, or holds no portrait.
    """
    if not splits:
        known = tuple(find_splits(data_dir, dataset))
        splits = [name for name in SPLITS if name in known] or known
    if len(set(splits)) < len(splits):
        raise UserError(
            "Expected splits that differ. "
            f"Received: splits={', '.join(splits)} of {dataset}"
        )
    # An empty one is told when it is loaded.
    return PortraitSet(
        tuple(source.load_portraits(data_dir, dataset, one) for one in splits)
    )


def find_splits(data_dir, dataset) -> list[str]:
    """Returns the names of the splits of a prepared data set."""
    return list(builders.find_builder(data_dir, dataset).info.splits)
