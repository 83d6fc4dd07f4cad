"""Builds the data set, or reuses it if it is up to date."""

import contextlib
import errno
import os
import pathlib
import shutil
from collections.abc import Iterator
from collections.abc import Sequence

import tensorflow_datasets as tfds
from tensorflow_datasets.core.utils import tqdm_utils

from . import build_record
from . import pack_layout
from . import portraits_config
from .bad_items import BadItems
from .build_record import BuildRecord
from .errors import DatasetInputError
from .tiny_portraits_dataset_builder import FILE_FORMATS
from .tiny_portraits_dataset_builder import Builder

# TFDS, and we too, write into folders named so until they are complete.
_INCOMPLETE = "incomplete."


def prepare(
    manual_dir: str | os.PathLike | None = None,
    data_dir: str | os.PathLike = "data/tfds",
    *,
    count: int = portraits_config.SYNTHETIC.count,
    seed: int = 0,
    on_bad: str = "raise",
    missing: Sequence[str] = (),
    overwrite: bool = False,
) -> Builder:
    """Builds the data set, or reuses it if its inputs have not changed.

    A data set appears under its name when it is complete, or not at all; what
    a killed build has left is removed by the next one. A rebuild replaces the
    old data set at the end, so that a failure leaves the old one as it is.

    Args:
        manual_dir: Folder with the attribute file and the archives; None
            draws synthetic portraits.
        data_dir: Where TFDS keeps its data sets.
        count: The number of synthetic portraits.
        seed: Seed of the synthetic portraits.
        on_bad: `raise` stops at the first row, image or archive that can't be
            used, `skip` leaves it out and lists it in `skipped.csv` beside
            the records.
        missing: What means `n/a` in the hair columns of the attribute file,
            beside `n/a`.
        overwrite: Builds again, whatever is there.

    Returns:
        The builder of the prepared data set. `BuildRecord.read(
        builder.data_path)` tells what it was made from.

    Raises:
        DatasetInputError: If an input is missing or wrong; if the data set
            that is there was built from other archives, was cut short or
            lacks what was skipped, and `overwrite` is not set.

    Example:
        >>> builder = prepare(data_dir="data/tfds", count=400)
        >>> builder.name, builder.builder_config.name
        ('tiny_portraits', 'synthetic_tiny')
    """
    BadItems(on_bad)  # Refuses a wrong value even where nothing is built.
    if manual_dir is None:
        config = portraits_config.synthetic_config(count, seed)
    else:
        config = portraits_config.ARCHIVES
        manual_dir = pathlib.Path(manual_dir).expanduser()
        pack_layout.find_layout(manual_dir)
    data_dir = pathlib.Path(data_dir).expanduser()
    settings = {"config": config, "on_bad": on_bad, "missing": missing}
    builder = Builder(data_dir=data_dir, **settings)
    target = pathlib.Path(builder.data_path)
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
                _rebuild(builder, manual_dir)
            else:
                _build(builder, manual_dir, data_dir)
    # Reads what has just been written.
    return Builder(data_dir=data_dir, **settings)


def _is_whole(builder: Builder) -> bool:
    """Whether the files of a prepared data set are there."""
    splits = builder.info.splits.values()
    paths = [path for split in splits for path in split.filepaths]
    return bool(paths) and all(pathlib.Path(path).exists() for path in paths)


def _is_up_to_date(builder: Builder, manual_dir: pathlib.Path | None) -> bool:
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
    builder: Builder,
    manual_dir: pathlib.Path | None,
    record: BuildRecord | None,
) -> str | None:
    """Returns why a prepared data set has to be built again, or None."""
    file_format = builder.info.file_format.value
    if file_format not in FILE_FORMATS:
        return f"has files of the format {file_format}, which can't be read"
    if record is None:
        return f"has no {build_record.RECORD_NAME} that tells what is in it"
    inputs = build_record.fingerprint(
        builder.builder_config, manual_dir, builder.missing
    )
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
    builder: Builder,
    manual_dir: pathlib.Path | None,
    data_dir: pathlib.Path,
) -> None:
    # The builder shows one bar over all splits. Those of TFDS know no total.
    with tfds.core.utils.temporary_assignment(tqdm_utils, "_active", False):
        builder.download_and_prepare(
            download_dir=data_dir / "downloads",
            download_config=tfds.download.DownloadConfig(
                manual_dir=manual_dir, try_download_gcs=False
            ),
        )


def _rebuild(builder: Builder, manual_dir: pathlib.Path | None) -> None:
    """Builds aside and puts the new data set in place of the old one."""
    target = pathlib.Path(builder.data_path)
    # TFDS would delete the old data set before it builds the new one.
    aside = target.parent / f"{_INCOMPLETE}rebuild"
    new = Builder(
        data_dir=aside,
        config=builder.builder_config,
        on_bad=builder.on_bad,
        missing=builder.missing,
    )
    try:
        _build(new, manual_dir, pathlib.Path(builder.data_dir_root))
        old = target.rename(target.parent / f"{_INCOMPLETE}old")
        pathlib.Path(new.data_path).rename(target)
        shutil.rmtree(old)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


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
