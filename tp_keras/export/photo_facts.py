"""What a bundle must know to answer photographs, measured on the run's data."""

import numpy as np

from tp_keras.certainty import log_features
from tp_keras.certainty import unfamiliarity
from tp_keras.data import source
from tp_keras.errors import UserError
from tp_keras.evaluation.calibration import fit_calibration
from tp_keras.serving.contract import FAMILIARITY_FILE
from tp_keras.serving.contract import LITERT_FILE
from tp_keras.serving.framing import COUNT
from tp_keras.serving.framing import generic_framing
from tp_keras.serving.framing import measure_framing
from tp_keras.serving.litert_file import LiteRTFile
from tp_keras.tasks import FEATURES

# The share of portraits like the training's that are said to be unlike.
_REFUSED = 0.01

# The share of the mean variance that each direction has at least, as few
# portraits tell little of the smallest ones.
_SHRINKAGE = 0.01

# Fewer portraits tell nothing of so many directions.
_FEWEST = 200

_BATCH = 64


def photo_facts(run, classifier, folder, train) -> dict:
    """Returns what `metadata.json` says for photographs.

    * `framing`: how the training portraits frame a face, of several data sets
      those of the first; see `measure_framing`;
    * `calibration`: how sure an answer must be; see `fit_calibration`;
    * `familiarity`: the `threshold` of `unfamiliarity` from which a portrait
      is unlike the training portraits, which one of a hundred of the
      validation split passes. Mean and whitening lie in `FAMILIARITY_FILE`.

    Each is measured where the data of the run is there.

    Args:
        run: `RunFolder`.
        classifier: Its model.
        folder: Folder of the version, with the LiteRT file in it.
        train: `Portraits` of the training split, or None.
    """
    if train is None:
        return {"framing": generic_framing()}
    # Between two framings there may be no portrait at all.
    framed = train.images[: train.parts[0]]
    facts = {"framing": measure_framing(framed, progress=True)}
    try:
        validation = source.load_split(run.config.data, "validation")
        validation = validation.seen_as(run.schema)
    except UserError:
        return facts
    answers = classifier.predict_answers(validation.images, verbose=0)
    facts["calibration"] = fit_calibration(
        answers, validation.labels, classifier.tasks
    )
    if len(train) >= _FEWEST and len(validation):
        facts["familiarity"] = _measure_familiarity(
            folder, train.images[_first_rows(train)], validation.images
        )
    return facts


def _first_rows(portraits) -> np.ndarray:
    """Returns `COUNT` rows, as many of each data set, as far as it has them."""
    most = COUNT // len(portraits.parts)
    starts = np.cumsum((0, *portraits.parts[:-1]))
    return np.concatenate(
        [
            start + np.arange(min(size, most))
            for start, size in zip(starts, portraits.parts, strict=True)
        ]
    )


def _measure_familiarity(folder, train, validation) -> dict:
    """Writes the file of mean and whitening; returns the threshold."""
    file = LiteRTFile(folder / LITERT_FILE)

    def features(images):
        return np.concatenate(
            [
                file(np.ascontiguousarray(images[i : i + _BATCH]))[FEATURES]
                for i in range(0, len(images), _BATCH)
            ]
        )

    rows = log_features(features(train))
    values, vectors = np.linalg.eigh(np.cov(rows.T))
    values = np.maximum(values, 0)
    scale = (1 - _SHRINKAGE) * values + _SHRINKAGE * values.mean() + 1e-12
    arrays = {
        "mean": rows.mean(0).astype(np.float32),
        "whitening": (vectors / np.sqrt(scale)).astype(np.float32),
    }
    np.savez(folder / FAMILIARITY_FILE, **arrays)
    scores = unfamiliarity(features(validation), **arrays)
    return {
        "threshold": round(float(np.quantile(scores, 1 - _REFUSED)), 4),
        "portraits": len(train),
        "checked_on": len(validation),
    }
