"""Noise that is settled by the seed of its row, and by nothing else.

Each row draws from the stateless generator Philox (Salmon et al., 2011,
"Parallel random numbers: as easy as 1, 2, 3") under a key of its own, so a seed
means the same portrait alone, among others, in a run, and on a server.
"""

import numpy as np
import tensorflow as tf

from tp_keras.errors import UserError

# What the noise of a row is for; each is a stream of its own under its seed.
_NORMAL_STREAM = 0
_UNIFORM_STREAM = 1

# The bits of an integer that every JSON parser keeps: a double has so many.
_SEED_BITS = 53


def keyed_noise(seeds, size: int):
    """Draws the noise of each row from its own seed, int64 `[batch]`.

    It is normal float32 `[batch, size]`, of mean 0 and variance 1, and uniform
    float32 `[batch]` in [0, 1). Row by row, as a vectorised logarithm or cosine
    rounds the last elements of a batch otherwise than those before them.
    """

    def draw(seed):
        normal = tf.random.stateless_normal(
            (size,), tf.stack([seed, _NORMAL_STREAM]), alg="philox"
        )
        uniform = tf.random.stateless_uniform(
            (), tf.stack([seed, _UNIFORM_STREAM]), alg="philox"
        )
        return normal, uniform

    return tf.map_fn(
        draw,
        tf.convert_to_tensor(seeds, tf.int64),
        fn_output_signature=(
            tf.TensorSpec((size,), tf.float32),
            tf.TensorSpec((), tf.float32),
        ),
    )


def row_seeds(seed: int, count: int) -> np.ndarray:
    """Returns the seed of each row that one seed of a command stands for.

    They are int64 `[count]`, each of 53 bits, which JSON takes without
    rounding. Those of neighbouring seeds have nothing in common, and more rows
    leave the first ones as they are.
    """
    if seed < 0:
        raise UserError(f"Expected a seed of 0 or more. Received: seed={seed}")
    words = np.random.SeedSequence(seed).generate_state(count, np.uint64)
    return (words >> np.uint64(64 - _SEED_BITS)).astype(np.int64)
