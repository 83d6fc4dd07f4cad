"""What an answer loses where a patch of the portrait is hidden."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping

import numpy as np

from tp_keras.errors import UserError
from tp_keras.explain.scores import explained_columns
from tp_keras.explain.scores import score
from tp_keras.tasks import Task

# Patches along the longer side of a portrait.
CELLS = 9

_BATCH_SIZE = 128


def occlusion(
    predict: Callable[[np.ndarray], Mapping[str, np.ndarray]],
    image,
    tasks: Iterable[Task],
    columns: Mapping[str, int] | None = None,
    cells: int = CELLS,
    overlap: bool = True,
) -> dict[str, np.ndarray]:
    """Hides patch after patch of a portrait and asks again.

    Zeiler and Fergus, Visualizing and understanding convolutional networks,
    2014. A patch gets the mean colour of the portrait: black or gray would be
    an answer to a question about colours.

    Args:
        predict: Function from uint8 images `[batch, height, width, 3]` to a
            dict of answers by task, as `predict` of a bundle and
            `predict_answers` of a classifier.
        image: uint8 array `[height, width, 3]`.
        tasks: Those to explain, of what it answers.
        columns: Task -> index of the class or flag; what is answered where
            none is given, see `explained_columns`.
        cells: Patches along the longer side; they are square.
        overlap: Whether patches overlap by half, which takes four times as
            many questions and tells places finer.

    Returns:
        Dict: task -> float32 `[height, width]`, by how much what is explained
        (see `score`) falls when a patch over that pixel is hidden: the mean of
        all such patches. Below 0, hiding it makes the answer surer.

    Raises:
        UserError: If there is no such image, or `cells` is below 1.

    Example:
        >>> bundle = Predictor("exported_models/portrait_attributes")
        >>> maps = occlusion(bundle.predict, portrait, bundle.tasks)
        >>> overlay(portrait, maps["weather"])  # uint8, to be shown
    """
    image = np.asarray(image)
    hidden, boxes = hidden_patches(image, cells, overlap)
    tasks, columns = tuple(tasks), columns or {}
    batches = [
        predict(hidden[start : start + _BATCH_SIZE])
        for start in range(0, len(hidden), _BATCH_SIZE)
    ]
    covering = np.zeros(image.shape[:2], np.float32)
    for box in boxes:
        covering[box] += 1
    maps = {}
    for task in tasks:
        answers = np.concatenate([batch[task.name] for batch in batches])
        column = columns.get(task.name)
        if column is None:
            column = explained_columns(task, answers[:1])[0]
        scores = score(task, answers, column)
        heat = np.zeros(image.shape[:2], np.float32)
        for box, value in zip(boxes, scores[1:], strict=True):
            heat[box] += scores[0] - value
        maps[task.name] = heat / covering
    return maps


def hidden_patches(
    image: np.ndarray, cells: int = CELLS, overlap: bool = True
) -> tuple[np.ndarray, list[tuple[slice, slice]]]:
    """Returns a portrait, then with each patch hidden; and where these are.

    Args:
        image: uint8 array `[height, width, 3]`.
        cells: As of `occlusion`.
        overlap: Likewise.

    Returns:
        A uint8 array `[1 + patches, height, width, 3]`, and rows and columns
        of each patch.

    Raises:
        UserError: If there is no such image, or `cells` is below 1.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or cells < 1:
        raise UserError(
            "Expected a uint8 image [height, width, 3] and one or more cells. "
            f"Received: {image.dtype} {image.shape}, cells={cells}"
        )
    boxes = _patches(image.shape[:2], cells, overlap)
    hidden = np.repeat(image[None], len(boxes) + 1, axis=0)
    fill = np.rint(image.mean((0, 1)))
    for picture, box in zip(hidden[1:], boxes, strict=True):
        picture[box] = fill
    return hidden, boxes


def _patches(size, cells, overlap):
    """Returns rows and columns of square patches that cover a picture."""
    side = max(round(max(size) / cells), 1)
    step = max(side // 2, 1) if overlap else side

    def starts(length):
        last = max(length - side, 0)
        count = -(-last // step) + 1
        return np.rint(np.linspace(0, last, count)).astype(int)

    return [
        (slice(top, top + side), slice(left, left + side))
        for top in starts(size[0])
        for left in starts(size[1])
    ]
