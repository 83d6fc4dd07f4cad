"""Builds the data set, or reuses it if it is up to date."""

import contextlib
import errno
import importlib
import os
import pathlib
import shutil
from collections.abc import Iterator
from typing import Any

import tensorflow_datasets as tfds
from tensorflow_datasets.core.utils import tqdm_utils

from . import build_record
from .bad_items import BadItems
from .build_record import BuildRecord
from .errors import DatasetInputError
from .face_builder import FaceBuilder
from .record_files import FILE_FORMATS

# TFDS, and we too, write into folders named so until they are complete.
_INCOMPLETE = "incomplete."

_ROOT = pathlib.Path(__file__).parents[1]


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
    **flags: Any,
) -> FaceBuilder:
    """Builds a data set, or reuses it if its inputs have not changed.

    A data set appears under its name when it is complete, or not at all; what
    a killed build has left is removed by the next one. A rebuild replaces the
    old data set at the end, so that a failure leaves the old one as it is.

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

    # A builder makes no folder before it builds.
    builder = make_builder(data_dir)
    target = pathlib.Path(builder.data_path)
    manual_dir = _check_manual_dir(builder, manual_dir, overwrite)
    with _lock(target.parent):
        _remove_incomplete(target.parent)
        if (
            not overwrite
            and _is_whole(builder)
            and _is_up_to_date(builder, manual_dir)
        ):
            return builder
        with _clear_disk_errors(target):
            if target.exists():
                # TFDS would delete the old data set before it builds.
                aside = target.parent / f"{_INCOMPLETE}rebuild"
                _rebuild(make_builder(aside), target, manual_dir, data_dir)
            else:
                _build(builder, manual_dir, data_dir)
    # Reads what has just been written.
    return make_builder(data_dir)


def _check_manual_dir(
    builder: FaceBuilder, manual_dir: pathlib.Path | None, overwrite: bool
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
        record = BuildRecord.read(pathlib.Path(builder.data_path))
        manual_dir = record and pathlib.Path(record.source)
    if manual_dir is None:
        raise DatasetInputError(
            f"{name} is built from files that are not to be downloaded. "
            "Expected --manual_dir with their folder."
        )
    builder.describe_inputs(manual_dir)
    return manual_dir


def _is_whole(builder: FaceBuilder) -> bool:
    """Whether the files of a prepared data set are there."""
    splits = builder.info.splits.values()
    paths = [path for split in splits for path in split.filepaths]
    return bool(paths) and all(pathlib.Path(path).exists() for path in paths)


def _is_up_to_date(
    builder: FaceBuilder, manual_dir: pathlib.Path | None
) -> bool:
    """Whether a prepared data set can be used as it is.

    Synthetic portraits are simply drawn or built again; to replace what came
    from archives is the user's decision.
    """
    folder = pathlib.Path(builder.data_path)
    record = BuildRecord.read(folder)
    outdated = _find_outdated(builder, manual_dir, record)
    if outdated and builder.builder_config.is_synthetic:
        return False
    if outdated:
        raise DatasetInputError(
            f"The data set in {folder} {outdated}. Rebuild it with "
            "--overwrite=True, or build into another --data_dir."
        )
    if builder.on_bad == "raise" and record.skipped:
        raise DatasetInputError(
            f"The data set in {folder} lacks {record.skipped:,} bad items, "
            f"see {build_record.SKIPPED_NAME} there. Use it with "
            "--on_bad=skip, or mend the items and rebuild it with "
            "--overwrite=True."
        )
    return True


def _find_outdated(
    builder: FaceBuilder,
    manual_dir: pathlib.Path | None,
    record: BuildRecord | None,
) -> str | None:
    """Returns why a prepared data set has to be built again, or None."""
    file_format = builder.info.file_format.value
    if file_format not in FILE_FORMATS:
        return f"has files of the format {file_format}, which can't be read"
    if record is None:
        return f"has no {build_record.RECORD_NAME} that tells what is in it"
    inputs = builder.list_inputs(manual_dir)
    changed = build_record.changed_inputs(record.inputs, inputs)
    if changed:
        names = ", ".join(changed[:3]) + (" and more" * (len(changed) > 3))
        return (
            f"was built from other inputs than those in {manual_dir}: "
            f"{names} changed"
        )
    if cut := record.describe_cut():
        return f"holds a part of the portraits ({cut}): its build was cut short"
    return None


def _build(
    builder: FaceBuilder,
    manual_dir: pathlib.Path | None,
    data_dir: pathlib.Path,
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
            ),
        )


def _rebuild(
    builder: FaceBuilder,
    target: pathlib.Path,
    manual_dir: pathlib.Path | None,
    data_dir: pathlib.Path,
) -> None:
    """Builds aside and puts the new data set in place of the old one."""
    try:
        _build(builder, manual_dir, data_dir)
        old = target.rename(target.parent / f"{_INCOMPLETE}old")
        pathlib.Path(builder.data_path).rename(target)
        shutil.rmtree(old)
    finally:
        shutil.rmtree(builder.data_dir_root, ignore_errors=True)


def _remove_incomplete(folder: pathlib.Path) -> None:
    """Removes what killed builds have left. Needs the lock."""
    for path in folder.glob(f"{_INCOMPLETE}*"):
        shutil.rmtree(path)


@contextlib.contextmanager
def _lock(folder: pathlib.Path) -> Iterator[None]:
    """Keeps a second build of the same data set away.

    The operating system lets go of the lock when the process ends, however it
    ends.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".lock").touch()
    except OSError as error:
        raise DatasetInputError(
            f"The data set can't be written to {folder}: "
            f"{os.strerror(error.errno)}. Pass another --data_dir."
        ) from error
    try:
        import fcntl
    except ImportError:  # There is none on Windows.
        yield
        return
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
