"""The bundles of a folder, version by version, as they come and go."""

import contextlib
import dataclasses
import pathlib
import threading

from tp_keras.command_line import command_line
from tp_keras.errors import UserError
from tp_keras.server.rest_error import NOT_FOUND
from tp_keras.server.rest_error import RestError
from tp_keras.serving.c_session import CSession

AVAILABLE, END = "AVAILABLE", "END"

# One thread within an operation and between them: requests run side by side.
_THREADS = 1


@dataclasses.dataclass(frozen=True)
class Version:
    """A version of a model, in use or at its end.

    Attributes:
        session: It, loaded; None if it is not to be used.
        stamp: What its files looked like when it was loaded.
        error: Why it couldn't be.
    """

    folder: pathlib.Path
    session: CSession | None = None
    stamp: tuple = ()
    error: str = ""

    @property
    def state(self) -> str:
        """`AVAILABLE` or `END`, as TensorFlow Serving calls it."""
        return AVAILABLE if self.session else END


class ModelStore:
    """Loads every version of every bundle below a folder.

    A bundle is a folder with versions, folders whose names are numbers. One
    that can't be loaded, as it is half written, is tried again when its files
    change. What a request has got it keeps, whatever becomes of the files.

    Args:
        folder: Where the bundles lie, such as `exported_models`.
        labels: Dict of model to a dict of label to version, for clients that
            ask for `/labels/stable`.

    Attributes:
        folder: As given.

    Raises:
        UserError: If there is no bundle.
    """

    def __init__(self, folder, labels: dict[str, dict[str, int]] | None = None):
        self.folder = pathlib.Path(folder)
        self._labels = labels or {}
        self._models: dict[str, dict[int, Version]] = {}
        self._lock, self._stopped = threading.Lock(), threading.Event()
        self.refresh()
        if not self.names():
            raise UserError(
                "Expected a folder of bundles, such as exported_models. "
                f"`{command_line('training.export', run_dir='RUN')}` writes "
                f"one there. Received: bundles={str(folder)!r}"
                + "".join(f"; {error}" for error in self._errors())
            )

    def names(self) -> list[str]:
        """Returns the names of the models that can be asked."""
        return sorted(n for n in self._models if self._newest(n) is not None)

    def refresh(self) -> None:
        """Loads what has come, and lets go of what has gone."""
        with self._lock:
            found = _find_versions(self.folder)
            for name in {*self._models, *found}:
                self._models[name] = self._refreshed(
                    self._models.get(name, {}), found.get(name, {})
                )

    def _refreshed(self, known, found):
        """Returns the versions of a model, by what lies on the disk."""
        versions = dict(known)
        for number, folder in found.items():
            now = known.get(number)
            # What is loaded stays as it is: versions are never rewritten.
            if now and now.session:
                continue
            stamp = _stamp(folder)
            if now and now.stamp == stamp:
                continue
            try:
                session, error = CSession(folder, _THREADS), ""
            except UserError as refused:
                session, error = None, str(refused)
            versions[number] = Version(folder, session, stamp, error)
        for number in set(known) - set(found):
            versions[number] = Version(known[number].folder)
        return versions

    def watch(self, seconds: float = 1.0) -> threading.Thread:
        """Starts a thread that refreshes until `close`."""

        def refresh():
            while not self._stopped.wait(seconds):
                self.refresh()

        thread = threading.Thread(target=refresh, daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Ends the watching."""
        self._stopped.set()

    def get(
        self, name: str, version: int | None = None, label: str | None = None
    ) -> tuple[int, CSession]:
        """Returns the number and session of a version: the newest, if of none.

        Raises:
            RestError: If it is not there.
        """
        versions = self._models.get(name, {})
        if label is not None:
            version = self._labelled(name, label)
        asked = f"Latest({name})"
        if version is None:
            version = self._newest(name)
        else:
            asked = f"Specific({name}, {version})"
        found = versions.get(version)
        if found is None or found.session is None:
            raise RestError(
                f"Servable not found for request: {asked}", NOT_FOUND
            )
        return version, found.session

    def status(
        self, name: str, version: int | None = None, label: str | None = None
    ) -> list[tuple[int, Version]]:
        """Returns the versions of a model, the newest first.

        Raises:
            RestError: If there are none.
        """
        versions = self._models.get(name, {})
        if label is not None:
            version = self._labelled(name, label)
        if version is not None:
            versions = {n: v for n, v in versions.items() if n == version}
            if not versions:
                raise RestError(
                    f"Could not find version {version} of model {name}",
                    NOT_FOUND,
                )
        if not versions:
            raise RestError(
                f"Could not find any versions of model {name}", NOT_FOUND
            )
        return sorted(versions.items(), key=lambda item: -item[0])

    def _newest(self, name):
        versions = self._models.get(name, {}).items()
        return max((n for n, v in versions if v.session), default=None)

    def _labelled(self, name, label):
        try:
            return self._labels[name][label]
        except KeyError:
            raise RestError(
                f"Unrecognized servable version label: {label}"
            ) from None

    def _errors(self):
        for versions in self._models.values():
            yield from (v.error for v in versions.values() if v.error)


def _find_versions(folder) -> dict[str, dict[int, pathlib.Path]]:
    """Returns the folders of all versions, by model and number."""
    found: dict[str, dict[int, pathlib.Path]] = {}
    for file in folder.glob("*/*/saved_model.pb"):
        number = file.parent.name
        if number.isdecimal() and number.isascii() and file.is_file():
            versions = found.setdefault(file.parents[1].name, {})
            versions[int(number)] = file.parent
    return found


def _stamp(folder) -> tuple:
    """Returns what differs as soon as another byte of the folder is written."""
    stamp = []
    for path in sorted(folder.rglob("*")):
        # It may vanish while it is looked at.
        with contextlib.suppress(OSError):
            found = path.stat()
            stamp.append((str(path), found.st_size, found.st_mtime_ns))
    return tuple(stamp)
