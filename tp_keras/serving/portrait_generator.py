"""Makes and changes portraits with an exported `PortraitVAE`, without Keras."""

import numpy as np

from tp_keras.errors import UserError
from tp_keras.serving.loaded_bundle import LoadedBundle
from tp_keras.serving.loaded_bundle import call_signature
from tp_keras.serving.loaded_bundle import checked_images
from tp_keras.tasks import Schema

# Rows sent to a signature at once: more would be no faster, and need memory.
_BATCH = 64


class PortraitGenerator:
    """The signatures of a `PortraitVAE` as methods that take arrays.

    Labels are a dict of a condition of the schema to a class name for all
    rows, or to a sequence of one for each; `"unknown"`, None or a condition
    left out say that it is not given. Images are uint8
    `[batch, height, width, 3]`, latents float32 `[batch, latent_size]`. What a
    method can't take it tells in a `UserError`.

    Args:
        signatures: Dict of name to function of tensors by name. They may be
            those of a model in memory; `load` takes them from a bundle.
        metadata: Dict. What is known of the model: its `schema`, and more; of
            a bundle the content of `metadata.json`.

    Attributes:
        schema: `Schema` that the metadata tell.

    Example:
        >>> generator = PortraitGenerator.load("exported_models/portrait_vae")
        >>> labels = {"weather": "snow"}
        >>> generator.generate(labels, seeds=[1, 2, 3], temperature=0.8).shape
        (3, 96, 96, 3)
    """

    def __init__(self, signatures: dict, metadata: dict):
        self._signatures = signatures
        self.metadata = metadata
        self.schema = Schema.from_dict(metadata["schema"])

    @classmethod
    def load(cls, bundle) -> "PortraitGenerator":
        """Loads a bundle of a `PortraitVAE`; see `find_bundle`."""
        loaded = LoadedBundle(bundle, "generate", "export_vae")
        generator = cls(loaded.signatures, loaded.metadata)
        # A bundle's functions live as long as it does.
        generator._loaded = loaded
        return generator

    def generate(self, labels, seeds, temperature=1.0) -> np.ndarray:
        """Makes new portraits.

        Args:
            labels: What they shall show.
            seeds: Ints of 64 bits `[batch]`. A seed and its labels settle a
                portrait, whatever else is asked for with it.
            temperature: Float above 0, or one for each row: how far from the
                middle of what the model knows it may go. 1 is as various as
                the portraits it learned from; less is plainer and safer.
        """
        return self._sample(labels, seeds, temperature)["image"]

    def sample(self, labels, seeds, temperature=1.0) -> np.ndarray:
        """Returns the latents of the portraits that `generate` makes."""
        return self._sample(labels, seeds, temperature)["latent"]

    def encode(self, images, labels) -> tuple[np.ndarray, np.ndarray]:
        """Returns mean and log-variance of the latents of labelled images."""
        outputs = self._run("encode", self._picture_inputs(images, labels))
        return outputs["mean"], outputs["log_variance"]

    def decode(self, latents, labels) -> np.ndarray:
        """Returns the images of finite latents, shown with `labels`."""
        latents = np.asarray(latents, np.float32)
        if latents.ndim != 2 or not np.isfinite(latents).all():
            raise UserError(
                "Expected finite latents [batch, latent_size]. "
                f"Received: latents of shape {latents.shape}"
            )
        inputs = self._label_inputs(labels, len(latents))
        return self._run("decode", {"latent": latents, **inputs})["image"]

    def reconstruct(self, images, labels) -> np.ndarray:
        """Returns labelled images as the model sees them."""
        inputs = self._picture_inputs(images, labels)
        return self._run("reconstruct", inputs)["image"]

    def edit(self, images, labels, new_labels) -> np.ndarray:
        """Returns images with other attributes than the `labels` they show.

        A condition that is left out of `new_labels` is not kept but unknown:
        give what shall stay.
        """
        inputs = self._picture_inputs(images, labels)
        new = self._label_inputs(new_labels, len(inputs["image"]), "new_")
        return self._run("edit", inputs | new)["image"]

    def _sample(self, labels, seeds, temperature):
        seeds = _checked_seeds(seeds)
        temperature = np.asarray(temperature, np.float32)
        if not ((temperature > 0) & (temperature < np.inf)).all():
            raise UserError(
                "Expected a temperature above 0, such as 0.8. "
                f"Received: temperature={temperature.tolist()}"
            )
        if temperature.shape not in ((), seeds.shape):
            raise UserError(
                "Expected one temperature, or one for each seed. "
                f"Received: {temperature.shape} for {seeds.shape} seeds"
            )
        heat = np.array(np.broadcast_to(temperature, seeds.shape))
        request = self._label_inputs(labels, len(seeds))
        return self._run(
            "generate", {"seed": seeds, "temperature": heat, **request}
        )

    def _run(self, signature, inputs):
        count, parts = len(next(iter(inputs.values()))), []
        for start in range(0, max(count, 1), _BATCH):
            rows = {k: v[start : start + _BATCH] for k, v in inputs.items()}
            parts.append(call_signature(self._signatures[signature], rows))
        return {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}

    def _picture_inputs(self, images, labels):
        images = checked_images(images, self.schema.image_shape)
        return {"image": images, **self._label_inputs(labels, len(images))}

    def _label_inputs(self, labels, count, prefix=""):
        """Returns labels as inputs of a signature, after checking them."""
        complete = self.schema.complete_labels
        inputs = {}
        # The names alone first, so that an unknown one is told.
        for task in complete(dict.fromkeys(labels)):
            names = labels.get(task)
            if names is None or isinstance(names, str):
                names = [names] * count
            if len(names) != count:
                raise UserError(
                    f"Expected one {task}, or one for each of {count} rows. "
                    f"Received: {len(names)} of {task}"
                )
            known = {
                name: complete({task: name})[task].encode()
                for name in set(names)
            }
            inputs[prefix + task] = np.array([known[n] for n in names], object)
        return inputs


def _checked_seeds(seeds) -> np.ndarray:
    array = np.asarray(seeds)
    # An empty list has no type of its own.
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise UserError(
            "Expected integers [batch] as seeds. "
            f"Received: dtype={array.dtype}, shape={array.shape}"
        )
    if array.dtype.kind == "u" and array.size and array.max() >= 2**63:
        raise UserError(f"Expected seeds below 2**63. Received: {array.max()}")
    return array.astype(np.int64)
