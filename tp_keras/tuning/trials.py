"""The trials of a search: given out, lost, given again, and ended once."""

import contextlib
import threading
import time

from tqdm import tqdm

from tp_keras.config import config_from_dict
from tp_keras.errors import UserError
from tp_keras.files import write_json
from tp_keras.runs.score import SCORE
from tp_keras.tuning.oracle import make_oracle
from tp_keras.tuning.search_settings import SearchFolder
from tp_keras.tuning.search_settings import SearchSettings
from tp_keras.tuning.trial import FAILED
from tp_keras.tuning.trial import TrialResult
from tp_keras.tuning.trial import read_result
from tp_keras.tuning.trial import result_from_dict
from tp_keras.tuning.trial import trial_facts

# A trial that ends its process, for want of memory, would do so for ever.
_MOST_ATTEMPTS = 3

# What a worker is told: to train, to ask again, or to end.
RUNNING, IDLE, STOPPED = "RUNNING", "IDLE", "STOPPED"


class Trials:
    """Gives out the trials of a search, whose folder is claimed.

    Workers are names; each has one trial at a time, and gives a sign of itself
    at least every `patience` seconds, else another gets its trial. Whoever ends
    a trial first has the word. Arguments and answers are what JSON knows, so
    that workers may be on other hosts. Threads may share it.
    """

    def __init__(self, folder: SearchFolder, bar: tqdm, patience=60.0):
        self.folder, self.patience = folder, patience
        self.oracle = make_oracle(folder.settings, folder.path)
        self._bar, self._lock = bar, threading.RLock()
        self._seen: dict[str, float] = {}
        self._is_over = False

    @property
    def is_done(self) -> bool:
        """Whether all trials have ended, and every worker knows or is gone."""
        with self._lock:
            over = self._is_over or self.oracle.is_used_up
            return over and not any(map(self._is_here, self._seen))

    def check_settings(self, settings: dict) -> None:
        """Raises `UserError` unless a worker was given the same search."""
        given = config_from_dict(SearchSettings, settings)
        self.folder.check_settings(given)

    def check_data(self, fingerprints: dict) -> None:
        """Raises `UserError` unless a worker has the same portraits."""
        with self._lock:
            self.folder.check_data(fingerprints)

    def take(self, worker: str) -> dict:
        """Returns a `status`, and of a trial to run `trial_id`, `values`.

        Who is told to stop needn't come again. That is when all trials have
        ended: as long as one runs it may get lost.
        """
        with self._lock:
            self._note(worker)
            for other in [*self.oracle.ongoing_trials]:
                if not self._is_here(other):
                    self._bar.write(
                        f"No sign of worker {other} for {self.patience:g} s; "
                        "its trial is given to another."
                    )
                    self.oracle.release(other)
            while True:
                trial = self.oracle.create_trial(worker)
                if trial.status == STOPPED and not self.oracle.ongoing_trials:
                    self._is_over = True
                    del self._seen[worker]
                    return {"status": STOPPED}
                if trial.status != RUNNING:
                    return {"status": IDLE}
                values = trial.hyperparameters.values
                result = self._begin(trial.trial_id, values)
                if result is None:
                    return {
                        "status": RUNNING,
                        "trial_id": trial.trial_id,
                        "values": values,
                    }
                self._end(result)

    def at_work(self, worker: str, trial_id: str):
        """Returns a context for a trial that runs in this process."""
        return contextlib.nullcontext()

    def sign(self, worker: str, trial_id: str) -> None:
        """Notes that a worker is at work on a trial."""
        with self._lock:
            self._note(worker)
            # A chief that was started again knows of nobody.
            self.oracle.claim(worker, trial_id)

    def end(self, worker: str, result: dict) -> None:
        """Writes down what a trial gave, as a `TrialResult` has it."""
        with self._lock:
            self._note(worker)
            self._end(result_from_dict({**result, "worker": worker}))

    def give_back(self, worker: str) -> None:
        """Takes a trial back that is not to blame for its worker's end."""
        with self._lock:
            trial = self.oracle.ongoing_trials.get(worker)
            if trial is not None:
                self._attempts_file(trial.trial_id).unlink(missing_ok=True)
            self.lose(worker)

    def lose(self, worker: str) -> bool:
        """Gives up a worker; returns whether it had a trial."""
        with self._lock:
            self._seen.pop(worker, None)
            return self.oracle.release(worker)

    def _note(self, worker):
        self._seen[worker] = time.monotonic()

    def _is_here(self, worker):
        """Whether a worker gave a sign of itself not long ago."""
        seen = self._seen.get(worker)
        return seen is not None and time.monotonic() - seen < self.patience

    def _begin(self, trial_id, values) -> TrialResult | None:
        """Counts an attempt; returns the result of what isn't to be run."""
        # Known already, if the process ended between writing and telling.
        result = read_result(self.folder.trial_path(trial_id))
        if result is not None:
            return result
        attempts = _read_attempts(file := self._attempts_file(trial_id))
        if attempts < _MOST_ATTEMPTS:
            write_json(file, attempts + 1)
            return None
        return TrialResult(
            **trial_facts(self.folder.settings, trial_id, values),
            seconds=0.0,
            status=FAILED,
            message=f"The process ended {attempts} times in this trial; "
            "out of memory?",
        )

    def _end(self, result):
        trial = self.oracle.trials.get(result.trial_id)
        if trial is None:
            raise UserError(
                "Expected the result of a trial of this search. Received: "
                f"trial_id={result.trial_id!r}"
            )
        if trial.status in ("COMPLETED", "FAILED"):
            return  # It was taken for lost, and another was faster.
        result.write(self.folder.trial_path(result.trial_id))
        self._attempts_file(result.trial_id).unlink(missing_ok=True)
        self._bar.write(result.describe())
        self._bar.update()
        if result.is_completed:
            self.oracle.update_trial(trial.trial_id, {SCORE: result.score})
        trial.status = "COMPLETED" if result.is_completed else "FAILED"
        trial.message = result.message
        self.oracle.end_trial(trial)

    def _attempts_file(self, trial_id):
        return self.folder.trial_path(trial_id) / "attempts.json"


def _read_attempts(file) -> int:
    """Returns how often a trial was begun; 0 where a file doesn't tell."""
    try:
        return int(file.read_text())
    except (FileNotFoundError, ValueError):
        return 0
