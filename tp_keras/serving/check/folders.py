"""Finds what there is to check: a version, those of a model, or all models."""

import pathlib

from tp_keras.command_line import command_line
from tp_keras.errors import UserError
from tp_keras.serving.check.report import Report
from tp_keras.serving.check.version import check_version
from tp_keras.serving.check.version import is_version_name
from tp_keras.serving.locate import METADATA_FILE
from tp_keras.serving.locate import UNPUBLISHED
from tp_keras.serving.server_files import MOUNT
from tp_keras.serving.server_files import configured_models
from tp_keras.serving.server_files import server_files


def check_path(path, progress=iter) -> list[Report]:
    """Checks a version, all versions of a model, or all models in a folder.

    Args:
        path: The folder of one of them. Of all models the files for the server
            are checked too.
        progress: What wraps the list of the checks that take a while.

    Raises:
        UserError: If there is no bundle at all.
    """
    path = pathlib.Path(path)
    if _is_version(path):
        versions, reports = [path], []
    elif _is_model(path):
        versions, reports = _look_into_model(path)
    else:
        versions, reports = _look_into_models(path)
    if not versions and not reports:
        raise UserError(
            "Expected the folder of a bundle's version, of all its versions or "
            "of all exported models. "
            f"`{command_line('training.export', run_dir='RUN')}` writes one. "
            f"Received: {path}"
        )
    return [*map(check_version, progress(versions)), *reports]


def _is_version(path):
    files = "saved_model.pb", METADATA_FILE
    return any((path / name).is_file() for name in files) or (
        path.is_dir() and is_version_name(path.name)
    )


def _is_model(path):
    # Also one whose only version never came to be published.
    return any(map(_is_version, _folders(path))) or any(
        folder.name.startswith(".") and UNPUBLISHED in folder.name
        for folder in _folders(path)
    )


def _folders(path):
    if not path.is_dir():
        return []
    return sorted(part for part in path.iterdir() if part.is_dir())


def _look_into_model(path):
    """Returns the versions of a model, and a report of what is none."""
    versions, faults = [], []
    for folder in _folders(path):
        if folder.name.startswith("."):
            faults.append(
                f"{folder.name} was never published: an export was killed, or "
                "is at work. Remove it if it is not."
            )
        else:
            versions.append(folder)
    return versions, [Report(path, tuple(faults))] if faults else []


def _look_into_models(path, depth=2):
    """Returns the versions of all models, and reports of all else.

    An export may have gone to a folder in that of all exported models.
    """
    versions, reports, models = [], [], []
    for folder in _folders(path) if depth else ():
        if _is_model(folder):
            models.append(folder.name)
            found = _look_into_model(folder)
        else:
            found = _look_into_models(folder, depth - 1)
        versions += found[0]
        reports += found[1]
    if models:
        faults = tuple(_server_file_faults(path, models))
        seen = f"{', '.join(server_files(models))} are there."
        reports.append(Report(path, faults, seen=seen))
    return versions, reports


def _server_file_faults(path, models):
    for name in server_files(models):
        if not (path / name).is_file():
            yield f"{name} is missing; an export writes it."
    try:
        configured = configured_models(path)
    except UserError as error:
        yield str(error)
        return
    for name in sorted(set(models) - set(configured)):
        yield f"The server's list of models lacks {name!r}."
    for name, folder in configured.items():
        if name not in models:
            yield f"The server's list names {name!r}, which is not there."
        elif folder != f"{MOUNT}/{name}":
            yield f"The server would look for {name!r} in {folder!r}."
