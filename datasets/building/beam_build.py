"""Reads the files of a split in a Beam pipeline."""

import itertools
import json
import pathlib
import pickle
from collections.abc import Iterator
from typing import Any

import apache_beam as beam

from .bad_items import BadItems
from .beam_writer import SCRATCH
from .file_examples import FileExamples
from .file_examples import make_example
from .file_reader import Reader

# Files that a worker reads at once.
_CHUNK = 64

_BAD = "bad"


class ReadFiles(beam.PTransform):
    """Yields key and example of each file that can be used.

    What is bad is noted for `report_bad`. The folders of files and data set
    are those of the main process, so all workers must see them by these names.

    Args:
        examples: What to read.
        folder: Of the data set, while it is built.
        split: Its name.
    """

    def __init__(
        self, examples: FileExamples, folder: pathlib.Path, split: str
    ):
        super().__init__()
        self._reader = examples.reader()
        scratch = folder / SCRATCH
        scratch.mkdir(exist_ok=True)
        self._rows = scratch / f"{split}.rows"
        self._bad = _bad_path(folder, split)
        # A pipeline that holds all rows itself would be too large to be sent.
        rows = enumerate(examples.rows())
        with self._rows.open("wb") as file:
            while chunk := list(itertools.islice(rows, _CHUNK)):
                pickle.dump(chunk, file)

    def expand(self, begin):
        """Returns the collection of keys and examples."""
        read = (
            begin
            | beam.Create([str(self._rows)])
            | beam.FlatMap(_read_chunks)
            | beam.Reshuffle()
            | beam.ParDo(_Read(self._reader)).with_outputs(_BAD, main="good")
        )
        _ = (
            read[_BAD]
            | beam.combiners.ToList()
            | beam.Map(_write_bad, str(self._bad))
        )
        return read.good


def _read_chunks(path: str) -> Iterator[list]:
    with open(path, "rb") as file:
        while file.peek(1):
            yield pickle.load(file)


class _Read(beam.DoFn):
    """Reads chunks of rows; keeps the last archive open."""

    def __init__(self, reader: Reader):
        self._reader = reader

    def process(self, rows: list) -> Iterator[Any]:
        """Yields keys and examples, and of bad files place and defect."""
        answers = self._reader([file for _, (file, *_) in rows])
        for (place, (_, index, labels)), (content, defect) in zip(
            rows, answers, strict=True
        ):
            if defect is None:
                yield make_example(content, index, labels)
            else:
                yield beam.pvalue.TaggedOutput(_BAD, (place, *defect))

    def teardown(self) -> None:
        """Closes the archive."""
        self._reader.close()


def report_bad(
    examples: FileExamples,
    folder: pathlib.Path,
    split: str,
    bad_items: BadItems,
    start: int = 0,
) -> set[int]:
    """Reports what the pipeline has found bad, in the order of the files.

    Args:
        examples: What was read.
        folder: Of the data set, while it is built.
        split: Its name.
        bad_items: Takes up what is bad.
        start: The place of the first file that was not reported before.

    Returns:
        The places of all bad files.

    Raises:
        DatasetInputError: If there is one and bad items are refused.
    """
    found = sorted(json.loads(_bad_path(folder, split).read_text()))
    for place, *defect in found:
        if place >= start:
            where = examples.describe(examples.files[place])
            bad_items.report([where], *defect)
    return {place for place, *_ in found}


def _bad_path(folder, split):
    return folder / SCRATCH / f"{split}.bad.json"


def _write_bad(found: list[tuple], path: str) -> None:
    pathlib.Path(path).write_text(json.dumps(found))
