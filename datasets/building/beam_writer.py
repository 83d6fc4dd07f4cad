"""Writes the records of a split from a Beam pipeline, as TFDS does without.

TFDS' own `BeamWriter` cuts shards where the hash of a key reaches a multiple,
its writer of generators where the number of examples does: with two shards or
more their files differ. And it groups the pictures of all shards through the
runner, which local ones hold in memory several times. Here each worker writes
its examples into sorted runs on the disk, and only keys and sizes go through
the runner; of them follows which stretch of which run a shard consists of.
"""

import bisect
import itertools
import pathlib
import uuid
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

import apache_beam as beam
import numpy as np
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue
from tensorflow_datasets.core import writer
from tensorflow_datasets.core.utils import shard_utils

from .record_files import serialize

# What lies here is gone when the data set is complete.
SCRATCH = "beam"

_RUN_BYTES = 64 << 20
_KEY_BYTES = 16


class Stretch(NamedTuple):
    """Some records of a run, which is a file of records one after the other.

    Attributes:
        path: The run.
        offset: Where the first record begins.
        keys: The hashed keys, ascending, 16 bytes each.
        sizes: int64 `[count]`, the bytes of each record.
    """

    path: pathlib.Path
    offset: int
    keys: bytes
    sizes: np.ndarray


class SortingBeamWriter(writer.BeamWriter):
    """Takes the place of TFDS' `BeamWriter`; see there."""

    def _serialize_example(self, key_example) -> tuple[Any, bytes]:
        # Workers don't have what is assigned to TFDS in the main process.
        key, example = key_example
        record = serialize(self._serializer, example)
        return self._hasher.hash_key(key), record

    def write_from_pcollection(self, examples_pcollection):
        """Returns the transform that writes keys and examples."""
        folder = pathlib.Path(self._filename_template.data_dir) / SCRATCH
        return (
            examples_pcollection
            | "Serialize" >> beam.Map(self._serialize_example)
            | "WriteRuns" >> beam.ParDo(WriteRuns(folder))
            | "CollectRuns" >> beam.combiners.ToList()
            | "CutShards" >> beam.FlatMap(cut_shards, self._shard_config)
            | "SpreadShards" >> beam.Reshuffle()
            | "WriteShards" >> beam.MapTuple(self._write_shard)
            | "CollectShardInfo" >> beam.combiners.ToList()
            | "StoreSplitInfo" >> beam.Map(self._store_split_info)
        )

    def _write_shard(self, number: int, count: int, stretches: list[Stretch]):
        """Writes a shard out of so many."""
        records = itertools.chain.from_iterable(map(_read, stretches))
        return self._write_final_shard((number, records), range(count))


class WriteRuns(beam.DoFn):
    """Takes hashed keys and records, and yields the `Stretch` of each run.

    Args:
        folder: Where the runs are written, under names that nobody else takes:
            what a worker leaves that fails is not looked at.
    """

    def __init__(self, folder: pathlib.Path):
        self._folder = folder

    def start_bundle(self) -> None:
        """Begins a run."""
        self._records: list[tuple[int, bytes]] = []
        self._size = 0

    def process(self, element: tuple[int, bytes]) -> Iterator[Stretch]:
        """Takes a record, and yields a run when it is large."""
        self._records.append(element)
        self._size += len(element[1])
        if self._size >= _RUN_BYTES:
            yield self._write()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Yields the last run."""
        if self._records:
            window = GlobalWindow()
            end = window.max_timestamp()
            yield WindowedValue(self._write(), end, [window])

    def _write(self) -> Stretch:
        self._folder.mkdir(exist_ok=True)
        path = self._folder / f"{uuid.uuid4().hex}.run"
        self._records.sort()
        with path.open("wb") as file:
            file.writelines(record for _, record in self._records)
        keys = b"".join(
            key.to_bytes(_KEY_BYTES, "big") for key, _ in self._records
        )
        sizes = np.array([len(record) for _, record in self._records])
        self.start_bundle()
        return Stretch(path, 0, keys, sizes)


def cut_shards(
    runs: list[Stretch], config: shard_utils.ShardConfig
) -> Iterator[tuple[int, int, list[Stretch]]]:
    """Yields number of each shard, their count, and what the shard consists of.

    The shards have as many examples as TFDS gives them without Beam, in the
    order of the hashed keys.

    Args:
        runs: All of a split.
        config: Says how large a shard may be.
    """
    keys = b"".join(run.keys for run in runs)
    keys = np.frombuffer(keys, ">u8").reshape(-1, 2)
    sizes = np.concatenate([run.sizes for run in runs])
    count = len(keys)
    number = config.get_number_shards(int(sizes.sum()), count)
    ends = shard_utils.get_shard_boundaries(count, number)
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    shards = np.empty(count, np.int64)
    shards[order] = np.searchsorted(ends, np.arange(count), side="right")
    stretches: list[list[Stretch]] = [[] for _ in range(number)]
    start = 0
    for run in runs:
        own = shards[start : start + len(run.sizes)]
        start += len(own)
        offsets = np.concatenate([[0], np.cumsum(run.sizes)])
        for shard in np.unique(own).tolist():
            # A run is sorted, and so are its shards.
            first = bisect.bisect_left(own, shard)
            end = bisect.bisect_right(own, shard)
            stretches[shard].append(
                Stretch(
                    run.path,
                    int(offsets[first]),
                    run.keys[first * _KEY_BYTES : end * _KEY_BYTES],
                    run.sizes[first:end],
                )
            )
    for shard, parts in enumerate(stretches):
        yield shard, number, parts


def _read(stretch: Stretch) -> Iterator[tuple[int, bytes]]:
    """Yields hashed keys and records."""
    with stretch.path.open("rb") as file:
        file.seek(stretch.offset)
        for place, size in enumerate(stretch.sizes.tolist()):
            start = place * _KEY_BYTES
            key = stretch.keys[start : start + _KEY_BYTES]
            yield int.from_bytes(key, "big"), file.read(size)
