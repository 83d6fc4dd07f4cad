"""Measures a run's guarded tasks against its groups, and writes it all."""

import dataclasses
import functools
import os
import pathlib
from collections.abc import Iterator

import numpy as np
import tqdm

from tp_keras.command_line import train_command
from tp_keras.data import builders
from tp_keras.data import source
from tp_keras.data.labels import is_known
from tp_keras.data.labels import strata
from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError
from tp_keras.evaluation import metrics
from tp_keras.evaluation import places
from tp_keras.fairness import group_figures
from tp_keras.fairness import page
from tp_keras.fairness import plots
from tp_keras.fairness import representations
from tp_keras.fairness.group_counts import GroupAnswers
from tp_keras.fairness.group_neighbors import measure_neighbors
from tp_keras.fairness.leakage import measure_leakage
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records import report as report_lib
from tp_keras.records.record import Record
from tp_keras.runs.run_folder import RunFolder
from tp_keras.tasks import Task

# The split of portraits of `test` with the cues of another group.
TWINS = "counterfactual"

_DEFAULTS = FairnessSettings()


def run_fairness_report(
    run_dir: str | os.PathLike,
    data_dir: str | os.PathLike | None = None,
    dataset: str | None = None,
    split: str = "test",
    settings: FairnessSettings = _DEFAULTS,
) -> tuple[list[Record], pathlib.Path]:
    """Measures the guarded tasks of a run and writes figures, plots and a page.

    The embedding of a task is the part that its head reads, so that one task
    isn't blamed for what another knows. `data_dir` is the folder of the
    prepared data sets, and `dataset` one of them with the protected task and a
    guarded one; None: the run's own. The split may be a slice: `"test[:100]"`.

    Returns:
        The records, and the folder in which they lie beside table and plots:
        `<run_dir>/fairness/<name>`, named by `places.name_of_portraits`.

    Raises:
        UserError: If run, guarded tasks, data set, split or labels are not
            there.
    """
    run = RunFolder(run_dir).require()
    require_guarded(run)
    data = run.config.data.first
    location = data_dir or data.data_dir, dataset or data.dataset
    load = functools.partial(
        source.load_portraits, *location, storage=data.storage
    )
    loaded = load(split)
    parent, prints = run.path / "fairness", run.facts.get("fingerprints", {})
    folder = parent / places.name_of_portraits(
        parent / split, loaded, data, prints, load
    )
    report_lib.check_folder(folder)
    portraits = loaded.seen_as(run.schema)
    classifier = run.load_model()
    guarded = _measured_tasks(classifier, portraits)
    found, twins = representations.represent(classifier, portraits.images), None
    splits = builders.find_builder(*location).info.splits
    if split.startswith("test") and TWINS in splits:
        pairs = portraits, load(TWINS)
        twins = representations.represent_twins(classifier, *pairs)
    seed = run.config.training.seed
    where = {"seed": seed, "split": split, "dataset": portraits.dataset}
    arguments = portraits, found, twins, settings, seed
    stages = [
        (task.name, name, fields)
        for task in guarded
        for name, fields in measure_task(task, *arguments).items()
    ]
    records, neighbors = [], {}
    with tqdm.tqdm(stages, unit="stage", delay=2) as bar:
        for task, name, stage in bar:
            bar.set_description(f"{task}: {name}")
            records += [Record(task=task, **where, **part) for part in stage]
    for task in guarded:
        columns = strata(task, portraits.labels[task.name]), portraits.groups
        rows = plots.choose_neighbors(*columns, found.embedding(task), seed)
        if rows is not None:
            neighbors[task.name] = plots.draw_neighbors(portraits, task, rows)
    facts = {"settings": dataclasses.asdict(settings)}
    shown = portraits.schema, neighbors, settings
    report_lib.write_report(
        folder,
        report_lib.page_of(folder),
        records,
        lambda written: page.make_report(written, *shown),
        facts | places.describe_portraits(loaded),
    )
    return records, folder


def require_guarded(run: RunFolder) -> None:
    """Raises `UserError` unless a run learned something guarded."""
    schema = run.schema
    learned = run.config.model.tasks or schema.task_names
    if schema.protected is None or not schema.guarded:
        raise UserError(
            "Expected a run on data with a protected task and guarded ones. "
            f"Received: {run.path}, protected={schema.protected}, "
            f"guarded={', '.join(schema.guarded) or 'none'}"
        )
    if not set(schema.guarded) & set(learned):
        tasks = schema.protected, *schema.guarded
        command = train_command(run.config.data, run_dir="FOLDER", tasks=tasks)
        raise UserError(
            f"The run in {run.path} learned no guarded task. Expected one or "
            f"more of {', '.join(schema.guarded)}; `{command}` trains them. "
            f"Received: tasks={list(learned)}"
        )


def _measured_tasks(classifier, portraits: Portraits) -> list[Task]:
    """Returns the guarded tasks with labels, or raises if there are none."""
    guarded = [
        task
        for task in portraits.schema.guarded_tasks
        if task.name in classifier.embedding_parts
        and is_known(task, portraits.labels[task.name]).any()
    ]
    names = ", ".join(classifier.embedding_parts)
    if not (portraits.groups >= 0).any():
        guarded, names = [], classifier.schema.protected
    if not guarded:
        raise UserError(
            f"None of the {len(portraits):,} portraits has a label of {names}. "
            "Expected some; name other portraits with --split or --dataset. "
            f"Received: {portraits.dataset}, split={portraits.split}"
        )
    return guarded


def measure_task(
    task: Task,
    portraits: Portraits,
    found: representations.Representations,
    twins: tuple[np.ndarray, representations.Representations] | None,
    settings: FairnessSettings,
    seed: int,
    embedding_only: bool = False,
) -> dict[str, Iterator[dict]]:
    """Returns what is measured of a guarded task against the groups.

    That is kind -> fields of records, measured as they are asked for. `found`
    and `twins` are what `represent` and `represent_twins` returned. With
    `embedding_only` no layer is probed but the one that the head reads.
    """
    head, name = portraits.schema.protected_task, task.name
    pair = portraits.labels[name], found.predictions[name]
    answers = GroupAnswers(task, *pair, portraits.groups, head)
    embedding, layers = found.embedding(task), found.layers[name]
    if embedding_only:
        layers = {representations.embedding_name(task): embedding}
    accuracy = None
    if head.name in found.predictions:
        pair = answers.groups, found.predictions[head.name]
        counts = metrics.confusion_matrix(*pair, head.num_classes)
        supported = counts.sum(-1) >= settings.min_count
        if supported.any():
            accuracy = metrics.recall(counts)[supported].mean()
    common = settings, seed
    stages = {
        "groups": group_figures.measure_groups(answers, *common),
        "leakage": measure_leakage(answers, layers, *common, accuracy),
        "neighbours": measure_neighbors(answers, embedding, *common),
    }
    if twins is not None:
        pairs = answers, twins[0], twins[1].predictions[name]
        stages["counterfactuals"] = group_figures.measure_flips(*pairs)
    return stages
