"""From a finished run to a run of its own whose layers are made anew."""

import dataclasses
import os
import pathlib
import shutil

from tp_keras.config import POSTHOC_METHODS
from tp_keras.data.source import load_portraits
from tp_keras.errors import UserError
from tp_keras.fairness.posthoc import apply_posthoc
from tp_keras.run_folder import RunFolder

# What is no longer true of the new run, or has no meaning there.
_FACTS_LEFT_BEHIND = ("versions",)


def posthoc_run(
    source_run_dir: str | os.PathLike,
    run_dir: str | os.PathLike,
    method: str,
    progress: bool = True,
) -> RunFolder:
    """Applies a method to the model of a run, and writes a new run.

    The heads and erasers are fitted on the training and the validation
    portraits of the run; see `tp_keras.fairness.posthoc.apply_posthoc`. The
    new folder appears complete or not at all, the old one stays as it is, and
    whatever takes a run (evaluation, report, export) takes the new one.

    Args:
        source_run_dir: Folder of a finished run.
        run_dir: Folder to write. One that this function wrote from the same
            run with the same method is returned as it is.
        method: One of `tp_keras.config.POSTHOC_METHODS`.
        progress: Whether to show bars.

    Returns:
        The new run's folder.

    Raises:
        UserError: If the run isn't there, isn't finished or has been through
            a method already, its data is gone or another, or `run_dir` is
            taken.

    Example:
        >>> run = posthoc_run("runs/demo", "runs/erased", "conditional_leace")
        >>> run.config.debias.posthoc
        'conditional_leace'
    """
    if method not in POSTHOC_METHODS or method == "none":
        raise UserError(
            "Expected a method out of "
            f"{', '.join(POSTHOC_METHODS[1:])}. Received: method={method}"
        )
    source = RunFolder(source_run_dir).require()
    _check_source(source)
    run = RunFolder(run_dir)
    config = dataclasses.replace(
        source.config,
        run_dir=str(run_dir),
        debias=dataclasses.replace(source.config.debias, posthoc=method),
    )
    facts = {
        **{
            key: value
            for key, value in source.facts.items()
            if key not in _FACTS_LEFT_BEHIND
        },
        "posthoc": method,
        "source": source.path.resolve().name,
    }
    if run.path.exists() and any(run.path.iterdir()):
        _check_same(run, config, facts)
        return run

    portraits = _load(source, progress)
    classifier = apply_posthoc(
        source.load_model(),
        method,
        *portraits,
        seed=config.training.seed,
        verbose="auto" if progress else 0,
    )
    _write(run, source, config, classifier, facts)
    return run


def _check_source(source):
    if not source.is_finished:
        raise UserError(
            "The run is not finished. Expected one that was trained to its "
            "end; the command that started it resumes it. "
            f"Received: run_dir={source.path}"
        )
    if source.config.debias.posthoc != "none":
        raise UserError(
            "Expected a run as training left it. Received: run_dir="
            f"{source.path}, the outcome of {source.config.debias.posthoc} "
            f"on the run {source.facts.get('source')}"
        )


def _check_same(run, config, facts):
    """Raises unless `run` is what would be written."""
    run.claim(config)
    keys = ("source", "posthoc", "fingerprints", "seconds")
    if not run.is_finished or any(
        run.facts.get(key) != facts.get(key) for key in keys
    ):
        raise UserError(
            f"The folder {run.path} holds another run. Give another folder, "
            "or remove it to begin anew. Received: source="
            f"{facts['source']}, there {run.facts.get('source')}"
        )


def _load(source, progress):
    """Returns training and validation portraits, as they were in training."""
    data = source.config.data
    portraits = [
        load_portraits(
            data.data_dir, data.dataset, split, data.storage, progress
        )
        for split in ("train", "validation")
    ]
    source.check_fingerprints(
        {split.split: split.fingerprint for split in portraits}
    )
    return portraits


def _write(run, source, config, classifier, facts):
    path = pathlib.Path(run.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = RunFolder(path.with_name(f".{path.name}.{os.getpid()}.partial"))
    try:
        aside.claim(config)
        classifier.save(aside.model_path)
        if source.history_path.exists():
            shutil.copyfile(source.history_path, aside.history_path)
        aside.record(**facts)
        if path.exists():
            # An empty folder may be there; `rename` wants it gone.
            path.rmdir()
        aside.path.rename(path)
    finally:
        shutil.rmtree(aside.path, ignore_errors=True)
    # Once more: its README names the folder.
    run.record(**facts)
