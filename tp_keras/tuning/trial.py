"""One trial: a training of a number of seconds, and what it gave."""

import dataclasses
import multiprocessing
import shutil
import tempfile
import time
import traceback

import keras
import tensorflow as tf

from tp_keras.data.source import load_portraits
from tp_keras.export.folding import fold_batch_normalization
from tp_keras.export.formats.measure import measure_latencies
from tp_keras.export.signatures import constant_function
from tp_keras.fresh_process import FreshProcess
from tp_keras.runs.run_folder import RunFolder
from tp_keras.tuning.oracle import FULL_UNITS
from tp_keras.tuning.search_settings import SearchFolder
from tp_keras.tuning.search_space import NAMES
from tp_keras.tuning.time_budget import budget_of
from tp_keras.tuning.time_budget import train_for
from tp_keras.tuning.trial_result import COMPLETED
from tp_keras.tuning.trial_result import FAILED
from tp_keras.tuning.trial_result import TrialResult

_MEASURED_SECONDS = 0.5


class TrialRunner:
    """Runs the trials of a search in this process.

    Args:
        folder: `SearchFolder`, claimed.

    Raises:
        UserError: If the data is missing, or not that of earlier trials.
    """

    def __init__(self, folder: SearchFolder):
        self.folder = folder
        data = folder.settings.base.data
        # A process that trains beside others says nothing.
        progress = multiprocessing.parent_process() is None
        self.portraits = {
            split: load_portraits(*data.location(split), progress)
            for split in ("train", "validation")
        }
        folder.check_data(
            {s: rows.fingerprint for s, rows in self.portraits.items()}
        )
        self.process = FreshProcess()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.close()

    def run(self, trial_id: str, values: dict) -> TrialResult:
        """Trains and measures a choice, and writes down what it gave."""
        begin = time.monotonic()
        path = self.folder.trial_path(trial_id)
        facts = trial_facts(self.folder.settings, trial_id, values)
        try:
            figures = self._train(
                path, facts["values"], facts["budget_seconds"]
            )
            facts |= {"status": COMPLETED, **figures}
        except Exception as error:
            path.mkdir(parents=True, exist_ok=True)
            (path / "error.txt").write_text(traceback.format_exc())
            lines = str(error).strip().splitlines() or [""]
            message = f"{type(error).__name__}: {lines[0]}"
            facts |= {"status": FAILED, "message": message}
        finally:
            keras.utils.clear_session()  # Collects the garbage, too.
        result = TrialResult(**facts, seconds=time.monotonic() - begin)
        result.write(path)
        return result

    def _train(self, path, chosen, budget_seconds):
        """Returns the figures of a trial, by the names of a `TrialResult`."""
        settings = self.folder.settings
        config = settings.space.config(settings.base, chosen)
        # A trial that was cut short begins anew: its time is gone.
        shutil.rmtree(path / "run", ignore_errors=True)
        config = dataclasses.replace(config, run_dir=str(path / "run"))
        run, step_seconds = train_for(config, self.portraits, budget_seconds)
        model = run.load_model()
        return {
            **figures_of(run, model.tasks),
            "latency_ms": 1e3 * measure_latency(model, self.process),
            "images_per_second": config.training.batch_size / step_seconds,
        }


_runners: dict[str, TrialRunner] = {}


def run_trial(path, trial_id: str, values: dict) -> TrialResult:
    """Runs a trial of the search at `path`; see `TrialRunner.run`.

    For processes beside each other: what the first trial has loaded stays.
    """
    runner = _runners.get(path)
    if runner is None:
        runner = _runners[path] = TrialRunner(SearchFolder(path))
    return runner.run(trial_id, values)


def end_trials() -> None:
    """Lets go of what `run_trial` keeps: a process ends after its own ones."""
    while _runners:
        _runners.popitem()[1].__exit__()


def measure_latency(classifier, process: FreshProcess) -> float:
    """Returns the median seconds that a portrait takes as it is served.

    The threads of TensorFlow are settled when it starts, and training needs
    all of them: so another process measures, on a single one. What is timed is
    what is exported of a `PortraitClassifier`: the embedding too, batch
    normalisation folded, the weights constants of the graph.
    """
    model = fold_batch_normalization(classifier.inference_model())
    shape = classifier.schema.image_shape
    with tempfile.TemporaryDirectory() as folder:
        function = constant_function(model)
        tf.saved_model.save(tf.Module(), folder, signatures=function)
        found = process.call(
            *(measure_latencies, {"saved_model": folder}, shape),
            *(_MEASURED_SECONDS, 1, (1,)),
        )
    return found["saved_model"][1]


def trial_facts(settings, trial_id: str, values: dict) -> dict:
    """Returns what is known of a trial before it runs, for its `TrialResult`.

    What keras-tuner calls an epoch (`tuner/epochs`, the resource of Hyperband)
    is a share of the time budget.
    """
    chosen = {name: values[name] for name in NAMES if name in values}
    return {
        "trial_id": trial_id,
        "values": chosen,
        "backbone": settings.space.backbone(chosen),
        "budget_seconds": budget_of(
            settings.budget_seconds,
            values.get("tuner/epochs", FULL_UNITS),
            FULL_UNITS,
        ),
    }


def figures_of(run: RunFolder, tasks) -> dict:
    """Returns the figures of a finished run, as its best epoch gave them."""
    facts = run.facts
    best = run.read_history()[facts["best_epoch"] - 1]
    return {
        "score": facts["best_score"],
        "accuracies": {
            task.name: best[f"val_{task.name}_accuracy"] for task in tasks
        },
        "parameters": facts["parameters"],
        "epochs": facts["epochs"],
        "examples_seen": facts["examples_seen"],
        "train_seconds": facts["seconds"],
    }
