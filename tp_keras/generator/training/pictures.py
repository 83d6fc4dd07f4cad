"""A sheet of what the model draws, after every epoch."""

import os

import keras
import numpy as np
from PIL import Image

from tp_keras.generator.model import to_uint8
from tp_keras.tasks import HAIR_COLOR
from tp_keras.tasks import MISSING

_COLUMNS = 12


class EpochPictures:
    """Draws the same portraits after every epoch, to see them improve.

    Two pairs of rows: portraits of the validation split and their
    reconstructions below; then new portraits of every gender and hair colour
    from the running Gaussian of the latents, at temperature 1.

    Args:
        run: `VaeRunFolder` to write to: `pictures/epoch_NNN.png`, and the
            pictures of TensorBoard.
        portraits: `Portraits` of the validation split.
        seed: Int, of the latents.
    """

    def __init__(self, run, portraits, seed=0):
        self.run = run
        rng = np.random.default_rng(seed)
        # Again from the first where there are fewer portraits than columns.
        rows = np.sort(np.resize(rng.permutation(len(portraits)), _COLUMNS))
        self.images = np.asarray(portraits.images[rows])
        self.labels = {
            name: values[rows] for name, values in portraits.labels.items()
        }
        self.noise = rng.normal(size=(2 * _COLUMNS, 1 << 12))
        classes = HAIR_COLOR.num_classes
        count = 2 * _COLUMNS
        self.new_labels = {
            "gender": np.repeat([0, 1], _COLUMNS).astype(np.int32),
            "hair_color": (np.arange(count) % classes).astype(np.int32),
            "hair_type": np.full(count, MISSING, np.int32),
        }

    def draw(self, vae) -> np.ndarray:
        """Returns the sheet, uint8 `[height, width, 3]`."""
        rows = [self.images]
        rows.append(to_uint8(vae.reconstruct(self.images, self.labels)))
        noise = self.noise[:, : vae.latent_size].astype(np.float32)
        root = np.linalg.cholesky(
            keras.ops.convert_to_numpy(vae.latent_covariance)
            + 0.01 * np.eye(vae.latent_size)
        )
        mean = keras.ops.convert_to_numpy(vae.latent_mean)
        latents = (mean + noise @ root.T).astype(np.float32)
        new = to_uint8(vae.decode(latents, self.new_labels))
        rows += [new[:_COLUMNS], new[_COLUMNS:]]
        return np.concatenate([np.concatenate(list(row), 1) for row in rows])

    def write(self, vae, epoch):
        """Writes the sheet of an epoch, counted from 1, whole or not at all."""
        sheet = self.draw(vae)
        folder = self.run.pictures_path
        folder.mkdir(exist_ok=True)
        path = folder / f"epoch_{epoch:03d}.png"
        aside = folder / f".{path.name}.incomplete"
        Image.fromarray(sheet).save(aside, format="PNG")
        os.replace(aside, path)
        self._write_summary(sheet, epoch)

    def _write_summary(self, sheet, epoch):
        import tensorflow as tf

        writer = tf.summary.create_file_writer(
            str(self.run.path / "tensorboard" / "pictures")
        )
        with writer.as_default():
            tf.summary.image("portraits", sheet[None], step=epoch)
        writer.close()
