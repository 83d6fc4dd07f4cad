"""From the folder of a generator's run to its evaluation."""

import os
import pathlib

from tp_keras.command_line import changed_flags
from tp_keras.command_line import command_line
from tp_keras.config import ExperimentConfig
from tp_keras.data.source import load_portraits
from tp_keras.errors import UserError
from tp_keras.evaluation import places
from tp_keras.generator.evaluation import judge_run
from tp_keras.generator.evaluation.judge import Judge
from tp_keras.generator.evaluation.random_network import RandomNetwork
from tp_keras.generator.evaluation.report import evaluate_generation
from tp_keras.generator.evaluation.report import generation_folder
from tp_keras.generator.evaluation.report import generation_page
from tp_keras.generator.evaluation.report import write_generation_report
from tp_keras.generator.evaluation.settings import GenerationSettings
from tp_keras.generator.evaluation.vae_sampler import VaeSampler
from tp_keras.generator.training.folder import VaeRunFolder
from tp_keras.records.record import Record
from tp_keras.runs.run_folder import RunFolder
from tp_keras.runs.trainer import Trainer
from tp_keras.tasks import TASK_NAMES

_TEST, _VALIDATION = "test", "validation"

# The judge of a run that nobody names lies in its folder.
_JUDGE = "judge"

# Far from the seeds that people take, so that no judge starts as the
# classifier that the generator's loss looks through.
_JUDGE_SEED = 7919


def evaluate_vae_run(
    run_dir: str | os.PathLike,
    judge_kind: ExperimentConfig,
    judge_dir: str | os.PathLike | None = None,
    split: str = _TEST,
    settings: GenerationSettings | None = None,
    progress: bool = True,
) -> tuple[list[Record], pathlib.Path]:
    """Evaluates the model of a run, after training a judge if there is none.

    Args:
        run_dir: Folder of the generator's run.
        judge_kind: Settings of a classifier to train as the judge.
        judge_dir: Folder of a judge's run; None: `judge` in that of the run,
            which is trained if it isn't there.
        split: Split that all is held against.
        settings: How it is measured; None: the defaults.
        progress: Whether to show bars and tell what happens.

    Returns:
        The records, and the folder in which they lie beside table and plots:
        `<run_dir>/evaluation/generation` for the test split of the training's
        data. The page of it is `generation_page(folder)`.

    Raises:
        UserError: If the run, the data or the judge are not there, or if the
            judge was trained on portraits that the generator has seen.
    """
    settings = settings or GenerationSettings()
    run = VaeRunFolder(run_dir).require()
    data = run.config.data

    def load(name):
        return load_portraits(
            data.data_dir, data.dataset, name, progress=progress
        )

    training = load(data.train_split)
    validation = load(data.part(_VALIDATION))
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
        **changed_flags(settings),
    )
    judge_folder, unseen = _judge(
        run, judge_kind, judge_dir, training, advice, progress
    )
    test = load(split)
    judge_run.require_unseen(training.indices, test.indices, split)
    classifier = judge_folder.load_model()
    judge = Judge(classifier, unseen.images, progress=progress)
    random_network = RandomNetwork(unseen.images, progress=progress)
    records, grids = evaluate_generation(
        VaeSampler(run.load_model(), progress),
        judge,
        training,
        validation,
        test,
        settings,
        unseen,
        [random_network],
        progress,
    )
    folder = generation_folder(
        run_dir,
        places.name_of_portraits(
            generation_folder(run_dir, split), test, data, fingerprints, load
        ),
    )
    write_generation_report(
        folder,
        generation_page(folder),
        records,
        grids,
        settings,
        {
            **places.describe_portraits(test),
            "judge": {
                "run": str(judge_folder.path),
                "fingerprint": judge.fingerprint,
                "training": judge_folder.facts.get("fingerprints", {}),
            },
            "random_network": {"fingerprint": random_network.fingerprint},
            "generator": {
                "training": training.fingerprint,
                "test": test.fingerprint,
            },
        },
    )
    return records, folder


def _judge(run, kind, judge_dir, training, advice, progress):
    """Returns a judge's run folder, and the portraits it was trained on."""
    data = run.config.data
    folder = RunFolder(run.path / _JUDGE if judge_dir is None else judge_dir)
    if judge_dir is None:
        config = judge_run.judge_config(kind, folder.path, data, _JUDGE_SEED)
        if not folder.is_finished:
            _say(
                progress,
                "Training a judge on the portraits that the generator has not "
                f"seen ({config.data.train_split}): {folder.path}",
            )
            folder = Trainer(config, progress).fit()
    folder.require()
    own = folder.config
    if own.data.dataset != data.dataset:
        raise UserError(
            "Expected a judge of the same data set as the generator's, "
            f"{data.dataset}; `{advice}` trains one. Received: a judge of "
            f"{own.data.dataset}"
        )
    if set(own.model.tasks) != set(TASK_NAMES):
        raise UserError(
            f"Expected a judge of the tasks {', '.join(TASK_NAMES)}; "
            f"`{advice}` trains one. Received: tasks={list(own.model.tasks)}"
        )

    def load(name):
        return load_portraits(
            data.data_dir, data.dataset, name, progress=progress
        )

    seen = load(own.data.train_split)
    folder.check_fingerprints({"train": seen.fingerprint})
    others = {"the generator": training.indices}
    if run.config.model.classifier_run:
        classifier = RunFolder(run.config.model.classifier_run)
        part = classifier.config.data.train_split
        others["the classifier of its loss"] = (
            training if part == data.train_split else load(part)
        ).indices
    judge_run.require_independent(seen.indices, others, advice)
    return folder, seen


def _say(progress, text):
    if progress:
        print(text, flush=True)
