"""Where a bundle lies: a version's own folder or the folder of all versions."""

import pathlib

from tp_keras.command_line import command_line
from tp_keras.errors import UserError


def find_bundle(path) -> pathlib.Path:
    """Returns the folder of one version of a bundle.

    Args:
        path: That folder, or the folder that holds the versions, of which the
            newest is taken, as TensorFlow Serving does.

    Raises:
        UserError: If there is no bundle.

    Example:
        >>> find_bundle("exported_models/portrait_attributes").name
        '3'
    """
    path = pathlib.Path(path)
    if (path / "saved_model.pb").is_file():
        return path
    versions = []
    if path.is_dir():
        versions = [
            folder
            for folder in path.iterdir()
            if folder.name.isdecimal() and (folder / "saved_model.pb").is_file()
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
