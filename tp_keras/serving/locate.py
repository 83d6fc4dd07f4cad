"""Where a bundle lies: a version's own folder or the folder of all versions."""

import pathlib
from collections.abc import Iterator

from tp_keras.command_line import command_line
from tp_keras.errors import UserError
from tp_keras.files import read_json
from tp_keras.files import sha256
from tp_keras.tasks import Schema

METADATA_FILE = "metadata.json"

# How the name of a folder ends that is no version yet. TensorFlow Serving takes
# every integer for a version, and nothing else.
UNPUBLISHED = "unpublished"

# What a loader of the graph reads.
_GRAPH = "saved_model.pb"
GRAPH_FILES = (_GRAPH, "fingerprint.pb", "variables/", "assets/")

_KINDS = {
    **dict.fromkeys(("tasks", "signatures"), list),
    **dict.fromkeys(("schema", "files", "calibration", "familiarity"), dict),
    "framing": dict,
    "parameters": int,
}


def find_bundle(path) -> pathlib.Path:
    """Returns the folder of one version of a bundle.

    `path` is that folder, or the one that holds the versions, of which the
    newest is taken, as TensorFlow Serving does. Raises `UserError` if there is
    no bundle.

    Example:
        >>> find_bundle("exported_models/portrait_attributes").name
        '3'
    """
    path = pathlib.Path(path)
    if (path / _GRAPH).is_file():
        return path
    versions = [
        folder
        for folder in path.glob("*")
        if folder.name.isdecimal()
        and any((folder / n).is_file() for n in (_GRAPH, METADATA_FILE))
    ]
    if not versions:
        raise UserError(
            "Expected the folder of a bundle or of its versions, such as "
            "exported_models/portrait_attributes. "
            f"`{command_line('training.export', run_dir='RUN')}` writes one, "
            f"`{command_line('training.export_vae', run_dir='RUN')}` one that "
            "makes portraits. "
            f"Received: bundle={str(path)!r}"
        )
    newest = max(versions, key=lambda folder: int(folder.name))
    if not (newest / _GRAPH).is_file():
        # An older one would answer something else without a word.
        raise UserError(
            f"The newest version lacks {_GRAPH}. Copy it again from elsewhere, "
            f"or remove the folder. Received: bundle={str(newest)!r}"
        )
    return newest


def read_metadata(bundle_dir) -> dict:
    """Returns the content of a version's `metadata.json`, or raises."""
    path = pathlib.Path(bundle_dir) / METADATA_FILE
    remedy = "copy the bundle again from elsewhere, or export it again"
    try:
        metadata = read_json(path, remedy, **_KINDS)
        Schema.from_dict(metadata["schema"])
    except (FileNotFoundError, NotADirectoryError, KeyError) as error:
        raise UserError(
            f"The bundle cannot be read. Expected a {METADATA_FILE} that tells "
            f"its schema ({error!r}); {remedy}. "
            f"Received: bundle={str(bundle_dir)!r}"
        ) from error
    return metadata


def check_files(bundle_dir, metadata: dict, *names: str) -> None:
    """Raises unless files of a bundle are as they were exported.

    Args:
        bundle_dir: Folder of the version.
        metadata: What it says of itself. One that doesn't tell its files,
            being half exported or of elsewhere, passes.
        *names: What is looked at: files, and folders of them.
    """
    if faults := [*file_faults(bundle_dir, metadata.get("files", {}), names)]:
        kind = "export" if "tasks" in metadata else "export_vae"
        raise UserError(
            f"The bundle is damaged. {' '.join(faults)} Copy it again from "
            "elsewhere, or export it again with "
            f"`{command_line(f'training.{kind}', run_dir='RUN')}`. "
            f"Received: bundle={str(bundle_dir)!r}"
        )


def file_faults(bundle_dir, noted: dict, names=("",)) -> Iterator[str]:
    """Yields a sentence for each file that is not as an export has noted it.

    Args:
        bundle_dir: Folder of the version.
        noted: `files` of its metadata: name -> `describe_file`, or the size.
        names: How those begin that are looked at.
    """
    for name, facts in noted.items():
        path = pathlib.Path(bundle_dir) / name
        if not name.startswith(tuple(names)):
            continue
        if not path.is_file():
            yield f"The file {name} is missing."
            continue
        size, expected = path.stat().st_size, facts
        if isinstance(facts, dict):
            expected = facts.get("size")
        if size != expected:
            yield (
                f"{name} has {size:,} bytes; it was exported with {expected:,}."
            )
        elif isinstance(facts, dict) and describe_file(path) != facts:
            yield f"{name} has other bytes than were exported."


def describe_file(path) -> dict:
    """Returns what `metadata.json` says of a file: `size` and `sha256`."""
    return {"size": path.stat().st_size, "sha256": sha256(path)}
