"""A variational autoencoder as functions from arrays to arrays."""

import keras
import numpy as np
import tqdm

from tp_keras.errors import UserError
from tp_keras.generator.model import to_uint8

_BATCH_SIZE = 128


class VaeSampler:
    """Draws, reconstructs and edits portraits, batch by batch.

    Images are rounded and clipped to uint8, so that no figure rests on pixels
    that no file can hold. Labels are dicts of integers `[count]`.

    Args:
        vae: `PortraitVAE`.
        progress: Whether to show bars after two seconds.
    """

    def __init__(self, vae, progress: bool = True):
        self._vae = vae
        self._conditions = [task.name for task in vae.schema.condition_tasks]
        self._progress = progress

    def generate(self, labels, seed: int, temperature=1.0) -> np.ndarray:
        """Draws a portrait for each row of labels from the fitted prior."""
        normal, uniform = self._noise(labels, seed)
        return self._images(
            "generate",
            lambda rows: self._vae.generate(
                normal[rows],
                uniform[rows],
                self._take(labels, rows),
                np.full(len(normal[rows]), temperature, np.float32),
            ),
            len(normal),
        )

    def generate_standard_normal(self, labels, seed: int) -> np.ndarray:
        """Draws a portrait for each row from latents of N(0, I)."""
        normal, _ = self._noise(labels, seed)
        return self._images(
            "generate from N(0, I)",
            lambda rows: self._vae.decode(
                normal[rows], self._take(labels, rows)
            ),
            len(normal),
        )

    def reconstruct(self, images, labels) -> np.ndarray:
        """Decodes the latent means of portraits."""
        return self._images(
            "reconstruct",
            lambda rows: self._vae.reconstruct(
                np.asarray(images[rows]), self._take(labels, rows)
            ),
            len(images),
        )

    def edit(self, images, labels, new_labels) -> np.ndarray:
        """Decodes the latent means of portraits with other labels."""
        return self._images(
            "edit",
            lambda rows: self._vae.edit(
                np.asarray(images[rows]),
                self._take(labels, rows),
                self._take(new_labels, rows),
            ),
            len(images),
        )

    def latent_means(self, images, labels) -> np.ndarray:
        """Returns the posterior means: float32 `[count, latent_size]`."""
        return self._batches(
            "encode",
            lambda rows: self._vae.encode(
                np.asarray(images[rows]), self._take(labels, rows)
            )[0],
            len(images),
        )

    def _noise(self, labels, seed):
        generator = np.random.default_rng(seed)
        count = len(labels[self._conditions[0]])
        normal = generator.standard_normal((count, self._vae.latent_size))
        uniform = generator.random(count)
        return normal.astype(np.float32), uniform.astype(np.float32)

    def _images(self, verb, function, count):
        return self._batches(verb, function, count, to_uint8)

    def _batches(self, verb, function, count, finish=np.asarray):
        results = []
        for start in tqdm.tqdm(
            range(0, count, _BATCH_SIZE),
            verb,
            delay=2,
            leave=False,
            disable=not self._progress,
        ):
            rows = slice(start, min(start + _BATCH_SIZE, count))
            result = keras.ops.convert_to_numpy(function(rows))
            if not np.isfinite(result).all():
                raise UserError(
                    "The model makes numbers that are not finite, so it can't "
                    "be measured; train it anew, into another --run_dir. "
                    f"Received: {verb}, portraits {rows.start} to "
                    f"{rows.stop - 1}"
                )
            results.append(finish(result))
        return np.concatenate(results)

    def _take(self, labels, rows):
        return {
            name: np.asarray(labels[name][rows], np.int32)
            for name in self._conditions
        }
