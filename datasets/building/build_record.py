"""What a prepared data set was made from and what is in it, in one file."""

import collections
import dataclasses
import json
import pathlib
import typing
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from . import checksums

RECORD_NAME = "build.json"
SKIPPED_NAME = "skipped.csv"

# How the record names what is not labelled.
MISSING_NAME = "n/a"


@dataclasses.dataclass
class BuildRecord:
    """Lies beside the records of the data set.

    Attributes:
        source: The folder that was read.
        inputs: Fingerprint of what was read, see `FaceBuilder.describe_inputs`.
        found: The number of usable portraits by split.
        counts: The number of portraits by split that were written. Less than
            what was found if the build was cut short, as TFDS does on request.
        labels: By feature what `LabelCounts` tells.
        details: What else the data set tells of itself, such as the number of
            groups of near duplicates.
        skipped: The number of skipped items, listed in `skipped.csv`.
        notes: How the input differs from the original where that does no
            harm.
        seconds: How long it took.
    """

    source: str
    inputs: dict[str, Any]
    found: dict[str, int] = dataclasses.field(default_factory=dict)
    counts: dict[str, int] = dataclasses.field(default_factory=dict)
    labels: dict[str, dict] = dataclasses.field(default_factory=dict)
    details: dict[str, int] = dataclasses.field(default_factory=dict)
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

    def write(self, folder: pathlib.Path) -> None:
        """Writes the record into the folder of the data set."""
        text = json.dumps(dataclasses.asdict(self), indent=2)
        (folder / RECORD_NAME).write_text(text + "\n")

    @classmethod
    def read(cls, folder: pathlib.Path) -> "BuildRecord | None":
        """Returns the record in a folder, or None if there is no whole one."""
        if checksums.find_damage(folder, [RECORD_NAME]):
            return None
        try:
            record = cls(**json.loads((folder / RECORD_NAME).read_text()))
        except (OSError, ValueError, TypeError):
            return None
        types = typing.get_type_hints(cls)
        is_whole = all(
            isinstance(value, typing.get_origin(types[name]) or types[name])
            for name, value in vars(record).items()
        )
        return record if is_whole else None


class LabelCounts:
    """Counts the labels of portraits.

    Args:
        classes: Class names by feature; none for a number.
        flags: Names of the flags by feature, of those that are vectors of
            flags.

    Example:
        >>> counts = LabelCounts({"weather": ("dry", "wet"), "age": ()})
        >>> counts.add({"weather": "dry", "age": 20.0})
        >>> counts.add({"weather": -1, "age": 23.0})
        >>> counts.summarize()["weather"]
        {'dry': 1, 'wet': 0, 'n/a': 1}
        >>> counts.summarize()["age"]
        {'from': 20.0, 'to': 23.0, 'mean': 21.5, 'n/a': 0}
    """

    def __init__(
        self,
        classes: Mapping[str, Sequence[str]],
        flags: Mapping[str, Sequence[str]] | None = None,
    ):
        self._flags = flags or {}
        self._classes = {**classes, **self._flags}
        self._seen = {name: collections.Counter() for name in self._classes}

    def add(self, labels: Mapping[str, Any]) -> None:
        """Counts a portrait; a missing class is -1, a missing number NaN."""
        for name, seen in self._seen.items():
            label = labels[name]
            if name in self._flags:
                pairs = zip(self._flags[name], label, strict=True)
                seen.update(
                    MISSING_NAME if flag < 0 else each
                    for each, flag in pairs
                    if flag
                )
                continue
            is_missing = label == -1 if self._classes[name] else label != label
            seen[MISSING_NAME if is_missing else label] += 1

    def summarize(self) -> dict[str, dict]:
        """Returns counts by class, or range and mean of the numbers.

        Of flags how often each is set, and how many are missing in all.
        """
        summary = {}
        for name, seen in self._seen.items():
            missing = seen.pop(MISSING_NAME, 0)
            if classes := self._classes[name]:
                summary[name] = {label: seen[label] for label in classes}
            elif seen:
                total = sum(number * count for number, count in seen.items())
                mean = round(total / seen.total(), 2)
                summary[name] = {
                    "from": min(seen),
                    "to": max(seen),
                    "mean": mean,
                }
            else:
                summary[name] = {}
            summary[name][MISSING_NAME] = missing
        return summary


def describe_file(path: pathlib.Path) -> str:
    """Returns size and time of change: quick for any number of files."""
    stat = path.stat()
    return f"{stat.st_size} {stat.st_mtime_ns}"


def changed_inputs(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Returns the names of the inputs that differ, sorted."""
    return sorted(
        name
        for name in old.keys() | new.keys()
        if old.get(name) != new.get(name)
    )
