"""What a trained trunk makes of the training portraits, computed once."""

import dataclasses
import itertools

import keras
import numpy as np
import tqdm

from tp_keras.data.augment import augment
from tp_keras.hosts import fill_rows

# So many changed portraits are as good as ever new ones for layers this small.
_AUGMENTED_PORTRAITS = 80_000

_MOST_PASSES = 20

# Decides how many passes of a large data set are kept.
_MOST_BYTES = 2_000_000_000

_BATCH = 512


@dataclasses.dataclass(frozen=True)
class TrunkFeatures:
    """Features of several augmented passes over the same portraits.

    `values` are float16 `[passes, count, rows, columns, channels]`.
    """

    values: np.ndarray

    @classmethod
    def compute(cls, classifier, portraits, config, seed=0, progress=False):
        """Computes the features of a classifier's backbone.

        As many passes as make 80,000 portraits, at most 20, as far as they
        fit into 2 GB; at least one.
        """
        backbone = classifier.backbone
        image = keras.Input(portraits.images.shape[1:], dtype="uint8")
        trunk = keras.Model(image, backbone(image))
        shape, count = trunk.output_shape[1:], len(portraits)
        passes = count_passes(count, 2 * int(np.prod(shape)))
        values = np.empty((passes, count, *shape), np.float16)
        starts = itertools.product(range(passes), range(0, count, _BATCH))
        with tqdm.tqdm(
            total=passes * count,
            desc="features of the trunk",
            unit="img",
            disable=not progress,
        ) as bar:
            for step, (number, begin) in enumerate(starts):
                rows = np.arange(begin, min(begin + _BATCH, count))
                part = np.flatnonzero(np.isin(rows, portraits.own_rows))
                images = augment(
                    portraits.images, (seed, step), config, rows, part
                )
                if len(part):
                    features = trunk.predict_on_batch(images)
                    values[number, rows[part]] = features
                bar.update(len(rows))
        by_row = fill_rows(values.swapaxes(0, 1), portraits.own_rows)
        return cls(by_row.swapaxes(0, 1))


def count_passes(count, bytes_each) -> int:
    """Returns how many passes over `count` portraits to keep.

    Example:
        >>> count_passes(4_600, 8_064), count_passes(107_818, 8_064)
        (18, 1)
    """
    wanted = min(int(np.ceil(_AUGMENTED_PORTRAITS / count)), _MOST_PASSES)
    fitting = _MOST_BYTES // (count * bytes_each)
    return max(1, min(wanted, fitting))
