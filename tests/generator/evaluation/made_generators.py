"""A judge that counts pixels, and generators of known quality.

They belong to the portraits of `portrait_factory`, whose colour channels carry
the labels.
"""

import numpy as np

from tests.portrait_factory import make_portraits
from tp_keras.tasks import TASK_NAMES
from tp_keras.tasks import TASKS

NOISE_MEAN = 19.5


class ColorJudge:
    """Reads each label from the level of its channel: never wrong."""

    name = "judge"

    def predict(self, images):
        found = {}
        for channel, task in enumerate(TASKS):
            levels = np.asarray(images)[..., channel].mean(axis=(1, 2))
            step = 200 // (task.num_classes - 1)
            found[task.name] = (
                np.rint((levels - NOISE_MEAN) / step)
                .clip(0, task.num_classes - 1)
                .astype(np.int32)
            )
        return found

    def features(self, images):
        """Means of tiles, of all channels."""
        images = np.asarray(images, np.float32)
        tiles = images.reshape(len(images), 4, 27, 4, 21, 3).mean(axis=(2, 4))
        return tiles.reshape(len(images), -1) / 50


class MadeSampler:
    """Draws portraits of the very kind that `make_portraits` makes.

    Args:
        ignore: Names of labels that are drawn by chance instead.
    """

    def __init__(self, ignore=()):
        self.ignore = set(ignore)

    def generate(self, labels, seed, temperature=1.0):
        rng = np.random.default_rng(seed)
        count = len(labels[TASK_NAMES[0]])
        images = rng.integers(0, 40, (count, 108, 84, 3), dtype=np.uint8)
        for channel, task in enumerate(TASKS):
            drawn = rng.integers(task.num_classes, size=count)
            own = np.asarray(labels[task.name])
            used = np.where((own < 0) | (task.name in self.ignore), drawn, own)
            levels = used * (200 // (task.num_classes - 1))
            images[..., channel] += levels[:, None, None].astype(np.uint8)
        return images

    def generate_standard_normal(self, labels, seed):
        return self.generate(labels, seed + 1)

    def reconstruct(self, images, labels):
        return np.asarray(images).copy()

    def edit(self, images, labels, new_labels):
        """Sets the channels of changed labels, and leaves the others."""
        result = np.asarray(images).copy()
        for channel, task in enumerate(TASKS):
            if task.name in self.ignore:
                continue
            step = 200 // (task.num_classes - 1)
            change = (
                np.asarray(new_labels[task.name]) - labels[task.name]
            ) * step
            result[..., channel] = (
                result[..., channel].astype(int) + change[:, None, None]
            ).clip(0, 255)
        return result

    def latent_means(self, images, labels):
        """What has nothing to do with any label."""
        rng = np.random.default_rng(len(images))
        return rng.normal(size=(len(images), 6)).astype(np.float32)


class CopyingSampler(MadeSampler):
    """Draws training portraits, with a little noise.

    Args:
        training: `Portraits`.
    """

    def __init__(self, training):
        super().__init__()
        self.training = training

    def generate(self, labels, seed, temperature=1.0):
        rng = np.random.default_rng(seed)
        rows = rng.integers(len(self.training), size=len(labels["gender"]))
        noise = rng.integers(0, 3, (len(rows), 108, 84, 3))
        return (self.training.images[rows] + noise).clip(0, 255).astype("uint8")


def make_splits(count=160, missing=0.25):
    """Returns training, validation, test and unseen portraits."""
    return tuple(
        make_portraits(count, seed=seed, split=split, missing=missing)
        for seed, split in enumerate(("train", "validation", "test", "train"))
    )
