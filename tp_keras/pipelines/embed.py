"""Embeds all portraits of a data set, and counts, by a Beam pipeline.

A worker holds the model, and the pixels of one part at a time. Only tables of
counts go through the runner.
"""

import functools
import os
import pathlib
import pickle
from collections.abc import Iterator
from collections.abc import Sequence
from typing import NamedTuple

import apache_beam as beam
import numpy as np
from apache_beam.utils import shared

from tp_keras import files
from tp_keras.data.builders import count_portraits
from tp_keras.data.builders import find_builder
from tp_keras.data.portraits import Portraits
from tp_keras.data.schema import read_schema
from tp_keras.data.source import load_portraits
from tp_keras.data.splits import pieces_of
from tp_keras.errors import UserError
from tp_keras.models.kinds import answer
from tp_keras.pipelines.tables import Tables
from tp_keras.pipelines.tables import add_tables
from tp_keras.pipelines.tables import count_part
from tp_keras.pipelines.tables import frames
from tp_keras.records.report import check_folder
from tp_keras.runs.run_folder import RunFolder
from tp_keras.tasks import FEATURES

# Portraits of a part. Of thumbnails that is some 50 MB of pixels.
PART_SIZE = 2048
_BATCH_SIZE = 256

_FACTS_NAME = "embedding.json"
_TABLES = "tables.pickle"


class Part(NamedTuple):
    """Portraits that a worker has in memory at once.

    Attributes:
        number: The place of the part among all.
        split: The place of its split among those asked for.
        rows: A slice such as `"train[0:4096]"`.
    """

    number: int
    split: int
    rows: str


def embed_data_set(
    run_dir: str | os.PathLike,
    output_dir: str | os.PathLike,
    beam_options,
    data_dir: str | os.PathLike | None = None,
    dataset: str | None = None,
    splits: Sequence[str] = (),
) -> dict:
    """Embeds a data set by a pipeline and writes features and tables.

    Args:
        run_dir: Folder of a run trained on portraits of this size.
        output_dir: Folder to write, new or that of an earlier call; all
            workers must see it, and the other two, under the same name.
        beam_options: `PipelineOptions`, with the runner.
        data_dir: Folder of the prepared data sets; None: the run's own.
        dataset: Name of a prepared data set; None: the run's first.
        splits: Names or slices; none: all splits.

    Returns:
        What `embedding.json` tells: `dataset`, `count` by split, `parts`,
        `size` of a row.

    Raises:
        UserError: If run, data set or split is not there, the portraits have
            another size or no task of the run, or the folder holds other
            things.

    Example:
        >>> embed_data_set("runs/mine", "embedding", options)["count"]
        {'train': 9603, 'validation': 1205, 'test': 1192, ...}
    """
    run = RunFolder(run_dir).require()
    data_dir = data_dir or run.config.data.data_dir
    dataset = dataset or run.config.data.datasets[0]
    builder = find_builder(data_dir, dataset)
    splits = list(splits or builder.info.splits)
    count = {split: count_portraits(builder, split) for split in splits}
    schema = _nothing(builder).seen_as(run.schema).schema
    check_folder(output_dir, _FACTS_NAME)
    parts = list(_parts(builder, splits))
    facts = {"dataset": builder.info.full_name, "count": count}
    with files.new_folder(output_dir) as aside:
        # As absolute ones, whatever folder a worker is started in.
        aside = aside.absolute()
        embed = EmbedParts(
            str(run.path.absolute()),
            os.path.abspath(os.path.expanduser(data_dir)),
            dataset,
            str(aside),
            len(splits),
            len(parts),
        )
        with beam.Pipeline(options=beam_options) as pipeline:
            _ = (
                pipeline
                | beam.Create(parts)
                | beam.Reshuffle()
                | "Embed" >> beam.ParDo(embed)
                | "Add" >> beam.CombineGlobally(AddTables())
                | beam.Map(_keep, str(aside / _TABLES))
            )
        tables = pickle.loads((aside / _TABLES).read_bytes())
        (aside / _TABLES).unlink()
        for name, frame in frames(tables, schema, splits).items():
            frame.to_csv(aside / f"{name}.csv", index=False)
        size = np.load(aside / _name_of(FEATURES, 0, len(parts))).shape[1]
        facts |= {"parts": len(parts), "size": size}
        files.write_json(aside / _FACTS_NAME, facts)
    return facts


def read_embedding(
    folder: str | os.PathLike,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns what `embed_data_set` wrote, in the order of the indices.

    Args:
        folder: The folder.

    Returns:
        Image indices int64 `[count]`, ascending, and features float32
        `[count, size]`.

    Raises:
        UserError: If the folder holds no embedding.
    """
    folder = pathlib.Path(folder)
    path = folder / _FACTS_NAME
    if not path.is_file():
        raise UserError(
            f"Expected a folder with {path.name}, as training.embed writes it. "
            f"Received: {folder}"
        )
    count = files.read_json(path, "embed again", parts=int)["parts"]

    def read(kind):
        names = [_name_of(kind, number, count) for number in range(count)]
        return np.concatenate([np.load(folder / name) for name in names])

    indices = read("indices")
    order = np.argsort(indices, kind="stable")
    return indices[order], read(FEATURES)[order]


class EmbedParts(beam.DoFn):
    """Writes the features of a part, and yields its tables.

    Args:
        run_dir: Folder of the run.
        data_dir: Folder of the data sets.
        dataset: Name of one.
        folder: Where the features are written.
        num_splits: How many there are.
        num_parts: Likewise.
    """

    def __init__(
        self,
        run_dir: str,
        data_dir: str,
        dataset: str,
        folder: str,
        num_splits: int,
        num_parts: int,
    ):
        self._run_dir, self._place = run_dir, (data_dir, dataset)
        self._folder = pathlib.Path(folder)
        self._counts = num_splits, num_parts
        self._shared = shared.Shared()

    def setup(self) -> None:
        """Loads the model, unless another thread of the worker has done so."""
        self._model = self._shared.acquire(
            functools.partial(_Model, self._run_dir)
        )

    def process(self, part: Part) -> Iterator[Tables]:
        """Yields the tables of a part."""
        num_splits, num_parts = self._counts
        portraits = load_portraits(
            *self._place, part.rows, storage="memory", progress=False
        ).seen_as(self._model.schema)
        answers, features = self._model.predict(portraits.images)
        for kind, values in (
            ("indices", portraits.indices),
            (FEATURES, features),
        ):
            path = self._folder / _name_of(kind, part.number, num_parts)
            # A part that a runner has embedded twice is there once.
            with files.replaced(path) as aside:
                np.save(aside, values)
        yield count_part(portraits, answers, part.split, num_splits)


class _Model:
    """The model of a run, with the features of its backbone."""

    def __init__(self, run_dir):
        run = RunFolder(run_dir)
        classifier = run.load_model()
        self.schema = run.schema
        self._tasks = classifier.tasks
        self._model = classifier.inference_model(features=True)

    def predict(self, images):
        """Returns answers by task, and features float32 `[count, size]`."""
        # `predict` would copy all of them first.
        batches = [
            self._model.predict_on_batch(images[start : start + _BATCH_SIZE])
            for start in range(0, len(images), _BATCH_SIZE)
        ]

        def whole(name):
            return np.concatenate([batch[name] for batch in batches])

        answers = {
            task.name: answer(task, whole(task.name)) for task in self._tasks
        }
        return answers, whole(FEATURES)


class AddTables(beam.CombineFn):
    """Adds the tables of parts."""

    def create_accumulator(self) -> Tables:
        """Returns no tables."""
        return {}

    def add_input(self, tables: Tables, others: Tables) -> Tables:
        """Returns the sums of two."""
        return add_tables(tables, others)

    def merge_accumulators(self, accumulators) -> Tables:
        """Returns the sums of several."""
        return functools.reduce(add_tables, accumulators, {})

    def extract_output(self, tables: Tables) -> Tables:
        """Returns the sums."""
        return tables


def _keep(tables: Tables, path: str) -> None:
    pathlib.Path(path).write_bytes(pickle.dumps(tables))


def _name_of(kind, number, count):
    return f"{kind}-{number:05d}-of-{count:05d}.npy"


def _parts(builder, splits) -> Iterator[Part]:
    """Yields the parts of all splits."""
    number = 0
    for place, split in enumerate(splits):
        for name, low, high in pieces_of(builder, split):
            for start in range(low, high, PART_SIZE):
                end = min(start + PART_SIZE, high)
                yield Part(number, place, f"{name}[{start}:{end}]")
                number += 1


def _nothing(builder) -> Portraits:
    """Returns no portraits of a data set, to see if they fit a run."""
    schema = read_schema(builder)
    return Portraits(
        images=np.empty((0, *schema.image_shape), np.uint8),
        labels={
            task.name: np.empty(
                (0, task.num_classes) if task.kind == "multi_label" else 0,
                np.int32,
            )
            for task in schema.tasks
        },
        indices=np.empty(0, np.int64),
        dataset=builder.info.full_name,
        split="",
        storage="memory",
        fingerprint="",
        schema=schema,
    )
