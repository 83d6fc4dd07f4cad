"""What the files of a folder were when they were written, in one file.

`checksums.json` holds size, time of change and SHA-256 of each. Files of up to
1 MB are read at every check. Of larger ones the size is compared, and their
content where the time of change is another one, or on request: a check of
gigabytes takes no time, and a disk that loses a bit of them without a change
of their time is seen by the full check alone.
"""

import contextlib
import hashlib
import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any

CHECKSUMS_NAME = "checksums.json"

_ALWAYS_READ = 1 << 20


def write_checksums(
    folder: str | os.PathLike, ignored: Sequence[str] = ()
) -> None:
    """Notes all files of a folder that has just been written.

    Args:
        folder: The folder; files in folders within are noted as well.
        ignored: Names of files that are not noted, nor are hidden ones.
    """
    folder = pathlib.Path(folder)
    paths = [
        path
        for path in sorted(folder.rglob("[!.]*"))
        if path.is_file() and path.name not in (CHECKSUMS_NAME, *ignored)
    ]
    _write(
        folder,
        {
            path.relative_to(folder).as_posix(): _describe(path)
            | {"sha256": _hash(path)}
            for path in paths
        },
    )


def find_damage(
    folder: str | os.PathLike,
    names: Sequence[str] | None = None,
    verify: bool = False,
) -> list[str]:
    """Returns the names of files that are not as they were written.

    None of a folder without checksums: whoever wrote it tells nothing. Where
    the time of a change is all that differs, as after a copy, the new time is
    noted.

    Args:
        folder: The folder.
        names: What is looked at; None for all that is noted.
        verify: Whether the content is read whatever the times of change.
    """
    folder = pathlib.Path(folder)
    noted = _read(folder)
    if noted is None:
        return [CHECKSUMS_NAME]
    damaged, is_changed = [], False
    for name in noted if names is None else noted.keys() & set(names):
        path, state = folder / name, noted[name]
        if not path.is_file() or path.stat().st_size != state["size"]:
            damaged.append(name)
            continue
        now = _describe(path)
        is_other = now["mtime_ns"] != state["mtime_ns"]
        is_read = verify or is_other or now["size"] <= _ALWAYS_READ
        if is_read and _hash(path) != state["sha256"]:
            damaged.append(name)
        is_changed |= is_other
        noted[name] = state | now
    if is_changed and not damaged:
        with contextlib.suppress(OSError):  # The disk may be read-only.
            _write(folder, noted)
    return damaged


def _read(folder: pathlib.Path) -> dict[str, dict] | None:
    """Returns what is noted, nothing or not; None if it is damaged."""
    try:
        noted = json.loads((folder / CHECKSUMS_NAME).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return None
    keys = {"size", "mtime_ns", "sha256"}
    is_whole = isinstance(noted, dict) and all(
        isinstance(state, dict) and keys == set(state)
        for state in noted.values()
    )
    return noted if is_whole else None


def _describe(path: pathlib.Path) -> dict[str, int]:
    stat = path.stat()
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _hash(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(folder: pathlib.Path, noted: dict[str, Any]) -> None:
    """Writes aside and renames: a killed process leaves the old ones."""
    aside = folder / f".{CHECKSUMS_NAME}"
    aside.write_text(json.dumps(noted, indent=2) + "\n", encoding="utf-8")
    aside.replace(folder / CHECKSUMS_NAME)
