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
        heat = np.full(len(normal), temperature, np.float32)
        inputs = normal, uniform, labels, heat
        return self._run("generate", self._vae.generate, *inputs)

    def generate_standard_normal(self, labels, seed: int) -> np.ndarray:
        """Draws a portrait for each row from latents of N(0, I)."""
        normal, _ = self._noise(labels, seed)
        return self._run(
            "generate from N(0, I)", self._vae.decode, normal, labels
        )

    def reconstruct(self, images, labels) -> np.ndarray:
        """Decodes the latent means of portraits."""
        return self._run("reconstruct", self._vae.reconstruct, images, labels)

    def edit(self, images, labels, new_labels) -> np.ndarray:
        """Decodes the latent means of portraits with other labels."""
        return self._run("edit", self._vae.edit, images, labels, new_labels)

    def _noise(self, labels, seed):
        generator = np.random.default_rng(seed)
        count = len(labels[self._conditions[0]])
        normal = generator.standard_normal((count, self._vae.latent_size))
        uniform = generator.random(count)
        return normal.astype(np.float32), uniform.astype(np.float32)

    def _run(self, verb, function, *inputs):
        """Returns what a function draws of batches of arrays and labels."""
        results = []
        for start in tqdm.tqdm(
            range(0, len(inputs[0]), _BATCH_SIZE),
            verb,
            delay=2,
            leave=False,
            disable=not self._progress,
        ):
            rows = slice(start, start + _BATCH_SIZE)
            drawn = function(*(self._take(each, rows) for each in inputs))
            drawn = keras.ops.convert_to_numpy(drawn)
            if not np.isfinite(drawn).all():
                raise UserError(
                    "The model makes numbers that are not finite, so it can't "
                    "be measured; train it anew, into another --run_dir. "
                    f"Received: {verb}, portraits {start} to "
                    f"{start + len(drawn) - 1}"
                )
            results.append(to_uint8(drawn))
        return np.concatenate(results)

    def _take(self, values, rows):
        if not isinstance(values, dict):
            return np.asarray(values[rows])
        return {
            name: np.asarray(values[name][rows], np.int32)
            for name in self._conditions
        }
