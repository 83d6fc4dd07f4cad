"""A judge that counts pixels, and generators of known quality.

They belong to the portraits of `portrait_factory`, whose bands of rows carry
the labels, for schemas whose tasks have classes.
"""

import numpy as np

from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits

NOISE_MEAN = 19.5


class BandJudge:
    """Reads each label from the level of its band: never wrong."""

    name = "judge"

    def __init__(self, schema=SCHEMA):
        self.bands = find_bands(schema)

    def predict(self, images):
        return {
            task.name: np.rint(
                (np.asarray(images)[:, band].mean(axis=(1, 2, 3)) - NOISE_MEAN)
                / (200 / (task.num_classes - 1))
            )
            .clip(0, task.num_classes - 1)
            .astype(np.int32)
            for task, band in self.bands.items()
        }

    def features(self, images):
        """Means of tiles, of all channels."""
        images = np.asarray(images, np.float32)
        count, height, width, _ = images.shape
        tiles = images.reshape(count, 4, height // 4, 4, width // 4, 3)
        return tiles.mean(axis=(2, 4)).reshape(count, -1) / 50


class MadeSampler:
    """Draws portraits of the very kind that `make_portraits` makes.

    Args:
        schema: `Schema` of the portraits.
        ignore: Names of labels that are drawn by chance instead.
    """

    def __init__(self, schema=SCHEMA, ignore=()):
        self.shape = schema.image_shape
        self.bands = find_bands(schema)
        self.ignore = set(ignore)

    def generate(self, labels, seed, temperature=1.0):
        rng = np.random.default_rng(seed)
        count = len(next(iter(labels.values())))
        images = rng.integers(0, 40, (count, *self.shape), dtype=np.uint8)
        for task, band in self.bands.items():
            drawn = rng.integers(task.num_classes, size=count)
            own = np.asarray(labels[task.name])
            used = np.where((own < 0) | (task.name in self.ignore), drawn, own)
            levels = used * (200 / (task.num_classes - 1))
            images[:, band] += levels[:, None, None, None].astype(np.uint8)
        return images

    def generate_standard_normal(self, labels, seed):
        return self.generate(labels, seed + 1)

    def reconstruct(self, images, labels):
        return np.asarray(images).copy()

    def edit(self, images, labels, new_labels):
        """Sets the bands of changed labels, and leaves the others."""
        result = np.asarray(images).astype(int)
        for task, band in self.bands.items():
            if task.name not in self.ignore:
                change = np.asarray(new_labels[task.name]) - labels[task.name]
                step = 200 // (task.num_classes - 1)
                result[:, band] += (change * step)[:, None, None, None]
        return result.clip(0, 255).astype(np.uint8)


def find_bands(schema):
    """Returns dict: each condition -> its rows of pixels."""
    bands = np.array_split(np.arange(schema.image_shape[0]), len(schema.tasks))
    return {
        task: band
        for task, band in zip(schema.tasks, bands, strict=True)
        if task.name in schema.conditions
    }


def make_splits(count=160, missing=0.25, schema=SCHEMA):
    """Returns training, validation, test and unseen portraits."""
    return tuple(
        make_portraits(count, seed, split, missing, schema)
        for seed, split in enumerate(("train", "validation", "test", "train"))
    )
