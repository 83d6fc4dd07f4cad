"""A bundle in this process, loaded without Keras."""

import numpy as np

from tp_keras.command_line import command_line
from tp_keras.errors import UserError
from tp_keras.pixels import describe_pixels
from tp_keras.serving.locate import GRAPH_FILES
from tp_keras.serving.locate import check_files
from tp_keras.serving.locate import find_bundle
from tp_keras.serving.locate import read_metadata
from tp_keras.tasks import Schema


class LoadedBundle:
    """A bundle with its signatures, functions of tensors by name.

    Only the wanted kind of bundle has a certain signature, and a command
    exports it. Raises `UserError` if there is none, or it can't be read.
    """

    def __init__(self, bundle, signature: str, command: str):
        # Imported late: it takes a second, and wrong arguments none.
        import tensorflow as tf

        self.bundle_dir = find_bundle(bundle)
        self.metadata = read_metadata(self.bundle_dir)
        self.schema = Schema.from_dict(self.metadata["schema"])
        check_files(self.bundle_dir, self.metadata, *GRAPH_FILES)
        try:
            # What is loaded lives as long as this reference to it.
            self._module = tf.saved_model.load(str(self.bundle_dir))
        except (OSError, ValueError) as error:
            raise UserError(
                f"The bundle cannot be read: {error}. Export it again. "
                f"Received: bundle={str(self.bundle_dir)!r}"
            ) from error
        self.signatures = dict(self._module.signatures)
        if signature not in self.signatures:
            raise UserError(
                f"Expected a bundle with the signature {signature!r}, as "
                f"`{command_line(f'training.{command}', run_dir='RUN')}` "
                f"writes it; this one has {sorted(self.signatures)}. "
                f"Received: bundle={str(self.bundle_dir)!r}"
            )


def call_signature(function, inputs: dict) -> dict[str, np.ndarray]:
    """Calls a signature of a loaded bundle with arrays, and returns such.

    Both are dicts of name to array `[batch, ...]`, strings as `bytes` objects.
    """
    import tensorflow as tf

    count = len(next(iter(inputs.values())))
    if not count:
        # TensorFlow's convolutions refuse an empty batch: send one row.
        inputs = {name: _one_row(value) for name, value in inputs.items()}
    outputs = function(**{k: tf.constant(v) for k, v in inputs.items()})
    return {name: value.numpy()[:count] for name, value in outputs.items()}


def _one_row(value):
    if value.dtype == object:
        return np.array([b""], object)
    return np.zeros((1, *value.shape[1:]), value.dtype)


def checked_images(images, image_shape) -> np.ndarray:
    """Returns images as an array, uint8 `[batch, height, width, 3]`.

    Raises:
        UserError: If they are no decoded portraits of this shape.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.shape[1:] != tuple(image_shape):
        shape = ", ".join(str(size) for size in image_shape)
        raise UserError(
            f"Expected images of uint8 [batch, {shape}], pixels from 0 to 255 "
            f"as files hold them. Received: {describe_pixels(images)}"
        )
    return images
