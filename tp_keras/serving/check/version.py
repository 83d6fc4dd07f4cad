"""Checks one version of a bundle."""

import contextlib
import pathlib
import re
from collections.abc import Iterator

from tqdm import tqdm

from tp_keras.errors import UserError
from tp_keras.serving.answers import compare_answer
from tp_keras.serving.c_session import CSession
from tp_keras.serving.check.graph import graph_faults
from tp_keras.serving.check.report import Report
from tp_keras.serving.contract import REGRESS
from tp_keras.serving.contract import find_contract
from tp_keras.serving.locate import METADATA_FILE
from tp_keras.serving.locate import file_faults
from tp_keras.serving.locate import read_metadata
from tp_keras.serving.prediction_log import BATCH_SIZES
from tp_keras.serving.prediction_log import EXPECTED_FILE
from tp_keras.serving.prediction_log import MAX_WARM_UP_RECORDS
from tp_keras.serving.prediction_log import WARM_UP_FILE
from tp_keras.serving.prediction_log import read_requests

# The greatest difference to what the model answered; of numbers in tolerances.
TOLERANCE = 1e-4


def check_version(folder) -> Report:
    """Checks the folder of a version, as it lies there to be served.

    Beside `check_content` its name is to be that of a version, and its files
    those that were exported, each whole.
    """
    folder = pathlib.Path(folder)
    faults = []
    if not is_version_name(folder.resolve().name):
        faults.append(
            f"The name of the folder, {folder.name!r}, is no version: an "
            "integer from 1 on, without zeros in front."
        )
    report = check_content(folder)
    # What can't be read is told by `check_content`.
    with contextlib.suppress(UserError):
        faults += _file_faults(folder, read_metadata(folder))
    faults += report.faults
    return Report(folder, tuple(faults), report.differences, report.seen)


def describe_differences(differences: dict[str, float]) -> str:
    """Returns a sentence of how far each signature is from its model."""
    parts = ", ".join(f"{k} {v:.1g}" for k, v in differences.items())
    return f"differences from the model (images in levels of 255): {parts}."


def is_version_name(name: str) -> bool:
    """Returns whether a server takes a folder of this name for a version."""
    # 63 bits; with a zero in front it would be another name of a version.
    return bool(re.fullmatch("[1-9][0-9]{0,18}", name)) and int(name) < 2**63


def check_content(folder) -> Report:
    """Checks what is in a version, whether it has been published or not.

    The graph (see `graph_faults`); then, in TensorFlow's C API, whose loader
    and session are those of TensorFlow Serving, the answers to the recorded
    requests, to `TOLERANCE`, and the requests that a server warms up with.
    """
    folder = pathlib.Path(folder)
    recorded, faults = {}, []
    try:
        metadata = read_metadata(folder)
        contract = find_contract(metadata["signatures"], metadata)
        faults += graph_faults(folder, metadata)
    except KeyError as error:
        return Report(folder, (f"{METADATA_FILE} does not tell {error}.",))
    except UserError as error:
        return Report(folder, (str(error),))
    for file in (EXPECTED_FILE, WARM_UP_FILE):
        try:
            recorded[file] = read_requests(folder / file)
        except UserError as error:
            faults.append(str(error))
    faults += _recording_faults(recorded, contract)
    if faults:
        return Report(folder, tuple(faults))
    return _run(folder, metadata, *recorded.values())


def _file_faults(folder, metadata) -> Iterator[str]:
    """Compares the files with what the export has written down of them."""
    if "files" not in metadata:
        yield f"{METADATA_FILE} does not tell which files there are."
        return
    noted = metadata["files"]
    yield from file_faults(folder, noted)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in (*noted, METADATA_FILE):
            yield f"The export has not written {name}."


def _recording_faults(recorded, contract) -> Iterator[str]:
    for file, requests in recorded.items():
        asked = {request.signature for request in requests}
        for name in sorted(asked - contract.keys()):
            yield f"{file} asks for {name!r}, which is no signature."
        if file == WARM_UP_FILE:
            for name in sorted(contract):
                warm = {r.batch for r in requests if r.signature == name}
                if missing := sorted(set(BATCH_SIZES) - warm):
                    yield f"{file} lacks {name!r} in batches of {missing}."
            if len(requests) > MAX_WARM_UP_RECORDS:
                yield (
                    f"{file} has {len(requests):,} records; a server refuses "
                    f"more than {MAX_WARM_UP_RECORDS:,}."
                )
        elif missing := sorted(contract.keys() - asked):
            yield f"{file} lacks {', '.join(missing)}."


def _run(folder, metadata, expected, warm_up) -> Report:
    """Loads the bundle, compares its answers and warms it up."""
    tolerances = {
        task["name"]: task["tolerance"]
        for task in metadata["schema"]["tasks"]
        if task.get("tolerance")
    }
    scales = {f"{REGRESS}_{name}": value for name, value in tolerances.items()}
    faults, differences = [], {}
    try:
        session = CSession(folder, threads=1)
    except UserError as error:
        return Report(folder, (str(error),))
    with session:
        for request in expected:
            name = request.signature
            try:
                differences[name] = compare_answer(
                    session,
                    *(name, request.inputs, request.outputs),
                    *(TOLERANCE, tolerances | scales),
                )
            except UserError as error:
                faults.append(str(error))
        bar = tqdm(warm_up, desc="warm-up", leave=False, delay=1)
        for number, request in enumerate(bar, 1):
            try:
                session.run(request.signature, request.inputs)
            except UserError as error:
                faults.append(f"Warm-up request {number} fails: {error}")
    seen = ""
    if not faults:
        seen = (
            f"{metadata['parameters']:,} parameters, {len(warm_up)} warm-up "
            f"requests; {describe_differences(differences)}"
        )
    return Report(folder, tuple(faults), differences, seen)
