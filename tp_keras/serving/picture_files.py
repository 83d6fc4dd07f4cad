"""Which picture files are meant by folders, patterns and lists."""

import functools
import glob
import os
import pathlib

from PIL import Image

from tp_keras.errors import UserError
from tp_keras.serving.portrait_file import FORMATS
from tp_keras.serving.portrait_file import KNOWN_TYPES

_LIST_SUFFIX = ".txt"


def find_pictures(names) -> list[str]:
    """Returns the files that names stand for.

    Args:
        names: Iterable of names. A folder stands for the pictures in it and in
            the folders below, a pattern such as `"photos/*.jpg"` for the
            pictures it matches, a text file (`.txt`) for the names in its
            lines, and anything else for itself, whether or not it is there.
            Pictures in folders are known by their suffix; hidden files and
            folders are passed over.

    Returns:
        The files, each once, in the order of the names, then sorted.

    Raises:
        UserError: If any of them stands for none, or a list can't be read.

    Example:
        >>> find_pictures(["album", "more/*.png"])
        ['album/a.jpg', 'album/2019/b.jpg', 'more/c.png']
    """
    names = [os.fspath(name) for name in names]
    found = [file for name in names for file in _expand(name)]
    if not found:
        raise UserError(
            "Expected one or more pictures: files, folders, patterns such as "
            "'photos/*.jpg', or text files of names. "
            f"Received: {names}"
        )
    return list(dict.fromkeys(found))


def _expand(name: str) -> list[str]:
    if os.path.isdir(name):
        found = _pictures_below(name)
    elif os.path.splitext(name)[1].lower() == _LIST_SUFFIX:
        return [file for line in _lines(name) for file in _expand(line)]
    elif glob.has_magic(name) and not os.path.lexists(name):
        found = [
            file
            for match in sorted(glob.glob(name, recursive=True))
            for file in (
                _pictures_below(match)
                if os.path.isdir(match)
                else [match] * _is_picture(match)
            )
        ]
    else:
        return [name]
    if not found:
        raise UserError(
            f"There is no picture ({KNOWN_TYPES}, known by its suffix) in the "
            f"folder, or that matches the pattern. Received: {name!r}"
        )
    return found


def _pictures_below(folder) -> list[str]:
    found = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        paths = (os.path.join(parent, file) for file in sorted(files))
        found += [path for path in paths if _is_picture(path)]
    return found


def _is_picture(path: str) -> bool:
    path = pathlib.Path(path)
    hidden = path.name.startswith(".")
    return path.suffix.lower() in _suffixes() and not hidden


@functools.cache
def _suffixes() -> frozenset[str]:
    # Photographs of several pictures are read as JPEG; HEIC can't be read, and
    # shall be told rather than passed over.
    return frozenset({".heic", ".heif"}) | {
        suffix
        for suffix, kind in Image.registered_extensions().items()
        if kind in (*FORMATS, "MPO")
    }


def _lines(path: str) -> list[str]:
    try:
        # Names may be any bytes.
        text = pathlib.Path(path).read_text("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise UserError(
            f"The list of pictures can't be read: {error.strerror}. "
            f"Received: {path!r}"
        ) from error
    lines = [line.strip() for line in text.splitlines()]
    # A list in a list might be itself.
    return [line for line in lines if line and not line.endswith(_LIST_SUFFIX)]
