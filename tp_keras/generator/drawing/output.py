"""Files and folders that appear whole or not at all."""

import contextlib
import os
import pathlib
import shutil

from tp_keras.errors import UserError


@contextlib.contextmanager
def written_aside(path, folder: bool = False):
    """Yields a path to write to, which takes its place when all went well.

    Entering proves that the place can be written. Whatever ends it early
    leaves nothing behind. A folder may be there if it is empty, and its own is
    there when the block begins.

    Raises:
        UserError: If the place can't be written, or is taken.
    """
    path = pathlib.Path(path).expanduser()
    if folder and (path.is_file() or (path.is_dir() and any(path.iterdir()))):
        raise UserError(
            "The output folder is there and not empty, and nothing is "
            "overwritten. Give another one, or delete it. "
            f"Received: {str(path)!r}"
        )
    if not folder and path.is_dir():
        raise UserError(
            f"Expected a file, and there is a folder. Received: {str(path)!r}"
        )
    made = [parent for parent in path.parents if not os.path.exists(parent)]
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    done = False
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            aside.mkdir() if folder else aside.touch()
        except OSError as error:
            raise UserError(
                f"The output can't be written: {error.strerror}. Give another "
                f"place. Received: {str(path)!r}"
            ) from error
        yield aside
        os.replace(aside, path)
        done = True
    finally:
        if not done:
            shutil.rmtree(aside, ignore_errors=True)
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)
            for parent in made:
                # Another program may have put something there meanwhile.
                with contextlib.suppress(OSError):
                    parent.rmdir()
