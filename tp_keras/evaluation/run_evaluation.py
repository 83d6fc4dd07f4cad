"""Evaluates the model of a run folder on a prepared data set."""

import os
import pathlib
import re

from tp_keras import run_folder as run_folder_lib
from tp_keras.data import source
from tp_keras.errors import UserError
from tp_keras.evaluation import evaluator
from tp_keras.evaluation import report
from tp_keras.evaluation.records import Record


def evaluate_run(
    run_dir: str | os.PathLike,
    data_dir: str | os.PathLike | None = None,
    dataset: str | None = None,
    split: str = "test",
) -> list[Record]:
    """Evaluates a trained run and writes the figures into its folder.

    Args:
        run_dir: Folder of the run.
        data_dir: Folder of the prepared data sets; None: the run's own.
        dataset: Name of a prepared data set with the features of Tiny
            Portraits; None: the one that the run was trained on.
        split: Split to evaluate, also a slice such as `"test[:100]"`.

    Returns:
        The records, which also lie in `evaluation_folder(...)`.

    Raises:
        UserError: If the run, the data set or the split is not there, or if
            the split is empty.

    Example:
        >>> records = evaluate_run("runs/demo")
        >>> print(table.headline_table(records))
    """
    run = run_folder_lib.RunFolder(run_dir).require()
    config = run.config
    folder = evaluation_folder(run_dir, data_dir, dataset, split)
    portraits = source.load_portraits(
        data_dir or config.data.data_dir,
        dataset or config.data.dataset,
        split,
        storage=config.data.storage,
    )
    if not len(portraits.images):
        raise UserError(
            f"The split {split!r} of {portraits.dataset} holds no portraits. "
            "Expected at least one. Evaluate another one with --split."
        )
    probabilities = run.load_model().predict_probabilities(portraits.images)
    records = evaluator.evaluate_predictions(
        probabilities,
        portraits.labels,
        seed=config.training.seed,
        split=split,
        dataset=portraits.dataset,
    )
    report.write_evaluation(folder, records)
    return records


def evaluation_folder(
    run_dir: str | os.PathLike,
    data_dir: str | os.PathLike | None = None,
    dataset: str | None = None,
    split: str = "test",
) -> pathlib.Path:
    """Returns the folder that `evaluate_run` writes for these arguments.

    That is `<run_dir>/evaluation/<split>` on the run's own data, and
    `<run_dir>/evaluation/<dataset>-<split>` on any other.
    """
    name = name_of_data(run_dir, data_dir, dataset, split)
    return pathlib.Path(run_dir) / "evaluation" / name


def name_of_data(
    run_dir: str | os.PathLike,
    data_dir: str | os.PathLike | None = None,
    dataset: str | None = None,
    split: str = "test",
) -> str:
    """Returns the name of a folder of figures on these data.

    The split alone on the run's own data, after the data set on any other.
    """
    own = run_folder_lib.RunFolder(run_dir).config.data
    dataset = dataset or own.dataset
    data_dir = pathlib.Path(data_dir or own.data_dir)
    name = split
    if dataset != own.dataset or not _same(data_dir, own.data_dir):
        # Asked of the data: a folder of one version needs no name.
        builder = source.find_builder(data_dir, dataset)
        name = f"{builder.info.full_name}-{split}"
    # Slashes and brackets as in "tiny_portraits/archives" and "test[:100]".
    return re.sub(r"[^\w.+-]", "-", name)


def _same(first, second) -> bool:
    return pathlib.Path(first).resolve() == pathlib.Path(second).resolve()
