"""Evaluates the model of a run folder on a prepared data set."""

import functools
import os
import pathlib
from collections.abc import Iterator

from tp_keras.data import builders
from tp_keras.data import source
from tp_keras.data.schema import read_schema
from tp_keras.errors import UserError
from tp_keras.evaluation import places
from tp_keras.evaluation.calibration import calibration_records
from tp_keras.evaluation.calibration import fit_calibration
from tp_keras.evaluation.evaluator import evaluate_predictions
from tp_keras.evaluation.report import evaluation_report
from tp_keras.records.record import Record
from tp_keras.records.report import check_folder
from tp_keras.records.report import page_of
from tp_keras.records.report import write_report
from tp_keras.runs.run_folder import RunFolder


def evaluate_run(
    run_dir: str | os.PathLike,
    data_dir: str | os.PathLike | None = None,
    dataset: str | None = None,
    split: str = "test",
) -> tuple[list[Record], pathlib.Path]:
    """Evaluates a trained run on one data set; see `evaluate_parts`.

    Returns:
        Records and folder of the data set, of several the first.
    """
    return next(evaluate_parts(run_dir, data_dir, dataset, split))


def evaluate_parts(
    run_dir: str | os.PathLike,
    data_dir: str | os.PathLike | None = None,
    dataset: str | None = None,
    split: str = "test",
) -> Iterator[tuple[list[Record], pathlib.Path]]:
    """Evaluates a trained run and writes the figures into its folder.

    Args:
        run_dir: Folder of the run.
        data_dir: Folder of the prepared data sets; None: the run's own.
        dataset: Name of a prepared data set that has tasks of the run; None:
            each one that the run was trained on and that has some, one after
            the other.
        split: Split to evaluate, also a slice such as `"test[:100]"`.

    Yields:
        The records, and the folder in which they lie beside tables and plots:
        `<run_dir>/evaluation/<name>`, named by `places.name_of_portraits`.

    Raises:
        UserError: If run, data set or split is not there, or its labels are
            others than those of the run.
    """
    run = RunFolder(run_dir).require()
    data, seed = run.config.data, run.config.training.seed
    data_dir, datasets = data_dir or data.data_dir, (dataset,)
    if dataset is None:
        datasets = data.datasets
    learned = set(run.config.model.tasks or run.schema.task_names)
    if len(datasets) > 1:
        every = zip(
            datasets, builders.find_builders(data_dir, datasets), strict=True
        )
        known = {
            name: builder
            for name, builder in every
            if learned & set(read_schema(builder).task_names)
        }
        # What is missing of one is told before the others are measured.
        for builder in known.values():
            builders.count_portraits(builder, split)
        datasets = tuple(known)
    model = calibration = None
    for name in datasets:
        load = functools.partial(
            source.load_portraits, data_dir, name, storage=data.storage
        )
        portraits = load(split).seen_as(run.schema)
        if not learned & set(portraits.schema.task_names):
            raise UserError(
                f"Expected a data set with one or more of the tasks that "
                f"{run.path} learned, {', '.join(sorted(learned))}. Received: "
                f"{', '.join(portraits.schema.task_names)} of "
                f"{portraits.dataset}"
            )
        parent = run.path / "evaluation"
        folder = parent / places.name_of_portraits(
            parent / split,
            portraits,
            data.first,
            run.facts.get("fingerprints", {}),
            load,
        )
        check_folder(folder)
        if model is None:
            model = run.load_model()
            calibration = calibrate(run, model)
        answers = model.predict_answers(portraits.images)
        where = {"split": split, "dataset": portraits.dataset, "seed": seed}
        given = answers, portraits.labels, portraits.schema
        records = evaluate_predictions(*given, **where)
        records += calibration_records(*given, calibration, **where)
        write_report(
            folder,
            page_of(folder),
            records,
            functools.partial(evaluation_report, schema=portraits.schema),
            places.describe_portraits(portraits),
        )
        yield records, folder


def calibrate(run: RunFolder, model) -> dict[str, dict]:
    """Measures on a run's own validation split how sure its answers must be.

    Returns what `fit_calibration` does; nothing where that split is gone.
    """
    try:
        portraits = source.load_split(run.config.data, "validation")
        portraits = portraits.seen_as(run.schema)
    except UserError:
        return {}
    answers = model.predict_answers(portraits.images, verbose=0)
    return fit_calibration(answers, portraits.labels, model.tasks)
