"""Writes the bundle of a `PortraitVAE`, and says what it has to answer."""

import pathlib

import numpy as np
import tensorflow as tf

from tp_keras.errors import UserError
from tp_keras.export.publishing import describe_export
from tp_keras.export.publishing import publish
from tp_keras.export.publishing import unpublished
from tp_keras.export.publishing import write_metadata
from tp_keras.generator.export.keyed_noise import keyed_noise
from tp_keras.generator.export.keyed_noise import row_seeds
from tp_keras.generator.export.vae_signatures import NEW_PREFIX
from tp_keras.generator.export.vae_signatures import make_vae_signatures
from tp_keras.tasks import IMAGE_SHAPE
from tp_keras.tasks import MISSING
from tp_keras.tasks import TASKS
from tp_keras.tasks import UNKNOWN

VAE_BUNDLE_NAME = "portrait_vae"


def export_vae_bundle(
    vae,
    output_dir,
    *,
    metadata: dict | None = None,
    name: str = VAE_BUNDLE_NAME,
    version: int | None = None,
    check=None,
) -> pathlib.Path:
    """Exports a `PortraitVAE` as `<output_dir>/<name>/<version>/`.

    The bundle is a SavedModel with the signatures of `make_vae_signatures` and
    constant weights, and `metadata.json` beside it. It is written aside and
    appears under its version whole or, on any failure, not at all.

    Args:
        vae: A trained `PortraitVAE`, or anything with `encoder`, `decoder`,
            `prior` and `latent_size`.
        output_dir: Folder of all exported models.
        metadata: What else `metadata.json` shall say. Must be possible to
            write as JSON.
        name: Name of the model, under which it is served.
        version: Int. A free version number; None for the next one.
        check: Function of the folder, called before it is published; what it
            raises keeps it from being so.

    Returns:
        Folder of the version.

    Raises:
        UserError: If `version` is taken or negative, or the model is made for
            images of another size.

    Example:
        >>> export_vae_bundle(vae, "exported_models")
        PosixPath('exported_models/portrait_vae/1')
    """
    # Before a folder is made: it refuses what cannot be exported.
    signatures = make_vae_signatures(vae)

    def write(folder):
        # A bare module: one that tracks the model would save its variables.
        tf.saved_model.save(tf.Module(), str(folder), signatures=signatures)
        parts = (vae.encoder, vae.prior, vae.decoder)
        write_metadata(
            folder,
            {
                "unknown": UNKNOWN,
                "image": {"shape": ["batch", *IMAGE_SHAPE], "dtype": "uint8"},
                "latent_size": vae.latent_size,
                "prior": type(vae.prior).__name__,
                "signatures": sorted(signatures),
                "parameters": sum(part.count_params() for part in parts),
                **describe_export(),
                **(metadata or {}),
            },
        )

    with unpublished(output_dir, name) as folder:
        write(folder)
        if check is not None:
            check(folder)
        return publish(folder)


def expected_answers(vae, images, seed: int = 0) -> dict:
    """Returns what every signature has to answer, by the model's own methods.

    The road goes past the graph that is exported: the methods of the Keras
    model, and arithmetic of NumPy. Labels and temperatures differ from row to
    row, and one row asks for a class that is not there.

    Args:
        vae: The `PortraitVAE`.
        images: uint8 `[batch, 108, 84, 3]`, two rows or more.
        seed: Int of 0 or more. Settles labels and noise.

    Returns:
        Dict of signature to its inputs and outputs, as
        `tp_keras.serving.check_answers` takes it. Expected files are given by
        their pixels.

    Raises:
        UserError: If an answer is no number.
    """
    count = len(images)
    generator = np.random.default_rng(seed)
    numbers, names = _draw_labels(generator, count)
    new_numbers, new_names = _draw_labels(generator, count)
    valid = np.arange(count) < count - 1
    names[TASKS[0].name][-1] = b"no such class"
    new_names = {NEW_PREFIX + name: new_names[name] for name in new_names}
    heat = tf.constant(generator.uniform(0.5, 1.0, count), tf.float32)
    seeds = row_seeds(seed, count)
    normal, uniform = keyed_noise(seeds, vae.latent_size)
    pixels = tf.constant(images)
    mean, log_variance = (_array(x) for x in vae.encode(pixels, numbers))
    latents = _array(vae.prior.sample(normal, uniform, numbers, heat))

    def answer(**outputs):
        for value in outputs.values():
            value[~valid] = 0
        return {**outputs, "valid": valid}

    generated = _to_uint8(vae.generate(normal, uniform, numbers, heat))
    decoded = _to_uint8(vae.decode(tf.constant(mean), numbers))
    reconstructed = _to_uint8(vae.reconstruct(pixels, numbers))
    edited = _to_uint8(vae.edit(pixels, numbers, new_numbers))
    request = {**names, "seed": seeds, "temperature": heat.numpy()}
    files = np.array(
        [tf.io.encode_png(image).numpy() for image in images], object
    )
    # Inputs are copied where the rows that are not valid are set to zero.
    latent_input = mean.copy()
    return {
        "generate": (request, answer(image=generated, latent=latents)),
        "serving_default": (request, answer(image=generated, latent=latents)),
        "generate_bytes": (request, answer(image_bytes=generated)),
        "encode": (
            {"image": images, **names},
            answer(mean=mean, log_variance=log_variance),
        ),
        "decode": ({"latent": latent_input, **names}, answer(image=decoded)),
        "reconstruct": (
            {"image": images, **names},
            answer(image=reconstructed),
        ),
        "edit": (
            {"image": images, **names, **new_names},
            answer(image=edited),
        ),
        "edit_bytes": (
            {"image_bytes": files, **names, **new_names},
            answer(image_bytes=edited),
        ),
    }


def _draw_labels(generator, count):
    """Returns random labels as numbers, some of them missing, and as names."""
    numbers, names = {}, {}
    for task in TASKS:
        drawn = generator.integers(MISSING, task.num_classes, count)
        # Keras takes no mixture of tensors and arrays.
        numbers[task.name] = tf.constant(drawn, tf.int32)
        vocabulary = (UNKNOWN, *task.classes)
        names[task.name] = np.array(
            [vocabulary[n - MISSING].encode() for n in drawn], object
        )
    return numbers, names


def _array(tensor) -> np.ndarray:
    # A copy: what a tensor shows is read-only.
    array = np.array(tensor, np.float32)
    if not np.isfinite(array).all():
        raise UserError(
            "The model answers with what is no number: its training failed. "
            "Train it again, into another --run_dir. "
            f"Received: {np.isnan(array).sum():,} NaN of {array.size:,}"
        )
    return array


def _to_uint8(images) -> np.ndarray:
    return np.clip(np.rint(_array(images)), 0, 255).astype(np.uint8)
