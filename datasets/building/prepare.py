"""Builds the data set, or reuses it if it is up to date."""

import contextlib
import errno
import importlib
import os
import pathlib
import shutil
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import tensorflow_datasets as tfds
from tensorflow_datasets.core.utils import tqdm_utils

from .bad_items import BadItems
from .build_record import BuildRecord
from .errors import DatasetInputError
from .face_builder import FaceBuilder
from .readiness import is_up_to_date
from .readiness import is_whole
from .readiness import note_default

# TFDS, and we too, write into folders named so until they are complete.
_INCOMPLETE = "incomplete."

_ROOT = pathlib.Path(__file__).parents[1]


class _NotWritableError(DatasetInputError):
    """A data set that is there can still be used."""


def find_builder_class(name: str) -> type[FaceBuilder]:
    """Returns the builder of the data set in the folder of a name.

    Raises:
        DatasetInputError: If there is no such data set.
    """
    paths = _ROOT.glob("*/*_dataset_builder.py")
    names = sorted(path.parent.name for path in paths)
    if name not in names:
        raise DatasetInputError(
            f"Expected a dataset out of {', '.join(names)}, or a variant such "
            f"as {names[0]}/synthetic. Received: dataset={name}"
        )
    return importlib.import_module(f"..{name}", __package__).Builder


def prepare(
    dataset: str,
    data_dir: str | os.PathLike = "data/tfds",
    manual_dir: str | os.PathLike | None = None,
    *,
    on_bad: str = "raise",
    overwrite: bool = False,
    verify: bool = False,
    beam_options: Any = None,
    **flags: Any,
) -> FaceBuilder:
    """Builds a data set, or reuses it if neither inputs nor files have changed.

    A data set appears under its name when it is complete, or not at all; what
    a killed build has left is removed by the next one. A rebuild replaces the
    old data set at the end, so that a failure leaves the old one as it is.
    Where a file is damaged or gone, as `checksums.json` beside it tells, the
    data set is built again, and that is printed.

    Args:
        dataset: Name of a data set such as `"tiny_portraits"`; one such as
            `"tiny_portraits/synthetic"` names a variant, too.
        data_dir: Where TFDS keeps its data sets.
        manual_dir: Folder of the files; None draws synthetic portraits. To
            overwrite what was built from files, that folder is the default.
        on_bad: `raise` stops at the first row, image or archive that can't be
            used, `skip` leaves it out and lists it in `skipped.csv` beside
            the records.
        overwrite: Builds again, whatever is there.
        verify: Reads every file of a data set that is there. Otherwise large
            files are read only if their size or time of change is another.
        beam_options: `PipelineOptions` of a Beam pipeline that builds, or None
            for a build by the processors here; the files are the same.
        **flags: What `FaceBuilder.find_settings` takes.

    Returns:
        The builder of the prepared data set. `BuildRecord.read(
        builder.data_path)` tells what it was made from.

    Raises:
        DatasetInputError: If an input is missing or wrong; if the data set
            that is there was built from other files, was cut short or
            lacks what was skipped, and `overwrite` is not set.

    Example:
        >>> builder = prepare("tiny_portraits", "data/tfds", count=400)
        >>> builder.name, builder.builder_config.name
        ('tiny_portraits', 'synthetic_tiny')
    """
    BadItems(on_bad)  # Refuses a wrong value even where nothing is built.
    name, _, variant = dataset.partition("/")
    builder_class = find_builder_class(name)
    settings = {"on_bad": on_bad} | builder_class.find_settings(
        variant, manual_dir is not None, **flags
    )
    data_dir = pathlib.Path(data_dir).expanduser()
    if manual_dir is not None:
        manual_dir = pathlib.Path(manual_dir).expanduser()

    def make_builder(folder):
        return builder_class(data_dir=folder, **settings)

    builder = _open(make_builder, data_dir)
    root = builder.data_dir_root  # A builder makes no folder before it builds.
    target = data_dir / pathlib.Path(builder.data_path).relative_to(root)
    manual_dir = _check_manual_dir(builder, target, manual_dir, overwrite)
    how = manual_dir, data_dir, beam_options

    def is_ready():
        return (
            not overwrite
            and is_whole(builder, target, verify)
            and is_up_to_date(builder, manual_dir)
        )

    try:
        with _lock(target.parent):
            _remove_incomplete(target.parent)
            if is_ready():
                note_default(builder)
                return builder
            with _clear_disk_errors(target):
                if target.exists():
                    # TFDS would delete the old data set before it builds.
                    aside = target.parent / f"{_INCOMPLETE}rebuild"
                    _rebuild(make_builder(aside), target, *how)
                else:
                    _build(builder, *how)
    except _NotWritableError:
        # Nobody else builds there either.
        if is_ready():
            return builder
        raise
    # Reads what has just been written.
    builder = make_builder(data_dir)
    note_default(builder)
    return builder


def _open(make_builder: Callable, data_dir: pathlib.Path) -> FaceBuilder:
    """Returns the builder, which reads what is there unless it is damaged."""
    try:
        return make_builder(data_dir)
    except DatasetInputError:
        raise
    except Exception:  # Of any class: what TFDS doesn't expect in its files.
        return make_builder(data_dir / f"{_INCOMPLETE}none")


def _check_manual_dir(
    builder: FaceBuilder,
    target: pathlib.Path,
    manual_dir: pathlib.Path | None,
    overwrite: bool,
) -> pathlib.Path | None:
    """Returns the folder of the files, which must be there if one is read."""
    name = f"{builder.name}/{builder.builder_config.name}"
    if builder.builder_config.is_synthetic:
        if manual_dir is not None:
            raise DatasetInputError(
                f"{name} is drawn. Expected no --manual_dir, or another "
                f"--dataset. Received: manual_dir={manual_dir}"
            )
        return None
    if manual_dir is None and overwrite:
        record = BuildRecord.read(target)
        manual_dir = record and pathlib.Path(record.source)
    if manual_dir is None:
        raise DatasetInputError(
            f"{name} is built from files that are not to be downloaded. "
            "Expected --manual_dir with their folder."
        )
    builder.describe_inputs(manual_dir)
    return manual_dir


def _build(
    builder: FaceBuilder,
    manual_dir: pathlib.Path | None,
    data_dir: pathlib.Path,
    beam_options: Any,
) -> None:
    builder.source = manual_dir
    # The builder shows one bar over all splits. Those of TFDS know no total.
    with tfds.core.utils.temporary_assignment(tqdm_utils, "_active", False):
        builder.download_and_prepare(
            download_dir=data_dir / "downloads",
            download_config=tfds.download.DownloadConfig(
                # TFDS takes nothing but folders.
                manual_dir=manual_dir
                if manual_dir is None or manual_dir.is_dir()
                else manual_dir.parent,
                try_download_gcs=False,
                beam_options=beam_options,
            ),
        )


def _rebuild(
    builder: FaceBuilder,
    target: pathlib.Path,
    manual_dir: pathlib.Path | None,
    data_dir: pathlib.Path,
    beam_options: Any,
) -> None:
    """Builds aside and puts the new data set in place of the old one."""
    try:
        _build(builder, manual_dir, data_dir, beam_options)
        target.rename(target.parent / f"{_INCOMPLETE}old")
        pathlib.Path(builder.data_path).rename(target)
        _remove_incomplete(target.parent, "old")
    finally:
        shutil.rmtree(builder.data_dir_root, ignore_errors=True)


def _remove_incomplete(folder: pathlib.Path, name: str = "*") -> None:
    """Removes what killed builds have left. Needs the lock."""
    for path in folder.glob(f"{_INCOMPLETE}{name}"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


@contextlib.contextmanager
def _lock(folder: pathlib.Path) -> Iterator[None]:
    """Keeps a second build of the same data set away.

    The operating system lets go of the lock when the process ends, however it
    ends.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("w")
    except OSError as error:
        raise _NotWritableError(
            f"The data set can't be written to {folder}: "
            f"{os.strerror(error.errno)}. Pass another --data_dir."
        ) from error
    with file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # There is none on Windows.
            pass
        except BlockingIOError:
            raise DatasetInputError(
                f"Another process is building the data set in {folder}. Wait "
                "until it is done, then run the same command again."
            ) from None
        yield


@contextlib.contextmanager
def _clear_disk_errors(folder: pathlib.Path) -> Iterator[None]:
    """Raises the error of a full disk as what it is.

    TensorFlow has its own class for it, and TFDS wraps that in another.
    """
    try:
        yield
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None:
            if "No space left on device" in str(cause):
                raise OSError(
                    errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder)
                ) from error
            cause = cause.__cause__
        raise
