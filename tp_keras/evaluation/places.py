"""Which folder the figures of which portraits have.

The figures of a data set never take the place of another's, and portraits
that a run was not trained beside never pass as its own.
"""

import json
import os
import pathlib
import re
from collections.abc import Callable
from collections.abc import Mapping

from tp_keras.config import DataConfig
from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError
from tp_keras.records.report import MEASURED_NAME

_VALIDATION = "validation"
_HASH_LENGTH = 8


def name_of_portraits(
    own_folder: str | os.PathLike,
    portraits: Portraits,
    data: DataConfig,
    fingerprints: Mapping[str, str],
    load: Callable[[str], Portraits],
) -> str:
    """Returns the name of a folder of figures on portraits.

    The split alone for one of the run's own data: where the validation
    portraits are those of its training, and the folder of such figures holds
    none of others. Data set, split and a hash of the portraits for all
    else, a part of a split too.

    Args:
        own_folder: Where the figures lie if the data are the run's own.
        portraits: What the figures are of.
        data: Data of the training.
        fingerprints: Split -> fingerprint, as the run has noted them.
        load: Loads a split of the data set that `portraits` come from.

    Example:
        >>> folder = run.path / "evaluation" / "test"
        >>> name_of_portraits(folder, test, run.config.data, {}, load)
        'tiny_portraits-synthetic-1.0.0-test-5d41402a'
    """
    split = portraits.split
    if (
        split.isidentifier()
        and _is_own(portraits, data, fingerprints, load)
        and _fingerprint_of(pathlib.Path(own_folder))
        in (None, portraits.fingerprint)
    ):
        return split
    name = f"{portraits.dataset}-{split}-{portraits.fingerprint[:_HASH_LENGTH]}"
    # Slashes and brackets as in "tiny_portraits/archives" and "test[:100]".
    return re.sub(r"[^\w.+-]", "-", name)


def describe_portraits(portraits: Portraits) -> dict:
    """Returns what `measured.json` says of portraits."""
    return {
        "dataset": portraits.dataset,
        "split": portraits.split,
        "portraits": len(portraits),
        "fingerprint": portraits.fingerprint,
    }


def _is_own(portraits, data, fingerprints, load) -> bool:
    """Whether portraits come from the data that a run was trained on."""
    expected = fingerprints.get(_VALIDATION)
    if expected is None:
        return False
    part = data.part(_VALIDATION)
    if portraits.split == part:
        return portraits.fingerprint == expected
    try:
        return load(part).fingerprint == expected
    except UserError:
        return False  # Another data set need not have such a split.


def _fingerprint_of(folder) -> str | None:
    """Returns which portraits the figures in a folder are of, if it says."""
    try:
        return json.loads((folder / MEASURED_NAME).read_text())["fingerprint"]
    except (OSError, ValueError, KeyError):
        return None
