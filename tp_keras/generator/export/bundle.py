"""Exports a `PortraitVAE` or that of a run, and says what it has to answer."""

import collections
import dataclasses
import pathlib

import numpy as np
import tensorflow as tf

from tp_keras import serving
from tp_keras.data import source
from tp_keras.errors import UserError
from tp_keras.export.publishing import describe_export
from tp_keras.export.publishing import publish
from tp_keras.export.publishing import unpublished
from tp_keras.export.publishing import write_metadata
from tp_keras.export.recorded import png
from tp_keras.export.recorded import sample_images
from tp_keras.export.recorded import write_recorded
from tp_keras.files import check_place
from tp_keras.files import sha256
from tp_keras.generator.export.keyed_noise import keyed_noise
from tp_keras.generator.export.keyed_noise import row_seeds
from tp_keras.generator.export.signatures import NEW_PREFIX
from tp_keras.generator.export.signatures import make_vae_signatures
from tp_keras.generator.model import to_uint8
from tp_keras.generator.training.folder import VaeRunFolder
from tp_keras.serving.prediction_log import LoggedRequest
from tp_keras.tasks import MISSING
from tp_keras.tasks import UNKNOWN

VAE_BUNDLE_NAME = "portrait_vae"


def export_vae_bundle(
    vae, output_dir, *, metadata: dict | None = None, check=None
) -> pathlib.Path:
    """Exports a trained `PortraitVAE` as `<output_dir>/<name>/<version>/`.

    The bundle is a SavedModel with the signatures of `make_vae_signatures` and
    constant weights, and `metadata.json` beside it, which says `metadata` too,
    with the requests of `write_recorded`. `check` is a function of the folder,
    called before it is published; what it raises keeps it from being so.
    Returns the folder of the version; raises `UserError` if an answer is no
    number.
    """
    image_shape = vae.schema.image_shape
    # First: what can't answer is not worth the export.
    expected = recorded_answers(vae, sample_images(image_shape))
    signatures = make_vae_signatures(vae)
    with unpublished(output_dir, VAE_BUNDLE_NAME) as folder:
        # A bare module: one that tracks the model would save its variables.
        tf.saved_model.save(tf.Module(), str(folder), signatures=signatures)
        parts = (vae.encoder, vae.prior, vae.decoder)
        write_metadata(
            folder,
            {
                "schema": vae.schema.to_dict(),
                "latent_size": vae.latent_size,
                "prior": type(vae.prior).__name__,
                "signatures": sorted(signatures),
                "parameters": sum(part.count_params() for part in parts),
                **describe_export(),
                **(metadata or {}),
            },
        )
        write_recorded(folder, signatures, expected, image_shape)
        if check is not None:
            check(folder)
        return publish(folder)


def export_vae_run(run_dir, output_dir, *, check=None):
    """Exports the trained model of a run; see `export_vae_bundle`."""
    run = VaeRunFolder(run_dir).require()
    check_place(pathlib.Path(output_dir, VAE_BUNDLE_NAME))
    vae = run.load_model()
    metadata = _describe_run(run, vae.schema)
    return export_vae_bundle(vae, output_dir, metadata=metadata, check=check)


def run_generator(run_dir) -> serving.PortraitGenerator:
    """Returns the generator of a run, without exporting it.

    It goes through the graph that would be exported: a seed means the same
    portrait as in a bundle.

    Example:
        >>> run_generator("runs/vae").generate({}, seeds=[7]).shape
        (1, 96, 96, 3)
    """
    run = VaeRunFolder(run_dir).require()
    vae = run.load_model()
    return serving.PortraitGenerator(
        {
            name: signature.get_concrete_function()
            for name, signature in make_vae_signatures(vae).items()
        },
        {"schema": vae.schema.to_dict(), **_describe_run(run, vae.schema)},
    )


def _describe_run(run, schema):
    """Returns what `metadata.json` says of a run, without paths."""
    settings = dataclasses.asdict(run.config)
    settings.pop("run_dir")
    settings["data"].pop("data_dir")
    settings["model"].pop("classifier_run")
    return {
        "run": run.path.resolve().name,
        "model_sha256": sha256(run.model_path),
        "data_fingerprints": run.facts.get("fingerprints", {}),
        "label_counts": _count_training_labels(run, schema),
        "settings": settings,
    }


def _count_training_labels(run, schema):
    """Returns `count_labels` of the training, None where the data is gone."""
    data = run.config.data
    try:
        portraits = source.load_portraits(
            data.data_dir, data.dataset, data.train_split, progress=False
        )
        run.check_fingerprints({"train": portraits.fingerprint})
    except UserError:
        return None
    return count_labels(portraits.seen_as(schema).labels, schema)


def count_labels(labels: dict, schema) -> list[dict]:
    """Returns how many portraits have each combination of labels.

    Labels are int32 `[count]`, -1 where missing. Of each combination that is
    there a dict is returned, the frequent ones first, such as
    `{"weather": "dry", "season": "unknown", "count": 2}`.
    """
    columns = {
        task.name: [_vocabulary(task)[n - MISSING] for n in labels[task.name]]
        for task in schema.condition_tasks
    }
    counter = collections.Counter(zip(*columns.values(), strict=True))
    return [
        {**dict(zip(columns, cell, strict=True)), "count": count}
        for cell, count in sorted(
            counter.items(), key=lambda item: (-item[1], item[0])
        )
    ]


def recorded_answers(vae, images) -> list[LoggedRequest]:
    """Returns `expected_answers` as a server logs them: pictures as files."""
    requests = []
    for signature, (inputs, outputs) in expected_answers(vae, images).items():
        if "image_bytes" in outputs:
            files = [png(pixels) for pixels in outputs["image_bytes"]]
            outputs = {**outputs, "image_bytes": np.array(files, object)}
        requests.append(LoggedRequest(signature, inputs, outputs))
    return requests


def expected_answers(vae, images, seed: int = 0) -> dict:
    """Returns what every signature has to answer, past the exported graph.

    By the methods of the Keras model and NumPy, of two uint8 images or more.
    Labels and temperatures differ from row to row, by the seed, and one row
    asks for a class that is not there. Returns a dict: signature -> its inputs
    and outputs, for `tp_keras.serving.check_answers`; of files the pixels.

    Raises:
        UserError: If an answer is no number.
    """
    count = len(images)
    generator = np.random.default_rng(seed)
    tasks = vae.schema.condition_tasks
    numbers, names = _draw_labels(tasks, generator, count)
    new_numbers, new_names = _draw_labels(tasks, generator, count)
    valid = np.arange(count) < count - 1
    names[tasks[0].name][-1] = b"no such class"
    new_names = {NEW_PREFIX + name: new_names[name] for name in new_names}
    heat = tf.constant(generator.uniform(0.5, 1.0, count), tf.float32)
    seeds = row_seeds(seed, count)
    normal, uniform = keyed_noise(seeds, vae.latent_size)
    pixels = tf.constant(images)
    mean, log_variance = (_array(x) for x in vae.encode(pixels, numbers))
    latent = _array(vae.prior.sample(normal, uniform, numbers, heat))
    generated = to_uint8(_array(vae.generate(normal, uniform, numbers, heat)))
    decoded = to_uint8(_array(vae.decode(tf.constant(mean), numbers)))
    edited = to_uint8(_array(vae.edit(pixels, numbers, new_numbers)))
    request = {**names, "seed": seeds, "temperature": heat.numpy()}
    labelled = {"image": images, **names}
    files = [tf.io.encode_png(image).numpy() for image in images]
    file_names = {**names, **new_names, "image_bytes": np.array(files, object)}
    answers = {
        "generate": (request, {"image": generated, "latent": latent}),
        "serving_default": (request, {"image": generated, "latent": latent}),
        "generate_bytes": (request, {"image_bytes": generated}),
        "encode": (labelled, {"mean": mean, "log_variance": log_variance}),
        "decode": ({"latent": mean, **names}, {"image": decoded}),
        "reconstruct": (labelled, {"image": decoded}),
        "edit": ({**labelled, **new_names}, {"image": edited}),
        "edit_bytes": (file_names, {"image_bytes": edited}),
    }
    for _, outputs in answers.values():
        for name, values in outputs.items():
            outputs[name] = values.copy()
            outputs[name][~valid] = 0
        outputs["valid"] = valid
    return answers


def _draw_labels(tasks, generator, count):
    """Returns random labels as numbers, some of them missing, and as names."""
    numbers, names = {}, {}
    for task in tasks:
        drawn = generator.integers(MISSING, task.num_classes, count)
        # Keras takes no mixture of tensors and arrays.
        numbers[task.name] = tf.constant(drawn, tf.int32)
        words = [_vocabulary(task)[n - MISSING].encode() for n in drawn]
        names[task.name] = np.array(words, object)
    return numbers, names


def _vocabulary(task):
    """Returns the names of a task's labels, from the missing one on."""
    return (UNKNOWN, *task.classes)


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
