"""How well does a small network tell a candidate from real portraits?"""

import numpy as np

from tp_keras.evaluation import figures
from tp_keras.generator.evaluation.small_network import SmallNetwork
from tp_keras.records.record import ALL

_ORIGIN = "origin"


def measure_two_sample(
    real: np.ndarray,
    made: np.ndarray,
    candidate: str,
    epochs: int,
    seed: int,
    progress=None,
) -> dict:
    """Returns the accuracy of telling two kinds of portraits apart.

    A small network is trained on one half of both and tested on the other. At
    .5 it can't tell them apart, at 1 it always does.

    Args:
        real: uint8 array [N, 108, 84, 3].
        made: uint8 array [M, 108, 84, 3]; as many of the longer are used as
            there are of the shorter.
        candidate: Whose portraits `made` are, the `variant` of the record.
        epochs: Passes over the one half.
        seed: Seed of the halves and of the network.
        progress: Function called after each epoch, or None.

    Returns:
        Fields of a record `two_sample_accuracy`.

    Source:
        Lopez-Paz and Oquab, Revisiting classifier two-sample tests, 2017.
    """
    size = min(len(real), len(made))
    generator = np.random.default_rng(seed)
    # Row i of both goes to the same half: where a candidate is made of the
    # real ones, a portrait must not be trained on and its twin tested.
    order = generator.permutation(size)
    train, test = order[: size // 2], order[size // 2 :]
    network = SmallNetwork({_ORIGIN: 2}, epochs, seed)
    network.fit(*_mixed(real, made, train), progress)
    images, labels = _mixed(real, made, test)
    hits = (network.predict(images)[_ORIGIN] == labels[_ORIGIN]).sum()
    return figures.share(
        "two_sample_accuracy",
        hits,
        len(images),
        task=ALL,
        group=ALL,
        variant=candidate,
    )


def _mixed(real, made, rows):
    images = np.concatenate([real[rows], made[rows]])
    origin = np.repeat(np.arange(2, dtype=np.int32), len(rows))
    return images, {_ORIGIN: origin}
