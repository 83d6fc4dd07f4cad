"""Evaluates the model of a run folder on a prepared data set."""

import functools
import os
import pathlib

from tp_keras.data import source
from tp_keras.errors import UserError
from tp_keras.evaluation import evaluator
from tp_keras.evaluation import places
from tp_keras.evaluation import report
from tp_keras.records.record import Record
from tp_keras.runs import run_folder as run_folder_lib


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
        dataset: Name of a prepared data set with the features of Tiny
            Portraits; None: the one that the run was trained on.
        split: Split to evaluate, also a slice such as `"test[:100]"`.

    Returns:
        The records, and the folder in which they lie beside tables and plots:
        `<run_dir>/evaluation/<split>` on the run's own data, and one that is
        named after the data set and its portraits on any other; see
        `places.name_of_portraits`.

    Raises:
        UserError: If the run, the data set or the split is not there, or if
            the split is empty.

    Example:
        >>> records, folder = evaluate_run("runs/demo")
        >>> print(table.headline_table(records))
    """
    run = run_folder_lib.RunFolder(run_dir).require()
    config = run.config
    load = functools.partial(
        source.load_portraits,
        data_dir or config.data.data_dir,
        dataset or config.data.dataset,
        storage=config.data.storage,
    )
    portraits = load(split)
    if not len(portraits.images):
        raise UserError(
            f"The split {split!r} of {portraits.dataset} holds no portraits. "
            "Expected at least one. Evaluate another one with --split."
        )
    probabilities = run.load_model().predict_answers(portraits.images)
    records = evaluator.evaluate_predictions(
        probabilities,
        portraits.labels,
        seed=config.training.seed,
        split=split,
        dataset=portraits.dataset,
    )
    parent = run.path / "evaluation"
    folder = parent / places.name_of_portraits(
        parent / split,
        portraits,
        config.data,
        run.facts.get("fingerprints", {}),
        load,
    )
    report.write_evaluation(
        folder, records, places.describe_portraits(portraits)
    )
    return records, folder
