"""The serving signatures of a `PortraitVAE`.

Labels are class names, not numbers, which would silently depend on the order
of the classes. `"unknown"` stands for a label that is not given.

Seed and temperature come with each row, and every output has the batch as its
dimension 0: a server merges the requests of several clients into one batch. A
row that asks for what can't be answered (a class that is not there, a
temperature of 0 or less, a latent that is not finite, a file that is no image)
has `valid` false and an answer of zeros: the other rows go on.
"""

import tensorflow as tf

from tp_keras.export.constants import with_constants
from tp_keras.export.decoding import decode_batch
from tp_keras.generator.export.keyed_noise import keyed_noise
from tp_keras.tasks import MISSING
from tp_keras.tasks import UNKNOWN

# How the labels to be are called beside those that are.
NEW_PREFIX = "new_"


def make_vae_signatures(vae) -> dict:
    """Returns the signatures of a `PortraitVAE` by name.

    They are `tf.function`s with input signatures, and hold the weights as
    constants, each once. Labels are called as the conditions, string `[batch]`;
    images are uint8 `[batch, height, width, 3]`, `image_bytes` files, string
    `[batch]`. All answer with `valid`, bool `[batch]`, too.

    * `generate` (also `serving_default`): labels, `seed` int64 `[batch]` and
      `temperature` float32 `[batch]` to `image` and `latent` float32
      `[batch, latent_size]`.
    * `generate_bytes`: the same to `image_bytes` (PNG).
    * `encode`: `image` and labels to `mean` and `log_variance`, each float32
      `[batch, latent_size]`.
    * `decode`: `latent` and labels to `image`.
    * `reconstruct`: `image` and labels to `image`.
    * `edit`: `image`, its labels, and others under the names `new_...`, to
      `image`.
    * `edit_bytes`: the same with `image_bytes`, PNG or JPEG files of any size,
      in place of `image`, to `image_bytes` (PNG).
    """
    tasks, image_shape = vae.schema.condition_tasks, vae.schema.image_shape
    encode_rows, sample_rows, decode_rows = _constant_functions(vae)
    images = {"image": tf.TensorSpec((None, *image_shape), tf.uint8)}
    files = {"image_bytes": tf.TensorSpec((None,), tf.string)}
    latents = {"latent": tf.TensorSpec((None, vae.latent_size), tf.float32)}
    labels = {task.name: tf.TensorSpec((None,), tf.string) for task in tasks}
    new_labels = {NEW_PREFIX + name: spec for name, spec in labels.items()}
    noise = {
        "seed": tf.TensorSpec((None,), tf.int64),
        "temperature": tf.TensorSpec((None,), tf.float32),
    }

    def generate(seed, temperature, **names):
        numbers, valid = _read_labels(names, tasks)
        valid &= (temperature > 0.0) & (temperature < float("inf"))
        normal, uniform = keyed_noise(seed, vae.latent_size)
        heat = tf.where(valid, temperature, tf.ones_like(temperature))
        latent = sample_rows(normal, uniform, heat, *numbers)
        image = _to_uint8(decode_rows(latent, *numbers))
        return _keep({"image": image, "latent": latent}, valid)

    def generate_bytes(**inputs):
        outputs = generate(**inputs)
        return _as_files(outputs["image"], outputs["valid"])

    def encode(image, **names):
        numbers, valid = _read_labels(names, tasks)
        return _keep(encode_rows(image, *numbers), valid)

    def decode(latent, **names):
        numbers, valid = _read_labels(names, tasks)
        finite = tf.abs(latent) < float("inf")
        valid &= tf.reduce_all(finite, axis=-1)
        latent = tf.where(valid[:, tf.newaxis], latent, tf.zeros_like(latent))
        image = _to_uint8(decode_rows(latent, *numbers))
        return _keep({"image": image}, valid)

    def reconstruct(image, **names):
        new_names = {NEW_PREFIX + name: names[name] for name in names}
        return edit(image, **names, **new_names)

    def edit(image, **names):
        numbers, valid = _read_labels(names, tasks)
        new_numbers, new_valid = _read_labels(names, tasks, NEW_PREFIX)
        mean = encode_rows(image, *numbers)["mean"]
        edited = _to_uint8(decode_rows(mean, *new_numbers))
        return _keep({"image": edited}, valid & new_valid)

    def edit_bytes(image_bytes, **names):
        image, valid = decode_batch(image_bytes, image_shape)
        outputs = edit(image, **names)
        kept = _keep(outputs, valid & outputs.pop("valid"))
        return _as_files(kept["image"], kept["valid"])

    generating = {**labels, **noise}
    signatures = {
        "generate": _named(generate, generating),
        "generate_bytes": _named(generate_bytes, generating),
        "encode": _named(encode, {**images, **labels}),
        "decode": _named(decode, {**latents, **labels}),
        "reconstruct": _named(reconstruct, {**images, **labels}),
        "edit": _named(edit, {**images, **labels, **new_labels}),
        "edit_bytes": _named(edit_bytes, {**files, **labels, **new_labels}),
    }
    # What a server answers to a request that names no signature.
    return {**signatures, "serving_default": signatures["generate"]}


def _read_labels(names, tasks, prefix=""):
    """Returns class names as int32 `[batch]` each, and which rows are known."""
    numbers, valid = [], True
    for task in tasks:
        known = tf.constant((UNKNOWN, *task.classes))
        matches = tf.equal(names[prefix + task.name][:, tf.newaxis], known)
        place = tf.argmax(tf.cast(matches, tf.int32), -1, tf.int32)
        numbers.append(place + MISSING)
        valid &= tf.reduce_any(matches, axis=-1)
    return numbers, valid


def _constant_functions(vae):
    """Returns encode, sample and decode; they hold the weights once for all."""
    names = [task.name for task in vae.schema.condition_tasks]
    image = tf.TensorSpec((None, *vae.schema.image_shape), tf.uint8, "image")
    latent = tf.TensorSpec((None, vae.latent_size), tf.float32, "latent")
    uniform = tf.TensorSpec((None,), tf.float32, "uniform")
    temperature = tf.TensorSpec((None,), tf.float32, "temperature")
    labels = [tf.TensorSpec((None,), tf.int32, name) for name in names]

    # Taken once: a model may put its parts together whenever it is asked.
    encoder, prior, decoder = vae.encoder, vae.prior, vae.decoder

    def as_dict(numbers):
        return dict(zip(names, numbers, strict=True))

    def encode(image, *numbers):
        return encoder({"image": image, **as_dict(numbers)}, training=False)

    def sample(normal, uniform, temperature, *numbers):
        return prior.sample(normal, uniform, as_dict(numbers), temperature)

    def decode(latent, *numbers):
        return decoder({"latent": latent, **as_dict(numbers)}, training=False)

    noise = latent, uniform, temperature
    return (
        with_constants(encode, encoder.variables, [image, *labels]),
        with_constants(sample, prior.variables, [*noise, *labels]),
        with_constants(decode, decoder.variables, [latent, *labels]),
    )


def _named(function, specs):
    """Returns a `tf.function` whose inputs have the names of `specs`."""
    signature = [
        tf.TensorSpec(spec.shape, spec.dtype, name)
        for name, spec in specs.items()
    ]

    @tf.function(input_signature=signature, autograph=False)
    def named(*values):
        return function(**dict(zip(specs, values, strict=True)))

    return named


def _keep(outputs, valid):
    """Returns the outputs, zero where a row is not valid, and `valid`."""
    kept = {"valid": valid}
    for name, value in outputs.items():
        rows = tf.reshape(valid, (-1, *[1] * (value.shape.rank - 1)))
        kept[name] = tf.where(rows, value, tf.zeros((), value.dtype))
    return kept


def _to_uint8(images):
    return tf.cast(tf.round(tf.clip_by_value(images, 0.0, 255.0)), tf.uint8)


def _as_files(images, valid):
    # One by one: servers before TensorFlow 2.9 encode no batches. The lowest
    # compression takes a fifth of the time, and a tenth more bytes.
    files = tf.map_fn(
        lambda image: tf.io.encode_png(image, compression=1),
        images,
        fn_output_signature=tf.TensorSpec((), tf.string),
    )
    return {"image_bytes": files, "valid": valid}
