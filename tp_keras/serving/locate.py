"""Where a bundle lies: a version's own folder or the folder of all versions."""

import json
import pathlib

from tp_keras.command_line import command_line
from tp_keras.errors import UserError
from tp_keras.tasks import Schema

METADATA_FILE = "metadata.json"


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
    if (path / "saved_model.pb").is_file():
        return path
    versions = [
        file.parent
        for file in path.glob("*/saved_model.pb")
        if file.parent.name.isdecimal() and file.is_file()
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
    return max(versions, key=lambda folder: int(folder.name))


def read_metadata(bundle_dir) -> dict:
    """Returns the content of a version's `metadata.json`, or raises."""
    path = pathlib.Path(bundle_dir) / METADATA_FILE
    try:
        metadata = json.loads(path.read_text())
        Schema.from_dict(metadata["schema"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"The bundle cannot be read. Expected a {METADATA_FILE} that tells "
            f"its schema ({error!r}); export it again. "
            f"Received: bundle={str(bundle_dir)!r}"
        ) from error
    return metadata
