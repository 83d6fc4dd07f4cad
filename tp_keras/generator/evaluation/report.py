"""Measures a generator of portraits, and writes it all."""

import dataclasses
import os
import pathlib
from collections.abc import Sequence

from tp_keras import files
from tp_keras.data.portraits import Portraits
from tp_keras.evaluation import places
from tp_keras.evaluation.report import RECORDS_NAME
from tp_keras.evaluation.report import TABLE_NAME
from tp_keras.generator.evaluation import page
from tp_keras.generator.evaluation import pictures
from tp_keras.generator.evaluation import plots
from tp_keras.generator.evaluation import table
from tp_keras.generator.evaluation.measurement import GenerationMeasurement
from tp_keras.generator.evaluation.picture_grid import PictureGrid
from tp_keras.generator.evaluation.settings import GenerationSettings
from tp_keras.records import record as records_lib
from tp_keras.records.record import Record

_TEST = "test"


def evaluate_generation(
    sampler,
    judge,
    training: Portraits,
    validation: Portraits,
    test: Portraits,
    settings: GenerationSettings | None = None,
    unseen: Portraits | None = None,
    more_spaces: Sequence = (),
    progress: bool = True,
) -> tuple[list[Record], dict[str, PictureGrid]]:
    """Measures a generator beside real portraits, blurred ones, eigenfaces.

    Args:
        sampler: `VaeSampler`, or what has its functions: `generate(labels,
            seed, temperature)`, `generate_standard_normal(labels, seed)`,
            `reconstruct(images, labels)`, `edit(images, labels, new_labels)`
            and `latent_means(images, labels)`. Images are uint8.
        judge: `Judge` that has seen neither `training` nor `test`.
        training: What the generator was trained on.
        validation: Real portraits that neither has been trained on.
        test: Real portraits to hold all against.
        settings: How it is measured; None: the defaults.
        unseen: Real portraits that the generator has not seen, as many as
            `training`, to tell copying from smoothness; the judge may know
            them. None leaves that figure out.
        more_spaces: What describes portraits beside the judge, by a `name` and
            `features`, such as `RandomNetwork`.
        progress: Whether to show a bar.

    Returns:
        The records, and the pictures by file name.

    Example:
        >>> records, grids = evaluate_generation(
        ...     VaeSampler(vae), judge, train, validation, test
        ... )
        >>> write_generation_report("out", "out.html", records, grids, settings)
    """
    settings = settings or GenerationSettings()
    measurement = GenerationMeasurement(
        sampler,
        judge,
        training,
        validation,
        test,
        settings,
        unseen,
        more_spaces,
    )
    records = [
        Record(
            seed=settings.seed,
            split=test.split,
            dataset=test.dataset,
            **fields,
        )
        for fields in measurement.measure(progress)
    ]
    return records, dict(pictures.make_pictures(measurement))


def write_generation_report(
    folder: str | os.PathLike,
    page_path: str | os.PathLike,
    records: list[Record],
    grids: dict[str, PictureGrid],
    settings: GenerationSettings,
    facts: dict | None = None,
) -> None:
    """Writes records, table and plots into `folder`, and the page of them.

    Folder and page appear whole or not at all. All but the pictures of
    portraits is made from the records as they stand in the file.

    Args:
        folder: Folder to write; an earlier one is replaced.
        page_path: HTML file to write.
        records: What was measured.
        grids: File name -> picture of portraits.
        settings: How it was measured.
        facts: What else a figure depends on, such as the judge's fingerprint;
            written into `measured.json` beside the settings.
    """
    with files.new_folder(folder) as aside:
        records_lib.write_records(aside / RECORDS_NAME, records)
        written = records_lib.read_records(aside / RECORDS_NAME)
        (aside / TABLE_NAME).write_text(
            table.full_report(written), encoding="utf-8"
        )
        measured = {"settings": dataclasses.asdict(settings), **(facts or {})}
        places.write_measured(aside, measured)
        plots.write_plots(aside, written, grids, settings)
        text = page.make_page(written, aside, settings)
    files.write_text(page_path, text)


def generation_folder(
    run_dir: str | os.PathLike, name: str = _TEST
) -> pathlib.Path:
    """Returns the folder that an evaluation of a run is written to.

    Args:
        run_dir: Folder of the run.
        name: Name of what it was held against, from `name_of_portraits`.
    """
    suffix = "" if name == _TEST else f"-{name}"
    return pathlib.Path(run_dir) / "evaluation" / f"generation{suffix}"


def generation_page(folder: str | os.PathLike) -> pathlib.Path:
    """Returns the page of a folder that an evaluation was written to."""
    folder = pathlib.Path(folder)
    return folder.parents[1] / f"{folder.name}.html"
