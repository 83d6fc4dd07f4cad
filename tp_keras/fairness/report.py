"""Measures a run's hair attributes with regard to gender, and writes it all."""

import dataclasses
import functools
import os
import pathlib
from collections.abc import Iterator
from collections.abc import Mapping

import numpy as np
import tqdm

from tp_keras import files
from tp_keras import tasks
from tp_keras.command_line import train_command
from tp_keras.data import builders
from tp_keras.data import source
from tp_keras.errors import UserError
from tp_keras.evaluation import places
from tp_keras.evaluation.report import RECORDS_NAME
from tp_keras.evaluation.report import TABLE_NAME
from tp_keras.fairness import neighbor_grid
from tp_keras.fairness import page
from tp_keras.fairness import plots
from tp_keras.fairness import representations
from tp_keras.fairness import table
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.fairness.stages import stages_of
from tp_keras.records import record as records_lib
from tp_keras.records.record import Record
from tp_keras.runs import run_folder as run_folder_lib

# The split of portraits of `test` with the cues of the other gender.
_TWINS = "counterfactual"
_TWINS_OF = "test"


def run_fairness_report(
    run_dir: str | os.PathLike,
    data_dir: str | os.PathLike | None = None,
    dataset: str | None = None,
    split: str = "test",
    settings: FairnessSettings | None = None,
) -> tuple[list[Record], pathlib.Path]:
    """Measures a trained run and writes figures, plots and a page.

    For each hair task: figures of the predictions by group, what can be read
    of gender from each layer, who the neighbours are in the embedding, and,
    where the data set has a split `counterfactual`, what the same portrait
    with the cues of the other gender changes.

    The embedding of a task is the part of the hair embedding that its head
    reads, so that hair colour isn't blamed for what hair type knows.

    Args:
        run_dir: Folder of the run.
        data_dir: Folder of the prepared data sets; None: the run's own.
        dataset: Name of a prepared data set with the features of Tiny
            Portraits; None: the one that the run was trained on.
        split: Split to measure on, also a slice such as `"test[:100]"`.
        settings: How it is measured; None: the defaults.

    Returns:
        The records, and the folder in which they lie beside table and plots:
        `<run_dir>/fairness/<split>` on the run's own data, and one that is
        named after the data set and its portraits on any other; see
        `places.name_of_portraits`. The page of it is `fairness_page(folder)`.

    Raises:
        UserError: If the run, its hair tasks, the data set, the split or the
            labels of gender are not there.

    Example:
        >>> records, folder = run_fairness_report("runs/demo")
        >>> print(table.summary_text(records))
    """
    settings = settings or FairnessSettings()
    run = run_folder_lib.RunFolder(run_dir).require()
    hair_tasks = _hair_tasks(run)
    load = functools.partial(
        source.load_portraits,
        data_dir or run.config.data.data_dir,
        dataset or run.config.data.dataset,
        storage=run.config.data.storage,
    )
    portraits = load(split)
    _check_labels(portraits, hair_tasks)
    classifier = run.load_model()
    found = representations.represent(classifier, portraits.images)
    twins = None
    if split.startswith(_TWINS_OF) and _has_twins(
        data_dir or run.config.data.data_dir,
        dataset or run.config.data.dataset,
    ):
        twins = representations.represent_twins(
            classifier, portraits, load(_TWINS)
        )
    seed = run.config.training.seed
    records = [
        Record(
            task=task.name,
            seed=seed,
            split=split,
            dataset=portraits.dataset,
            **fields,
        )
        for task, fields in _measure(
            hair_tasks, portraits.labels, found, twins, settings, seed
        )
    ]
    grids = {
        task: neighbor_grid.make_grid(
            portraits.images,
            portraits.labels[task.name],
            portraits.labels[tasks.GENDER.name],
            found.embedding(task),
            seed,
        )
        for task in hair_tasks
    }
    parent = run.path / "fairness"
    folder = parent / places.name_of_portraits(
        parent / split,
        portraits,
        run.config.data,
        run.facts.get("fingerprints", {}),
        load,
    )
    write_fairness_report(
        folder,
        fairness_page(folder),
        records,
        grids,
        settings,
        places.describe_portraits(portraits),
    )
    return records, folder


def write_fairness_report(
    folder: str | os.PathLike,
    page_path: str | os.PathLike,
    records: list[Record],
    grids: dict[tasks.Task, neighbor_grid.NeighborGrid | None],
    settings: FairnessSettings,
    facts: Mapping | None = None,
) -> None:
    """Writes records, table and plots into `folder`, and the page of them.

    Folder and page appear whole or not at all. All but the pictures of
    neighbours is made from the records as they stand in the file.

    Args:
        folder: Folder to write; an earlier one is replaced.
        page_path: HTML file to write.
        records: What was measured.
        grids: Hair task -> what to show of its neighbours, or None.
        settings: How it was measured.
        facts: What else a figure depends on, for `measured.json`.
    """
    with files.new_folder(folder) as aside:
        records_lib.write_records(aside / RECORDS_NAME, records)
        written = records_lib.read_records(aside / RECORDS_NAME)
        (aside / TABLE_NAME).write_text(
            table.full_report(written), encoding="utf-8"
        )
        plots.write_plots(aside, written, grids)
        places.write_measured(
            aside,
            {"settings": dataclasses.asdict(settings), **(facts or {})},
        )
        text = page.make_page(written, aside, settings)
    files.write_text(page_path, text)


def fairness_page(folder: str | os.PathLike) -> pathlib.Path:
    """Returns the page of a folder that `run_fairness_report` wrote.

    That is `<run_dir>/fairness.html` for the run's own test split, and
    `<run_dir>/fairness-<name of the folder>.html` for all else.
    """
    folder = pathlib.Path(folder)
    suffix = "" if folder.name == _TWINS_OF else f"-{folder.name}"
    return folder.parents[1] / f"fairness{suffix}.html"


def _hair_tasks(run) -> tuple[tasks.Task, ...]:
    learned = run.config.model.tasks
    found = tuple(task for task in tasks.HAIR_TASKS if task.name in learned)
    if not found:
        names = [task.name for task in tasks.HAIR_TASKS]
        command = train_command(
            run.config.data,
            run_dir="FOLDER",
            tasks=(tasks.GENDER.name, *names),
        )
        raise UserError(
            f"The run in {run.path} learned nothing of hair. Expected one or "
            f"more of the tasks {', '.join(names)}; `{command}` trains one. "
            f"Received: tasks={list(learned)}"
        )
    return found


def _check_labels(portraits, hair_tasks):
    """Raises if there is nothing at all to compare."""
    hair = ", ".join(task.name for task in hair_tasks)
    for name, wanted in (
        (tasks.GENDER.name, [tasks.GENDER]),
        (hair, hair_tasks),
    ):
        labels = [portraits.labels[task.name] for task in wanted]
        if not (np.stack(labels) != tasks.MISSING).any():
            raise UserError(
                f"None of the {len(portraits):,} portraits has a label of "
                f"{name}. Expected some; name other portraits with --split or "
                f"--dataset. Received: {portraits.dataset}, "
                f"split={portraits.split}"
            )


def _has_twins(data_dir, dataset) -> bool:
    return _TWINS in builders.find_builder(data_dir, dataset).info.splits


def _measure(
    hair_tasks, labels, found, twins, settings, seed
) -> Iterator[tuple[tasks.Task, dict]]:
    """Yields the fields of all records, stage by stage."""
    stages = [
        (task, name, stage)
        for task in hair_tasks
        for name, stage in stages_of(
            task, labels, found, twins, settings, seed
        ).items()
    ]
    with tqdm.tqdm(stages, unit="stage", delay=2) as bar:
        for task, name, stage in bar:
            bar.set_description(f"{task.name}: {name}")
            for fields in stage():
                yield task, fields
