"""Can a classifier be trained on generated portraits?"""

from collections.abc import Iterator

import numpy as np

from tp_keras import tasks
from tp_keras.evaluation import figures
from tp_keras.generator.evaluation.small_network import SmallNetwork
from tp_keras.records.record import ALL


def measure_classification_score(
    images: np.ndarray,
    labels: dict[str, np.ndarray],
    test_images: np.ndarray,
    test_labels: dict[str, np.ndarray],
    candidate: str,
    epochs: int,
    seed: int,
    progress=None,
) -> Iterator[dict]:
    """Yields the accuracy on real portraits after training on a candidate's.

    A generator that leaves out what real portraits vary in, or shows other
    attributes than asked for, is found out by a classifier that has seen
    nothing else.

    Args:
        images: uint8 array [N, 108, 84, 3] to train on.
        labels: Dict: task name -> integer array [N], -1 where missing: what
            was asked for.
        test_images: uint8 array [M, 108, 84, 3], real.
        test_labels: Their labels.
        candidate: Who made `images`, the `variant` of the records.
        epochs: Passes over `images`.
        seed: Seed of the classifier.
        progress: Function called after each epoch, or None.

    Yields:
        Fields of records `classification_score`, one for each task.

    Source:
        Ravuri and Vinyals, Classification accuracy score for conditional
        generative models, 2019.
    """
    network = SmallNetwork(
        {task.name: task.num_classes for task in tasks.TASKS}, epochs, seed
    ).fit(images, labels, progress)
    answers = network.predict(test_images)
    for task in tasks.TASKS:
        own = np.asarray(test_labels[task.name])
        known = own != tasks.MISSING
        yield figures.share(
            "classification_score",
            (answers[task.name] == own)[known].sum(),
            known.sum(),
            task=task.name,
            group=ALL,
            variant=candidate,
        )
