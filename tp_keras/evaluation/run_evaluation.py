"""Evaluates the model of a run folder on a prepared data set."""

import functools
import os
import pathlib

from tp_keras.data import source
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
    """Evaluates a trained run and writes the figures into its folder.

    Args:
        run_dir: Folder of the run.
        data_dir: Folder of the prepared data sets; None: the run's own.
        dataset: Name of a prepared data set that has tasks of the run; None:
            the one that the run was trained on.
        split: Split to evaluate, also a slice such as `"test[:100]"`.

    Returns:
        The records, and the folder in which they lie beside tables and plots:
        `<run_dir>/evaluation/<name>`, named by `places.name_of_portraits`.

    Raises:
        UserError: If run, data set or split is not there, or its labels are
            others than those of the run.
    """
    run = RunFolder(run_dir).require()
    config = run.config
    load = functools.partial(
        source.load_portraits,
        data_dir or config.data.data_dir,
        dataset or config.data.dataset,
        storage=config.data.storage,
    )
    portraits = load(split).seen_as(run.schema)
    parent = run.path / "evaluation"
    folder = parent / places.name_of_portraits(
        parent / split,
        portraits,
        config.data,
        run.facts.get("fingerprints", {}),
        load,
    )
    check_folder(folder)

    model = run.load_model()
    answers = model.predict_answers(portraits.images)
    where = {"split": split, "dataset": portraits.dataset}
    where["seed"] = config.training.seed
    records = evaluate_predictions(
        answers, portraits.labels, portraits.schema, **where
    )
    records += calibration_records(
        answers,
        portraits.labels,
        portraits.schema,
        calibrate(run, model),
        **where,
    )
    write_report(
        folder,
        page_of(folder),
        records,
        lambda written: evaluation_report(written, portraits.schema),
        places.describe_portraits(portraits),
    )
    return records, folder


def calibrate(run: RunFolder, model) -> dict[str, dict]:
    """Measures on a run's own validation split how sure its answers must be.

    Returns what `fit_calibration` does; nothing where that split is gone.
    """
    try:
        location = run.config.data.location("validation")
        portraits = source.load_portraits(*location).seen_as(run.schema)
    except UserError:
        return {}
    answers = model.predict_answers(portraits.images, verbose=0)
    return fit_calibration(answers, portraits.labels, model.tasks)
