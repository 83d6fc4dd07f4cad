"""From the folder of a generator's run to its evaluation."""

import dataclasses
import functools
import os
import pathlib
from collections.abc import Sequence

import numpy as np

from tp_keras.command_line import changed_flags
from tp_keras.command_line import command_line
from tp_keras.data.source import load_portraits
from tp_keras.errors import UserError
from tp_keras.evaluation import places
from tp_keras.generator.config import GenerationSettings
from tp_keras.generator.evaluation.independent import open_judges
from tp_keras.generator.evaluation.independent import require_other
from tp_keras.generator.evaluation.judge import Judge
from tp_keras.generator.evaluation.judge import RandomNetwork
from tp_keras.generator.evaluation.judge_run import open_judge
from tp_keras.generator.evaluation.measurement import GenerationMeasurement
from tp_keras.generator.evaluation.pictures import draw_pictures
from tp_keras.generator.evaluation.report import make_report
from tp_keras.generator.evaluation.rivals import read_rivals
from tp_keras.generator.evaluation.rivals import rival_folders
from tp_keras.generator.evaluation.vae_sampler import VaeSampler
from tp_keras.generator.training.folder import VaeRunFolder
from tp_keras.records.record import Record
from tp_keras.records.report import check_folder
from tp_keras.records.report import page_of
from tp_keras.records.report import write_report
from tp_keras.tasks import Schema

_TEST, _VALIDATION = "test", "validation"
_FOLDER = "generation"


def evaluate_vae_run(
    run_dir: str | os.PathLike,
    judge_dir: str | os.PathLike | None = None,
    split: str = _TEST,
    settings: GenerationSettings | None = None,
    progress: bool = True,
    independent_runs: Sequence[str | os.PathLike] = (),
    rivals: Sequence[str] = (),
) -> tuple[list[Record], pathlib.Path, Schema]:
    """Evaluates the model of a run, after training a judge if there is none.

    The judge's run is `judge` in the generator's if no other folder is given;
    all is held against a split. Independent runs are classifiers of other data
    sets, see `require_other`; rivals are folders of other generators'
    portraits, see `rival_folders`. Returns the records, their folder
    (`<run_dir>/generation/test` for the test split; its page is
    `page_of(folder)`), and the schema of the portraits.

    Raises:
        UserError: If the run, the data or a judge are not there, if the judge
            was trained on portraits that the generator has seen, or an
            independent one is none, or if a rival has too few portraits, or
            others than the generator's.
    """
    settings = settings or GenerationSettings()
    run = VaeRunFolder(run_dir).require()
    data = run.config.data
    others, folders = (
        require_other(independent_runs, run),
        rival_folders(rivals),
    )

    def load(name):
        return load_portraits(
            data.data_dir, data.dataset, name, progress=progress
        )

    training, validation = load(data.train_split), load(data.part(_VALIDATION))
    fingerprints = {
        "train": training.fingerprint,
        _VALIDATION: validation.fingerprint,
    }
    run.check_fingerprints(fingerprints)
    # What trains a judge beside all that was given but one.
    advice = command_line(
        "training.evaluate_vae",
        run_dir=run.path,
        **({} if split == _TEST else {"split": split}),
        **{
            name: tuple(words)
            for name, words in (
                ("independent_runs", independent_runs),
                ("rivals", rivals),
            )
            if words
        },
        **changed_flags(settings),
    )
    test = load(split)
    read = read_rivals(
        folders, training.schema, min(len(test), settings.max_test)
    )
    judge_run, unseen = open_judge(run, judge_dir, training, advice, progress)
    parent = run.path / _FOLDER
    folder = parent / places.name_of_portraits(
        parent / split, test, data, fingerprints, load
    )
    check_folder(folder)
    shared = np.intersect1d(training.indices, test.indices)
    if len(shared):
        raise UserError(
            "The generator was trained on portraits that it would be compared "
            "with. Expected another --split, such as test. Received: "
            f"split={split}, {len(shared):,} shared portraits"
        )
    judge = Judge(judge_run.load_model(), unseen.images)
    sampler = VaeSampler(run.load_model(), progress)
    portraits = training, validation, test, unseen
    spaces = [RandomNetwork(unseen.images)]
    measurement = GenerationMeasurement(
        sampler,
        judge,
        *portraits,
        settings,
        spaces,
        open_judges(others, unseen.images),
        read,
    )
    own = {"seed": settings.seed, "split": test.split, "dataset": test.dataset}
    records = [Record(**own, **one) for one in measurement.measure(progress)]
    report = functools.partial(
        make_report,
        schema=training.schema,
        settings=settings,
        pictures=draw_pictures(measurement),
    )
    measured = {
        **places.describe_portraits(test),
        "settings": dataclasses.asdict(settings),
        "judge": _describe(judge_run),
        "independent": [_describe(folder) for folder in others],
        "rivals": {name: str(path) for name, path in folders.items()},
        "generator": {"training": training.fingerprint},
    }
    write_report(folder, page_of(folder), records, report, measured)
    return records, folder, training.schema


def _describe(run):
    return {
        "run": str(run.path),
        "training": run.facts.get("fingerprints", {}),
    }
