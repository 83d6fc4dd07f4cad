"""Views of portraits: whole ones, and small ones of a part."""

import dataclasses

import cv2
import numpy as np
import tensorflow as tf

from tp_keras.config import AugmentConfig
from tp_keras.data.augment import augment
from tp_keras.data.pipeline import TrainingBatches
from tp_keras.data.pipeline import without_autotuning
from tp_keras.pretraining.config import ViewConfig

GLOBAL_VIEWS = 2


def make_views(images, seed, augment_config, view_config, rows):
    """Changes each image of a batch at random, as often as there are views.

    Those of a part are framed up to twice as close, anywhere in the portrait,
    and small: DINO's multi-crop (Caron et al., arXiv:2104.14294), with few and
    large local crops, which suits small networks (Tan et al.,
    arXiv:2210.02808).

    Args:
        images: uint8 array `[count, height, width, 3]`.
        seed: Two ints, as of `augment`; the same gives the same views.
        augment_config: `AugmentConfig` of the whole views.
        view_config: `ViewConfig`.
        rows: Int array `[batch]`, the images to take.

    Returns:
        Two uint8 arrays, `[batch, 2, height, width, 3]` and
        `[batch, local_views, rows, columns, 3]`.
    """
    first, step = (int(number) for number in seed)
    shape = local_shape(images.shape[1:], view_config)
    local_config = dataclasses.replace(
        augment_config, closeup=1.0, shift=view_config.local_shift
    )

    def draw(config, count, offset):
        return [
            augment(images, (first, step, offset + number), config, rows)
            for number in range(count)
        ]

    whole = draw(augment_config, GLOBAL_VIEWS, 0)
    parts = draw(local_config, view_config.local_views, GLOBAL_VIEWS)
    size = shape[1], shape[0]
    small = np.empty((len(rows), view_config.local_views, *shape), np.uint8)
    for number, view in enumerate(parts):
        for row, image in enumerate(view):
            cv2.resize(
                image, size, small[row, number], interpolation=cv2.INTER_AREA
            )
    return np.stack(whole, axis=1), small


def local_shape(image_shape, view_config) -> tuple[int, int, int]:
    """Returns height, width and channels of the views of a part."""
    height, width, channels = image_shape
    share = view_config.local_size
    return max(round(height * share), 1), max(round(width * share), 1), channels


@dataclasses.dataclass(frozen=True)
class ViewBatches(TrainingBatches):
    """Batches of views for `fit`; labels are never looked at.

    Attributes:
        view_config: `ViewConfig`.
    """

    view_config: ViewConfig = dataclasses.field(default_factory=ViewConfig)

    def dataset(self, first_epoch: int = 0) -> tf.data.Dataset:
        """Returns endless `(views,)`, a dict of `"global"` and `"local"`."""
        shape = self.portraits.images.shape[1:]
        shapes = {
            "global": (self.batch_size, GLOBAL_VIEWS, *shape),
            "local": (
                self.batch_size,
                self.view_config.local_views,
                *local_shape(shape, self.view_config),
            ),
        }
        config = self.augment_config or AugmentConfig()

        def make(step, rows):
            return make_views(
                self.portraits.images,
                (self.seed, step),
                config,
                self.view_config,
                rows,
            )

        def gather(step, rows):
            views = tf.numpy_function(make, [step, rows], [tf.uint8, tf.uint8])
            return (
                {
                    name: tf.ensure_shape(view, shape)
                    for (name, shape), view in zip(
                        shapes.items(), views, strict=True
                    )
                },
            )

        dataset = self.row_batches(first_epoch)
        dataset = dataset.map(gather, num_parallel_calls=2, deterministic=True)
        return without_autotuning(dataset.prefetch(4))
