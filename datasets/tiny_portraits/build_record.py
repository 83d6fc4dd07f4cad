"""What a prepared data set was made from and what is in it, in one file."""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Sequence
from typing import Any

from . import attributes
from . import facts
from . import pack_layout
from .portraits_config import PortraitsConfig
from .synthetic import pack as synthetic_pack

RECORD_NAME = "build.json"
SKIPPED_NAME = "skipped.csv"

# How the record names what is not labelled.
MISSING_NAME = facts.MISSING_LABEL


@dataclasses.dataclass
class BuildRecord:
    """Lies beside the records of the data set.

    Attributes:
        source: The folder that was read.
        inputs: Fingerprint of what was read, see `fingerprint`.
        found: The number of usable portraits by split.
        counts: The number of portraits by split that were written. Less than
            what was found if the build was cut short, as TFDS does on request.
        labels: The number of portraits by feature and class name, over the
            splits of the pack. What is not labelled is counted as `n/a`.
        skipped: The number of skipped items, listed in `skipped.csv`.
        notes: How the input differs from the original where that does no
            harm.
        seconds: How long it took.
    """

    source: str
    inputs: dict[str, Any]
    found: dict[str, int]
    counts: dict[str, int] = dataclasses.field(default_factory=dict)
    labels: dict[str, dict[str, int]] = dataclasses.field(
        default_factory=lambda: {
            name: dict.fromkeys((*classes, MISSING_NAME), 0)
            for name, classes in facts.CLASSES.items()
        }
    )
    skipped: int = 0
    notes: list[str] = dataclasses.field(default_factory=list)
    seconds: float = 0.0

    def describe_cut(self) -> str:
        """Returns what a build that was cut short holds, or an empty text.

        Such as `train 20 of 320, test 20 of 40`.
        """
        return ", ".join(
            f"{split} {self.counts.get(split, 0):,} of {found:,}"
            for split, found in self.found.items()
            if self.counts.get(split, 0) < found
        )

    def count_labels(self, labels: dict[str, str | int]) -> None:
        """Counts the labels of one portrait."""
        for name, label in labels.items():
            missing = label == attributes.MISSING
            self.labels[name][MISSING_NAME if missing else str(label)] += 1

    def write(self, folder: pathlib.Path) -> None:
        """Writes the record into the folder of the data set."""
        text = json.dumps(dataclasses.asdict(self), indent=2)
        (folder / RECORD_NAME).write_text(text + "\n")

    @classmethod
    def read(cls, folder: pathlib.Path) -> "BuildRecord | None":
        """Returns the record in a folder, or None if there is none."""
        try:
            return cls(**json.loads((folder / RECORD_NAME).read_text()))
        except (FileNotFoundError, json.JSONDecodeError, TypeError):
            return None


def fingerprint(
    config: PortraitsConfig,
    manual_dir: pathlib.Path | None,
    missing: Sequence[str] = (),
) -> dict[str, Any]:
    """Describes all that a data set depends on; equal if nothing changed.

    Of archives and images that is name, size and time of change, which is
    quick for any number of them; of the attribute file its content.

    Args:
        config: The variant.
        manual_dir: The folder of the pack, if the variant has one.
        missing: What means `n/a` in the hair columns, beside `n/a`.

    Raises:
        DatasetInputError: If there is no folder of archives or images.
    """
    if config.is_synthetic:
        return synthetic_pack.describe_pack(config.count, config.seed)
    layout = pack_layout.find_layout(manual_dir)
    inputs = {"--missing": sorted(missing)}
    # One that lies in an archive is described with it; a missing one is
    # reported by whoever reads it.
    if layout.csv_path is not None:
        content = layout.csv_path.read_bytes()
        inputs[facts.CSV_NAME] = hashlib.sha256(content).hexdigest()
    for path in layout.archives:
        inputs[path.relative_to(layout.folder).as_posix()] = _describe(path)
    if layout.images:
        digest = hashlib.sha256()
        for path in layout.images:
            name = path.relative_to(layout.folder).as_posix()
            digest.update(f"{name} {_describe(path)}\n".encode())
        inputs[layout.folder.name] = digest.hexdigest()
    return inputs


def _describe(path: pathlib.Path) -> str:
    """Returns size and time of change."""
    stat = path.stat()
    return f"{stat.st_size} {stat.st_mtime_ns}"


def changed_inputs(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Returns the names of the inputs that differ, sorted."""
    return sorted(
        name
        for name in old.keys() | new.keys()
        if old.get(name) != new.get(name)
    )
