"""Which folder the figures of which portraits have.

The figures of a data set never take the place of another's of the same name.
"""

import json
import os
import pathlib
import re
from collections.abc import Callable
from collections.abc import Mapping

from tp_keras.config import DataConfig
from tp_keras.data.filters import take_labelled
from tp_keras.data.joint import BETWEEN_PRINTS
from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError
from tp_keras.records.report import MEASURED_NAME


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
        fingerprints: Split -> fingerprint, as the run has noted them; of
            several data sets those of the first are its own.
        load: Loads a split of the data set that `portraits` come from.
    """
    split = portraits.split
    try:
        measured = pathlib.Path(own_folder, MEASURED_NAME).read_text("utf-8")
        there = json.loads(measured)["fingerprint"]
    except (OSError, ValueError, KeyError, TypeError):
        there = portraits.fingerprint  # None are there, or they don't say.
    if (
        split.isidentifier()
        and there == portraits.fingerprint
        and _is_own(portraits, data, fingerprints, load)
    ):
        return split
    name = f"{portraits.dataset}-{split}-{portraits.fingerprint[:8]}"
    return file_name(name)


def file_name(name: str) -> str:
    """Returns a name that a folder can have.

    Slashes and brackets are replaced, as of `faces/here` and `test[:100]`.
    """
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
    part = data.part("validation")
    try:
        validation = portraits if portraits.split == part else load(part)
        (validation,) = take_labelled([validation], data.labels, strict=False)
    except UserError:
        return False  # Another data set need not have such a split.
    noted = fingerprints.get("validation", "")
    # Of several data sets, the first is meant where one is.
    return validation.fingerprint in (noted, noted.partition(BETWEEN_PRINTS)[0])
