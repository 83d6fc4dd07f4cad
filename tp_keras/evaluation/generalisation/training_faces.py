"""The portraits that tell how a finished run wants a face framed."""

from tp_keras.data import source
from tp_keras.data.builders import count_portraits
from tp_keras.data.builders import find_builder
from tp_keras.data.portraits import Portraits
from tp_keras.runs.run_folder import RunFolder

# A mean face of more is the same.
_FACES = 1000


def training_faces(run: RunFolder) -> Portraits:
    """Returns the first portraits of a run's training, 1,000 at most.

    Of several data sets those of the first.

    Raises:
        UserError: If its data set is not there.
    """
    data = run.config.data.first
    place = data.data_dir, data.dataset
    there = count_portraits(find_builder(*place), "train")
    part = f"train[:{min(there, _FACES)}]"
    return source.load_portraits(*place, part, progress=False)
