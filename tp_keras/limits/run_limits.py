"""Measures where the answers of a run stop to hold, and writes it all."""

import os
import pathlib
from collections.abc import Callable

import numpy as np
import tqdm

from tp_keras.data import source
from tp_keras.errors import UserError
from tp_keras.evaluation import places
from tp_keras.evaluation.answers import answers_of
from tp_keras.limits import page
from tp_keras.limits import safe_ranges
from tp_keras.limits.axes import make_axes
from tp_keras.limits.finding import measure_finder
from tp_keras.limits.measure import FINDER
from tp_keras.limits.measure import LOSS_OF_SHARE
from tp_keras.limits.measure import answers_along
from tp_keras.limits.measure import measure_task
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.report import check_folder
from tp_keras.records.report import page_of
from tp_keras.records.report import write_report
from tp_keras.runs.run_folder import RunFolder


def run_limits(
    run_dir: str | os.PathLike,
    data_dir: str | os.PathLike | None = None,
    split: str = "test",
    count: int = 1000,
    axes: tuple[str, ...] = (),
    find: Callable | None = None,
    find_count: int = 200,
    output_dir: str | os.PathLike | None = None,
) -> tuple[list[Record], list[safe_ranges.SafeRange], pathlib.Path]:
    """Makes the portraits of a split worse step by step, and asks the run.

    Args:
        run_dir: Folder of the run.
        data_dir: Folder of the prepared data sets; None: the run's own.
        split: Split to take portraits of, or a slice of one.
        count: How many portraits to take at most, drawn at random.
        axes: Names of the axes to measure; none: all.
        find: Finder of faces, `FaceFinder().find`; None leaves it out.
        find_count: How many of the portraits it is asked for.
        output_dir: Folder to write into; None: that of the run.

    Returns:
        The records, the safe ranges, and the folder
        `<output_dir>/limits/<split>` in which they lie beside tables and plots.

    Raises:
        UserError: If run, data set, split or an axis is not there.
    """
    run = RunFolder(run_dir).require()
    data, seed = run.config.data.first, run.config.training.seed
    portraits = source.load_portraits(
        data_dir or data.data_dir, data.dataset, split, storage=data.storage
    ).seen_as(run.schema)
    if count < 2 or find_count < 2:
        raise UserError(
            "Expected a count of 2 portraits or more. "
            f"Received: count={count}, find_count={find_count}"
        )
    every = list(make_axes(portraits.schema.image_shape))
    chosen = [axis for axis in every if not axes or axis.name in axes]
    if set(axes) - {axis.name for axis in every}:
        raise UserError(
            f"Expected axes out of {', '.join(axis.name for axis in every)}. "
            f"Received: axes={', '.join(axes)}"
        )
    folder = pathlib.Path(
        output_dir or run.path, "limits", places.file_name(split)
    )
    check_folder(folder)
    if count < len(portraits):
        generator = np.random.default_rng(seed)
        rows = generator.choice(len(portraits), count, replace=False)
        portraits = portraits.take(np.sort(rows))
    images = np.asarray(portraits.images)
    predict = answers_of(run.load_model())
    reference = predict(images)
    tasks = [task for task in portraits.schema.tasks if task.name in reference]
    where = {"group": ALL, "seed": seed, "split": portraits.split}
    where["dataset"] = portraits.dataset
    records = []
    steps = sum(len(axis.values) for axis in chosen)
    with tqdm.tqdm(total=steps, desc="limits", unit=" steps") as bar:

        def shown(values):
            for value in values:
                yield value
                bar.update()

        for axis in chosen:
            found = answers_along(axis, images, predict, shown)
            for task in tasks:
                name = task.name
                labels = portraits.labels[name]
                records += [
                    Record(task=name, **where, **fields)
                    for fields in measure_task(
                        task, axis, reference[name], found[name], labels, seed
                    )
                ]
    if find is not None:
        part = images[:: max(len(images) // find_count, 1)][:find_count]
        records += [
            Record(task=FINDER, **where, **fields)
            for fields in measure_finder(find, part, chosen, seed)
        ]
    if not records:
        raise UserError(
            "Expected portraits with labels of the tasks of the run. "
            f"Received: none of {portraits.dataset} {split}"
        )
    names = [*(task.name for task in tasks), FINDER]
    ranges = list(
        safe_ranges.find_safe_ranges(records, chosen, names, LOSS_OF_SHARE)
    )
    shows_people = portraits.schema.shows_people
    face = images.mean(0)
    write_report(
        folder,
        page_of(folder),
        records,
        lambda written: page.make_report(
            written, ranges, chosen, tasks, face, shows_people
        ),
        places.describe_portraits(portraits),
        {safe_ranges.FILE_NAME: safe_ranges.range_table(ranges)},
    )
    return records, ranges, folder
