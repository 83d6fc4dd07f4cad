"""Training that begins with smaller portraits (Tan and Le, arXiv:2104.00298).

A part of the training is an experiment of its own: the backbone's name says
the size, as in `portrait_s(image_shape=(54, 42, 3))`, and the portraits are
averaged to it. The networks hold convolutions and means over all places, so
that the weights of one size fit any other.
"""

import dataclasses

import keras
import numpy as np

from tp_keras.models import create_backbone
from tp_keras.runs.run_folder import RunFolder
from tp_keras.runs.trainer import Trainer


class PartTrainer(Trainer):
    """Trains one half of a training whose portraits grow, or all of one.

    Both halves follow one schedule of the learning rate: the first goes down
    to its middle, the second from there to its end.

    Args:
        config: `ExperimentConfig`.
        half: 1 or 2, or None for a training that is no half of another.
        first_run: Folder of the first half, whose weights the second takes.
        turns: `benchmarks.epoch_speed.Turns` to stop for where an epoch
            begins, or None.
    """

    def __init__(self, config, half=None, first_run=None, turns=None):
        callbacks = []
        if turns is not None:
            callbacks = [
                keras.callbacks.LambdaCallback(
                    on_epoch_begin=lambda epoch, logs: turns.next_epoch(),
                    on_train_end=lambda logs: turns.next_epoch(),
                )
            ]
        super().__init__(config, progress=False, callbacks=callbacks)
        self._half = half
        self._first_run = first_run

    def build_model(self, schema):
        """Returns the classifier, with the weights of the first half."""
        model = super().build_model(schema)
        if self._first_run is not None:
            trained = RunFolder(self._first_run).load_model()
            model.set_weights(trained.get_weights())
        return model

    def _load(self, split):
        portraits = super()._load(split)
        schema = portraits.schema
        backbone = create_backbone(
            self.config.model.backbone, schema.image_shape
        )
        shape = backbone.input_shape[1:]
        return dataclasses.replace(
            portraits,
            images=shrink(portraits.images, shape),
            schema=dataclasses.replace(schema, image_shape=shape),
        )

    def _optimizer(self, steps):
        if self._half is None:
            return super()._optimizer(steps)
        optimizer = super()._optimizer(2 * steps)
        if self._half == 2:
            optimizer.learning_rate = LaterSchedule(
                optimizer._learning_rate, self.config.training.epochs * steps
            )
        return optimizer


@keras.saving.register_keras_serializable("benchmarks")
class LaterSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule of which the first steps have been.

    Args:
        schedule: The whole `LearningRateSchedule`.
        begin: Int. The step of it to begin with.
    """

    def __init__(self, schedule, begin):
        super().__init__()
        self.schedule = schedule
        self.begin = begin

    def __call__(self, step):
        """Returns the learning rate of a step."""
        return self.schedule(step + self.begin)

    def get_config(self):
        """Returns the arguments."""
        return {"schedule": self.schedule, "begin": self.begin}


def shrink(images, image_shape):
    """Averages pixels over areas, down to a size that divides theirs.

    Args:
        images: uint8 array `[count, height, width, channels]`.
        image_shape: Height, width and channels to shrink to.

    Returns:
        uint8 array; `images` themselves if that is their size.

    Example:
        >>> shrink(np.zeros((8, 108, 84, 3), np.uint8), (54, 42, 3)).shape
        (8, 54, 42, 3)
    """
    height, width, channels = image_shape
    if images.shape[1:] == (height, width, channels):
        return images
    if (
        images.shape[3] != channels
        or images.shape[1] % height
        or images.shape[2] % width
    ):
        raise ValueError(
            f"Expected a size that divides {images.shape[1:]}. "
            f"Received: image_shape={tuple(image_shape)}"
        )
    rows, columns = images.shape[1] // height, images.shape[2] // width
    areas = (height, rows, width, columns, channels)
    # In pieces: the means are floats.
    pieces = [
        np.round(piece.reshape(-1, *areas).mean(axis=(2, 4), dtype=np.float32))
        for piece in np.array_split(images, -(-len(images) // 256))
    ]
    return np.concatenate([piece.astype(np.uint8) for piece in pieces])
