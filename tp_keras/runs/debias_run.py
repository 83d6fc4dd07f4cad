"""From a finished run to a debiased run of its own."""

import dataclasses
import os
import shutil
import time

from tp_keras import files
from tp_keras.config import config_differences
from tp_keras.data.source import load_split
from tp_keras.debias_config import DebiasConfig
from tp_keras.debiasing.after_training import debias_classifier
from tp_keras.errors import UserError
from tp_keras.runs.run_folder import RunFolder


def debias_run(
    source_run_dir: str | os.PathLike,
    run_dir: str | os.PathLike,
    settings: DebiasConfig,
    *,
    features=None,
    progress: bool = True,
) -> RunFolder:
    """Debiases the model of a finished run, and writes a new run.

    Guarded layers are trained anew on the run's trunk, erasers and heads are
    fitted on its training and validation portraits. The new folder appears
    complete or not at all, the old one stays as it is, and whatever takes a run
    (evaluation, report, export) takes the new one.

    Args:
        source_run_dir: Folder of a finished run.
        run_dir: Folder to write. One that this function wrote from the same
            run with the same settings is returned as it is.
        settings: `DebiasConfig`. Of a run whose training was debiased, only
            `posthoc` can be added.
        features: `TrunkFeatures` of the run's training portraits, or None to
            compute them where they are needed.
        progress: Whether to show bars.

    Raises:
        UserError: If the run isn't there, isn't finished or has been through
            this already, its data is gone or another, or `run_dir` is taken.

    Example:
        >>> settings = DebiasConfig(debias="conditional_grl")
        >>> run = debias_run("runs/demo", "runs/debiased", settings)
    """
    source = RunFolder(source_run_dir).require()
    config = dataclasses.replace(
        source.config, run_dir=str(run_dir), debias=settings
    )
    applied = _check_source(source, settings)
    run = RunFolder(run_dir)
    facts = {**source.facts, "source": source.path.resolve().name}
    del facts["versions"]  # Those of now are noted.
    with files.only_one(run.path):
        if run.path.exists() and files.visible(run.path):
            _check_same(run, config, facts)
            return run

        begin = time.monotonic()
        classifier = debias_classifier(
            source.load_model(),
            dataclasses.replace(config, debias=applied),
            *_load(source, progress),
            features=features,
            progress=progress,
        )
        facts["debias_seconds"] = round(time.monotonic() - begin, 1)
        facts["parameters"] = classifier.inference_model().count_params()
        with files.new_folder(run.path) as folder:
            aside = RunFolder(folder)
            aside.claim(config)
            aside.save_model(classifier)
            if source.history_path.exists():
                shutil.copyfile(source.history_path, aside.history_path)
            aside.record(**facts)
        # Once more: its README names the folder.
        run.record(**facts)
    return run


def _check_source(source, settings) -> DebiasConfig:
    """Returns what of the settings is still to be done."""
    if not source.is_finished:
        raise UserError(
            "The run is not finished. Expected one that was trained to its "
            "end; the command that started it resumes it. "
            f"Received: run_dir={source.path}"
        )
    done = source.config.debias
    if done.posthoc != "none":
        raise UserError(
            "Expected a run as training left it. Received: run_dir="
            f"{source.path}, the outcome of {done.posthoc}"
        )
    applied = settings
    if done.debias != "none":
        if dataclasses.replace(settings, posthoc="none") != done:
            raise UserError(
                f"The training of {source.path} was debiased already, so only "
                "posthoc can be added, to the same settings. Received (there "
                "against here): "
                + "; ".join(config_differences(done, settings, ("posthoc",)))
            )
        applied = dataclasses.replace(settings, debias="none")
    if not applied.has_second_stage:
        raise UserError(
            "There is nothing to do. Expected a debias with debias_scope="
            "branch, or a posthoc, other than none. Received: "
            f"debias={applied.debias}, debias_scope={applied.debias_scope}, "
            f"posthoc={applied.posthoc}"
        )
    return applied


def _check_same(run, config, facts):
    run.claim(config)
    keys = ("source", "fingerprints", "seconds")
    if not run.is_finished or any(
        run.facts.get(key) != facts.get(key) for key in keys
    ):
        raise UserError(
            f"The folder {run.path} holds another run. Give another folder, "
            "or remove it to begin anew. Received: source="
            f"{facts['source']}, there {run.facts.get('source')}"
        )


def _load(source, progress):
    """Returns the portraits of both splits, those that the run has seen."""
    data = source.config.data
    portraits = {
        split: load_split(data, split, progress)
        for split in ("train", "validation")
    }
    source.check_fingerprints({k: v.fingerprint for k, v in portraits.items()})
    return portraits.values()
