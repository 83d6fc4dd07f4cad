"""The answers of a classifier to many sets of pictures."""

from collections.abc import Callable

import numpy as np

from tp_keras.models.kinds import answer

_BATCH_SIZE = 256


def answers_of(classifier) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Returns `predict_answers` as of one model for all pictures.

    Args:
        classifier: `PortraitClassifier`.

    Returns:
        Function from uint8 images `[count, height, width, 3]` to a dict of
        answers by task.
    """
    model = classifier.inference_model()

    def predict(images):
        # Without a data set of batches, which takes longer than a few answers.
        if 0 < len(images) <= _BATCH_SIZE:
            outputs = model.predict_on_batch(images)
        else:
            outputs = model.predict(images, _BATCH_SIZE, verbose=0)
        tasks = classifier.tasks
        return {task.name: answer(task, outputs[task.name]) for task in tasks}

    return predict
