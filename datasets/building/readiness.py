"""Whether a prepared data set can be used as it is."""

import contextlib
import json
import pathlib

import tensorflow_datasets as tfds

from . import build_record
from . import checksums
from .build_record import BuildRecord
from .errors import DatasetInputError
from .face_builder import FaceBuilder
from .record_files import FILE_FORMATS


def is_whole(builder: FaceBuilder, folder: pathlib.Path, verify: bool) -> bool:
    """Whether a data set is there as it was written; prints what is not."""
    if not folder.exists():
        return False
    # Without its record it can be read; what then is another question.
    damaged = {*checksums.find_damage(folder, verify=verify)} - {
        build_record.RECORD_NAME
    }
    if not damaged:  # There may be no checksums.
        damaged = _find_unreadable(builder, folder)
    if damaged:
        print(
            f"{', '.join(sorted(damaged)[:3])} in {folder} is damaged, cut off "
            "or gone: the data set has to be built again."
        )
    return not damaged


def _find_unreadable(builder: FaceBuilder, folder: pathlib.Path) -> set[str]:
    """Returns which files keep builder and readers from a data set."""
    if pathlib.Path(builder.data_path) == folder:
        try:
            info = tfds.builder_from_directory(folder).info
            dict(info.metadata)  # Read only when it is asked for.
            splits = info.splits.values()
            paths = [path for split in splits for path in split.filepaths]
        except Exception:  # Of any class: what TFDS doesn't expect.
            paths = []
        if paths:
            return {p.name for p in map(pathlib.Path, paths) if not p.is_file()}
    return {"a JSON or text file"}


def is_up_to_date(
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


def note_default(builder: FaceBuilder) -> None:
    """Mends what tells readers which variant the name alone stands for."""
    config = builder.get_default_builder_config()
    text = json.dumps({"default_config_name": config.name})
    path = pathlib.Path(builder.data_path).parents[1] / ".config/metadata.json"
    with contextlib.suppress(OSError, ValueError):
        if path.read_text() == text:
            return
    with contextlib.suppress(OSError):  # It is needed by few.
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
