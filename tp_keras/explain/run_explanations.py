"""Explains the answers of a run to portraits of a split, and writes it all."""

import os
import pathlib
from collections.abc import Callable

import numpy as np

from tp_keras.data import source
from tp_keras.data.joint import with_all_tasks
from tp_keras.errors import UserError
from tp_keras.evaluation import places
from tp_keras.evaluation.answers import answers_of
from tp_keras.explain import page
from tp_keras.explain.measure import explain
from tp_keras.explain.measure import measure
from tp_keras.explain.regions import Regions
from tp_keras.explain.regions import fit
from tp_keras.explain.regions import places as nine_places
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.report import check_folder
from tp_keras.records.report import page_of
from tp_keras.records.report import write_report
from tp_keras.runs.run_folder import RunFolder

_EXACT = "Regions are those that the portraits were drawn with."

_FITTED = (
    "Regions of these portraits are not known. They are fixed ones, the mean "
    "of drawn portraits, moved so that the mean faces lie on each other (their "
    "brightness correlates with {correlation:.2f}): what they say of a single "
    "portrait is rough."
)


def run_explanations(
    run_dir: str | os.PathLike,
    data_dir: str | os.PathLike | None = None,
    split: str = "test",
    count: int = 200,
    seed: int = 0,
    find_regions: Callable | None = None,
    output_dir: str | os.PathLike | None = None,
) -> tuple[list[Record], pathlib.Path]:
    """Explains what a run answers, by every method and for every task.

    Args:
        run_dir: Folder of the run.
        data_dir: Folder of the prepared data sets; None: the run's own.
        split: Split to take portraits of, or a slice of one.
        count: How many portraits to explain, drawn at random.
        seed: Seed of that choice.
        find_regions: Function of the name of a data set and image indices: the
            regions of these portraits, `(name -> shares, None)`, or of drawn
            ones in their place, `(name -> mean shares, mean portrait)`; None
            where it knows of none.
        output_dir: Folder to write into; None: that of the run.

    Returns:
        The records, and the folder `<output_dir>/explanations/<split>` in
        which they lie beside tables and plots.

    Raises:
        UserError: If run, data set or split is not there, or `count` is not 16
            or more.
    """
    run = RunFolder(run_dir).require()
    data = run.config.data.first
    portraits = source.load_portraits(
        data_dir or data.data_dir, data.dataset, split, storage=data.storage
    )
    # Answers are explained whether there is a label or not.
    portraits = with_all_tasks(portraits, run.schema)
    if count < page.SHOWN or len(portraits) < page.SHOWN:
        raise UserError(
            f"Expected a count of {page.SHOWN} portraits or more, and a split "
            f"that has them. Received: count={count}, "
            f"{len(portraits)} portraits in {split}"
        )
    folder = pathlib.Path(
        output_dir or run.path, "explanations", places.file_name(split)
    )
    check_folder(folder)
    generator = np.random.default_rng(seed)
    rows = generator.permutation(len(portraits))[:count]
    portraits = portraits.take(np.sort(rows))
    regions = _regions(find_regions, portraits)
    classifier = run.load_model()
    predict = answers_of(classifier)
    maps = explain(classifier, predict, portraits.images)
    where = {"seed": seed, "split": portraits.split}
    where["dataset"] = portraits.dataset
    records = [
        Record(**{"task": task.name, "group": ALL, **where, **fields})
        for task, fields in measure(classifier, predict, maps, regions, seed)
    ]
    shown = np.sort(generator.permutation(len(portraits))[: page.SHOWN])
    write_report(
        folder,
        page_of(folder),
        records,
        lambda written: page.make_report(
            written, maps, portraits, classifier.tasks, shown, regions.about
        ),
        places.describe_portraits(portraits) | {"regions": regions.about},
    )
    return records, folder


def _regions(find_regions, portraits) -> Regions:
    """Returns the regions of portraits, as far as they are known."""
    size = portraits.images.shape[1:3]
    found = None
    if find_regions is not None:
        found = find_regions(portraits.dataset, portraits.indices)
    if found is None:
        return nine_places(size)
    shares, drawn_face = found
    if drawn_face is None:
        return Regions(shares, _EXACT)
    face = portraits.images.mean(0)
    shares, correlation = fit(shares, drawn_face, face)
    return Regions(shares, _FITTED.format(correlation=correlation))
