"""Training portraits in shards, of which each host decodes its own."""

import hashlib
from typing import NamedTuple

import numpy as np

from tp_keras.data.builders import find_builders
from tp_keras.data.joint import JointImages
from tp_keras.data.portraits import Portraits
from tp_keras.data.splits import pieces_of
from tp_keras.errors import UserError
from tp_keras.hosts import check_agreement
from tp_keras.hosts import exchange
from tp_keras.hosts import place


class _Shard(NamedTuple):
    """What all hosts know of a shard: everything but its pixels."""

    labels: dict[str, np.ndarray]
    indices: np.ndarray
    parts: tuple[int, ...]
    fingerprint: str


def own_shards(shards: int) -> range:
    """Returns the numbers of the shards of this host.

    Raises:
        UserError: If the hosts can't share them evenly.
    """
    index, count = place()
    if shards % count:
        raise UserError(
            f"Expected shards that {count} hosts can share evenly, such as "
            f"--shards {count}, on every host. Received: shards={shards}"
        )
    each = shards // count
    return range(index * each, (index + 1) * each)


def load_sharded(data, load) -> Portraits:
    """Returns the training portraits of settings, dealt into shards.

    Labels, indices and their order are those of the portraits in one piece,
    on every host; pixels are there of this host's shards alone. A shard is a
    part of the records as they are stored, which TFDS has shuffled.

    Args:
        data: `DataConfig`.
        load: Function of the splits of the data sets that returns `Portraits`.

    Raises:
        UserError: If the hosts can't share the shards or have other data sets,
            or there are fewer portraits than shards.
    """
    own = own_shards(data.shards)
    builders = find_builders(data.data_dir, data.datasets)
    check_agreement(
        {
            "data set": [builder.info.full_name for builder in builders],
            "records": [_describe(builder) for builder in builders],
        }
    )
    splits = [
        even_splits(builder, part.train_split, data.shards)
        for builder, part in zip(builders, data.parts, strict=True)
    ]
    if len(splits) == 1:
        loaded = {k: load(splits[0][k]) for k in own}
    else:
        loaded = {k: load(tuple(names[k] for names in splits)) for k in own}
    told = {}
    for shards in exchange(
        {
            k: _Shard(p.labels, p.indices, p.parts, p.fingerprint)
            for k, p in loaded.items()
        }
    ):
        told |= shards
    every = [told[k] for k in range(data.shards)]
    sizes = [len(shard.indices) for shard in every]
    indices = np.concatenate([shard.indices for shard in every])
    order = np.argsort(indices, kind="stable")
    # Where in the arrays of this host the pixels of a row are.
    places = np.full(len(indices), -1, np.int64)
    begin = sum(sizes[: own.start])
    count = sum(sizes[own.start : own.stop])
    places[begin : begin + count] = np.arange(count)
    places = places[order]
    first = next(iter(loaded.values()))
    prints = "+".join(shard.fingerprint for shard in every)
    return Portraits(
        images=ShardImages((p.images for p in loaded.values()), places),
        labels={
            name: np.concatenate([shard.labels[name] for shard in every])[order]
            for name in first.labels
        },
        indices=indices[order],
        dataset=first.dataset,
        split=" + ".join(dict.fromkeys(p.train_split for p in data.parts)),
        storage=first.storage,
        fingerprint=hashlib.sha256(prints.encode()).hexdigest(),
        schema=first.schema,
        parts=tuple(np.sum([shard.parts for shard in every], axis=0).tolist()),
        shards=np.repeat(np.arange(len(every), dtype=np.int32), sizes)[order],
        own_rows=np.flatnonzero(places >= 0),
    )


def _describe(builder) -> dict:
    """Returns what the records of a data set are told apart by."""
    return {
        name: (info.num_examples, info.num_bytes)
        for name, info in builder.info.splits.items()
    }


def even_splits(builder, split: str, count: int) -> list[str]:
    """Returns a split as parts that differ by one portrait at most.

    Args:
        builder: A reader of `tfds`.
        split: Such as `"train[:50%]"`, or a sum.
        count: The number of parts.

    Raises:
        UserError: If there are fewer portraits than parts.

    Example:
        >>> even_splits(builder, "train[:50%]", 2)
        ['train[0:25]', 'train[25:50]']
    """
    parts = [[] for _ in range(count)]
    for name, begin, end in pieces_of(builder, split):
        if end - begin < count:
            raise UserError(
                f"Expected at least {count} portraits of {split}, one for each "
                f"shard. Received: {end - begin} of {name}"
            )
        edges = np.linspace(begin, end, count + 1).round().astype(int)
        for part, low, high in zip(parts, edges[:-1], edges[1:], strict=True):
            part.append(f"{name}[{low}:{high}]")
    return ["+".join(part) for part in parts]


class ShardImages:
    """The images of the shards of one host, by the rows of all portraits.

    Args:
        arrays: The images of each shard; see `JointImages`.
        places: int64 `[count]`, where in `arrays` the image of a row is; -1 if
            another host has it.
    """

    def __init__(self, arrays, places: np.ndarray):
        self._images, self._places = JointImages(arrays), places
        self.dtype, self.nbytes = self._images.dtype, self._images.nbytes
        self.shape = (len(places), *self._images.shape[1:])

    def __len__(self):
        return self.shape[0]

    def __array__(self, dtype=None, copy=None):
        return self[:].astype(dtype or self.dtype)

    def __getitem__(self, rows) -> np.ndarray:
        places = self._places[rows]
        if np.any(places < 0):
            raise IndexError("The pixels of some rows are on another host.")
        return self._images[places]
