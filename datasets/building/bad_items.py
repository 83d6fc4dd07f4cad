"""What happens to a row, image or archive that can't be used."""

import csv
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

from .errors import DatasetInputError

ON_BAD = ("raise", "skip")


class BadItem(NamedTuple):
    """A row, image or archive that was left out, and why."""

    item: str
    reason: str


class BadItems:
    """Refuses bad items, or collects them.

    Args:
        on_bad: `raise` refuses the first bad item with an error, `skip`
            leaves every bad item out and lists it.

    Attributes:
        items: The `BadItem`s left out so far; empty where they are refused.
        indices: Image indices of bad rows and images. That such an image or
            row then lacks its other half is no further bad item.
        notes: How the input differs from the original where that does no
            harm, a sentence without full stop each.

    Raises:
        DatasetInputError: If `on_bad` is neither.

    Example:
        >>> bad_items = BadItems("skip")
        >>> bad_items.report(["a.zip: b.png"], "is empty", "Get it again")
        >>> bad_items.items
        [BadItem(item='a.zip: b.png', reason='is empty')]
    """

    def __init__(self, on_bad: str = "raise"):
        if on_bad not in ON_BAD:
            raise DatasetInputError(
                f"Expected --on_bad={' or --on_bad='.join(ON_BAD)}. "
                f"Received: on_bad={on_bad!r}"
            )
        self.on_bad = on_bad
        self.items: list[BadItem] = []
        self.indices: set[int] = set()
        self.notes: list[str] = []

    def report(self, items: Sequence[str], reason: str, remedy: str) -> None:
        """Takes up items that share a reason.

        Args:
            items: Where each of them stands: file and row or entry.
            reason: What is wrong, continuing a sentence that starts with the
                item.
            remedy: What the user can do, as an imperative without full stop.

        Raises:
            DatasetInputError: If there are any and bad items are refused.
        """
        if not items:
            return
        if self.on_bad == "skip":
            self.items.extend(BadItem(item, reason) for item in items)
            return
        more = len(items) - 1
        others = f" (and {more:,} more like it)" if more else ""
        raise DatasetInputError(
            f"{items[0]} {reason}{others}. {remedy}, or leave what is bad out "
            "of the data set with --on_bad=skip."
        )

    def write(self, path: pathlib.Path) -> None:
        """Writes the items as a CSV of two columns, `item` and `reason`."""
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(BadItem._fields)
            writer.writerows(self.items)
