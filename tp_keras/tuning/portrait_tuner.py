"""Runs the trials that an oracle chooses."""

import contextlib
import dataclasses
import io
import json
import pathlib
import shutil
import time
import traceback

import keras
import keras_tuner

from tp_keras.runs.callbacks import SCORE
from tp_keras.runs.run_folder import RunFolder
from tp_keras.tuning.oracle import FULL_UNITS
from tp_keras.tuning.oracle import is_worker
from tp_keras.tuning.oracle import make_oracle
from tp_keras.tuning.search_settings import SearchFolder
from tp_keras.tuning.search_settings import write_json
from tp_keras.tuning.search_space import NAMES
from tp_keras.tuning.time_budget import budget_of
from tp_keras.tuning.time_budget import train_for
from tp_keras.tuning.trial_result import COMPLETED
from tp_keras.tuning.trial_result import FAILED
from tp_keras.tuning.trial_result import TrialResult
from tp_keras.tuning.trial_result import read_result

# A trial that ends its process, for want of memory, would do so for ever.
_MOST_ATTEMPTS = 3

# A waiting worker asks again and again.
_PAUSE_SECONDS = 0.1


class PortraitTuner(keras_tuner.engine.base_tuner.BaseTuner):
    """A tuner whose trials are training runs of a number of seconds.

    What keras-tuner calls an epoch (`tuner/epochs`, the resource of
    Hyperband) is a share of the time budget.

    Args:
        folder: `SearchFolder`, claimed.
        portraits: Dict: split -> `Portraits`; not needed by a chief.
        meter: `LatencyMeter`; not needed by a chief.
        on_result: Function of a `TrialResult`, called after each trial.
    """

    def __init__(self, folder: SearchFolder, portraits, meter, on_result=None):
        self.folder = folder
        self.settings = folder.settings
        self.portraits = portraits
        self.meter = meter
        self.on_result = on_result
        with contextlib.redirect_stdout(io.StringIO()):  # "Reloading ..."
            super().__init__(
                make_oracle(self.settings),
                directory=str(folder.path),
                project_name="oracle",
            )

    def pre_create_trial(self):
        """Gives a chief that has nothing to do yet some rest."""
        time.sleep(_PAUSE_SECONDS)

    def run_trial(self, trial):
        """Trains the choice of a trial, and writes down what it gave.

        Returns:
            Dict of the score.

        Raises:
            keras_tuner.errors.FailedTrialError: If it failed; keras-tuner
                goes on with the next.
        """
        path = self.folder.trial_path(trial.trial_id)
        # Known already, if the process ended between training and telling.
        result = read_result(path) or self._run(trial, path)
        if self.on_result is not None:
            self.on_result(result)
        if not result.is_completed:
            raise keras_tuner.errors.FailedTrialError(result.message)
        return {SCORE: result.score}

    def _run(self, trial, path):
        begin = time.monotonic()
        values = trial.hyperparameters.values
        chosen = {name: values[name] for name in NAMES if name in values}
        facts = {
            "trial_id": trial.trial_id,
            "values": chosen,
            "backbone": self.settings.space.backbone(chosen),
            "budget_seconds": budget_of(
                self.settings.budget_seconds,
                values.get("tuner/epochs", FULL_UNITS),
                FULL_UNITS,
            ),
        }
        try:
            with _counted_attempt(path):
                figures = self._train(path, chosen, facts["budget_seconds"])
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
        config = self.settings.space.config(self.settings.base, chosen)
        # A trial that was cut short has no backup.
        shutil.rmtree(path / "run", ignore_errors=True)
        config = dataclasses.replace(config, run_dir=str(path / "run"))
        run, step_seconds = train_for(config, self.portraits, budget_seconds)
        model = run.load_model()
        return {
            **figures_of(run, model.tasks),
            "latency_ms": self.meter.measure(model),
            "images_per_second": config.training.batch_size / step_seconds,
        }

    def save(self):
        """Saves the oracle, where it lives."""
        if not is_worker():
            self.oracle.save()
            write_json(self._get_tuner_fname(), self.get_state())

    def _get_tuner_fname(self):
        # One name for all: a search may go on with or without workers.
        return str(pathlib.Path(self.project_dir) / "tuner.json")


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


@contextlib.contextmanager
def _counted_attempt(path):
    """Counts the attempts that end the process itself.

    Raises:
        RuntimeError: If there were too many.
    """
    path.mkdir(parents=True, exist_ok=True)
    file = path / "attempts.json"
    attempts = json.loads(file.read_text()) if file.exists() else 0
    if attempts >= _MOST_ATTEMPTS:
        raise RuntimeError(
            f"The process ended {attempts} times in this trial; out of memory?"
        )
    write_json(file, attempts + 1)
    # Not after a kill: whatever comes here is no such end.
    try:
        yield
    finally:
        file.unlink()
