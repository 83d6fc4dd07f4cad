"""The speed of a training step with one thing changed, and of a warp.

What changes the layers is a function from a layer of the backbone to the one
that takes its place, as `benchmarks.train_subject.replace_layers` calls it.
"""

import concurrent.futures
import functools
import multiprocessing
import time

import numpy as np

from benchmarks.portraits_schema import PORTRAITS
from benchmarks.train_subject import KERAS_ADAMW
from benchmarks.train_subject import StepSettings
from benchmarks.train_subject import Subject
from tp_keras.data.augment import warp
from training.command import start_tensorflow

# XLA is the slowest by far: a step in a round must do.
XLA_STEPS = 1


def step_settings(backbone: str, reference: str) -> dict[str, StepSettings]:
    """Returns the steps to measure by their names, the base first.

    Args:
        backbone: A preset of dense convolutions, trained in bfloat16.
        reference: One with strided depthwise convolutions, for which training
            refuses bfloat16.
    """
    base = functools.partial(StepSettings, backbone)
    rows = {
        f"{backbone} as it is trained": base(),
        "float32": base(precision="float32"),
        "Keras' BatchNormalization": base(
            replace_layer=with_keras_normalization
        ),
        "bias instead of normalisation": base(replace_layer=with_bias),
        "Keras' AdamW": base(optimizer=KERAS_ADAMW),
        "no averaged weights": base(averaging=False),
        "ReLU6": base(replace_layer=with_relu6),
        "SiLU": base(replace_layer=with_silu),
        "steps_per_execution=8": base(steps_per_execution=8),
        "jit_compile=True (XLA)": base(jit_compile=True),
    }
    rows |= {
        f"batches of {size}": base(batch_size=size) for size in (32, 128, 256)
    }
    return rows | {
        f"{reference}, float32": StepSettings(reference, precision="float32"),
        f"{reference}, bfloat16": StepSettings(reference, precision="bfloat16"),
    }


# === What takes a layer's place ===


def with_keras_normalization(layer):
    """Takes Keras' normalisation for the fused one."""
    import keras

    if isinstance(layer, keras.layers.BatchNormalization):
        return keras.layers.BatchNormalization.from_config(layer.get_config())
    return _copy(layer)


def with_bias(layer):
    """Takes a bias of the convolution for its normalisation."""
    import keras

    if isinstance(layer, keras.layers.BatchNormalization):
        return keras.layers.Identity(name=layer.name, dtype=layer.dtype_policy)
    if isinstance(layer, keras.layers.Conv2D):
        return _copy(layer, use_bias=True)
    return _copy(layer)


def with_relu6(layer):
    """Takes ReLU6 for ReLU."""
    return _with_activation(layer, "relu6")


def with_silu(layer):
    """Takes SiLU for ReLU."""
    return _with_activation(layer, "silu")


def _with_activation(layer, activation):
    import keras

    if isinstance(layer, keras.layers.ReLU):
        return keras.layers.Activation(
            activation, name=layer.name, dtype=layer.dtype_policy
        )
    return _copy(layer)


def _copy(layer, **changes):
    return type(layer).from_config({**layer.get_config(), **changes})


# === Threads ===


class ThreadedSubject:
    """A `Subject` in a process with its own number of threads.

    TensorFlow takes these numbers before it starts and never again. The
    process waits while it isn't measured.

    Args:
        settings: `StepSettings`.
        inter_op: Int. Operations that run at a time; 0 for the default.
        intra_op: Int. Threads of an operation; 0 for the default.

    Attributes:
        training: Images per second of each measurement.
        warps: Dict: name -> milliseconds of a batch of each measurement.
    """

    def __init__(self, settings, inter_op=0, intra_op=0):
        self._process = concurrent.futures.ProcessPoolExecutor(
            max_workers=1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start,
            initargs=(settings, inter_op, intra_op),
        )
        self.training = []
        self.warps = {"OpenCV": [], "TensorFlow": []}
        # Everything is built before the first round.
        self._process.submit(_measure, 1).result()

    def measure_training(self, steps: int) -> None:
        """Adds the images per second of a few steps."""
        self.training.append(self._process.submit(_measure, steps).result())

    def measure_warps(self) -> None:
        """Adds the milliseconds of a batch's affine maps by either way."""
        found = self._process.submit(time_warps).result()
        for name, milliseconds in found.items():
            self.warps[name].append(milliseconds)

    def close(self) -> None:
        """Ends the process."""
        self._process.shutdown()


# What the process of a `ThreadedSubject` keeps from call to call.
_subject = None


def _start(settings, inter_op, intra_op):
    global _subject
    start_tensorflow()
    import tensorflow as tf

    tf.config.threading.set_inter_op_parallelism_threads(inter_op)
    tf.config.threading.set_intra_op_parallelism_threads(intra_op)
    _subject = Subject(settings)


def _measure(steps):
    _subject.measure_training(steps)
    return _subject.training[-1]


# === Augmentation ===


def time_warps(batch_size: int = 64, repeats: int = 5) -> dict[str, float]:
    """Times the affine maps of a batch by OpenCV and by TensorFlow.

    Returns:
        Name -> milliseconds of a batch.
    """
    rng = np.random.default_rng(0)
    images = rng.integers(
        0, 256, (batch_size, *PORTRAITS.image_shape), dtype=np.uint8
    )
    maps = random_maps(rng, batch_size)
    milliseconds = {}
    for name, function in (
        ("OpenCV", warp),
        ("TensorFlow", warp_by_tensorflow),
    ):
        function(images, maps)
        begin = time.perf_counter()
        for _ in range(repeats):
            function(images, maps)
        seconds = time.perf_counter() - begin
        milliseconds[name] = seconds / repeats * 1e3
    return milliseconds


def random_maps(rng, count):
    """Returns affine maps `[count, 2, 3]` from output to input pixels."""
    import cv2

    height, width = PORTRAITS.image_shape[:2]
    centre = ((width - 1) / 2, (height - 1) / 2)
    maps = np.stack(
        [
            cv2.getRotationMatrix2D(
                centre, rng.uniform(-15, 15), rng.uniform(0.8, 1.2)
            )
            for _ in range(count)
        ]
    )
    maps[:, :, 2] += rng.uniform(-8, 8, (count, 2))
    return maps


def warp_by_tensorflow(images, maps):
    """Maps uint8 images by TensorFlow's kernel."""
    import tensorflow as tf

    # The last row of the projective map, but for its 1.
    nothing = np.zeros((len(maps), 2))
    transforms = np.concatenate([maps.reshape(-1, 6), nothing], axis=1)
    # The kernel interpolates floats a quarter faster than bytes.
    warped = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(images, tf.float32),
        transforms=tf.cast(transforms, tf.float32),
        output_shape=images.shape[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
    return tf.saturate_cast(tf.round(warped), tf.uint8).numpy()
