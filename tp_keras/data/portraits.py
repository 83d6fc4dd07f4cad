"""The decoded examples of one split, as arrays."""

import dataclasses
import hashlib

import numpy as np


@dataclasses.dataclass(frozen=True)
class Portraits:
    """The portraits of a split in the order of their image index.

    Attributes:
        images: uint8 `[count, height, width, 3]`, an array in memory or mapped
            from a file.
        labels: Dict: task name -> int32 `[count]`, -1 where the label is
            missing.
        indices: int64 `[count]`, the image indices, ascending.
        dataset: Name of the data set and its configuration.
        split: Name of the split.
        storage: `"memory"` or `"disk"`: where the pixels lie.
        fingerprint: Hash of indices, labels and pixels.
    """

    images: np.ndarray
    labels: dict[str, np.ndarray]
    indices: np.ndarray
    dataset: str
    split: str
    storage: str
    fingerprint: str

    def __len__(self):
        return len(self.indices)


def compute_fingerprint(images, labels, indices) -> str:
    """Returns the SHA-256 of what a model can see of a split, in hexadecimal.

    It does not depend on files, shards or versions: equal portraits with equal
    labels have equal fingerprints.
    """
    digest = hashlib.sha256()
    digest.update(np.asarray(indices, np.int64).tobytes())
    for name in sorted(labels):
        digest.update(name.encode())
        digest.update(np.asarray(labels[name], np.int32).tobytes())
    for begin in range(0, len(images), 1024):
        digest.update(np.ascontiguousarray(images[begin : begin + 1024]))
    return digest.hexdigest()
