"""What chooses the next trial: keras-tuner's oracles, made safe to kill."""

import contextlib
import pathlib
import warnings

import keras_tuner
import threadpoolctl
from keras_tuner import oracles

from tp_keras.errors import UserError
from tp_keras.files import write_json
from tp_keras.runs.score import SCORE
from tp_keras.tuning.search_settings import REMEDY
from tp_keras.tuning.search_settings import SearchSettings

# Units of Hyperband's resource in the whole budget, and the share of trials
# that is promoted to the next rung: rungs of 1/9, 1/3 and all of the budget.
FULL_UNITS = 9
_REDUCTION = 3

# Two trainings of one network differ, here in units of the variance between
# trials; keras-tuner's 1e-4 would take every figure for the truth.
_NOISE = 0.03


class _SafeOracle(keras_tuner.Oracle):
    """Saves its state whole or not at all, and takes it up again."""

    def open(self, folder):
        """Takes up the search in a folder, or begins one there."""
        self._set_project_dir(str(folder), "oracle")
        path = pathlib.Path(self._get_oracle_fname())
        if not path.exists():
            return
        try:
            self.reload()
        # Whatever a damaged file leads to in keras-tuner.
        except Exception as error:
            raise UserError(
                f"The state of the search in {path.parent} can't be read; "
                f"{REMEDY}. Received: {type(error).__name__}: {error}"
            ) from error

    def save(self):
        write_json(self._get_oracle_fname(), self.get_state())

    def _save_trial(self, trial):
        path = pathlib.Path(self._get_trial_dir(trial.trial_id)) / "trial.json"
        write_json(path, trial.get_state())

    def reload(self):
        super().reload()
        # The trials have files of their own, so the state may be older than
        # they are, by one trial that had begun or ended.
        self._retry_queue = [  # Taken from the end.
            trial_id
            for trial_id, trial in sorted(self.trials.items(), reverse=True)
            if trial.status in ("RUNNING", "INVALID")
        ]

    @property
    def is_used_up(self) -> bool:
        """Whether as many trials as were asked for have ended."""
        is_open = self.ongoing_trials or self._retry_queue
        return not is_open and len(self.trials) >= self.max_trials

    def release(self, worker) -> bool:
        """Lets the trial of a worker be taken by another, before any else.

        Returns whether it had one.
        """
        trial = self.ongoing_trials.pop(worker, None)
        if trial is not None:
            self._retry_queue.append(trial.trial_id)
            self.save()
        return trial is not None

    def claim(self, worker, trial_id):
        """Leaves a trial to the worker that has it, if it waits for one."""
        if trial_id in self._retry_queue and worker not in self.ongoing_trials:
            self._retry_queue.remove(trial_id)
            self.ongoing_trials[worker] = self.trials[trial_id]
            self.save()

    def end_trial(self, trial):
        # Who was taken for lost may come to an end before another begins.
        with contextlib.suppress(ValueError):
            self._retry_queue.remove(trial.trial_id)
        super().end_trial(trial)

    def populate_space(self, trial_id):
        # Threads cost the small matrices of a proposal more than they help.
        with warnings.catch_warnings(), threadpoolctl.threadpool_limits(1):
            # Of scikit-learn, about bounds of a kernel that nobody set.
            warnings.simplefilter("ignore")
            return super().populate_space(trial_id)


class _Hyperband(_SafeOracle, oracles.HyperbandOracle):
    """Hyperband that can be killed."""


class _Bayesian(_SafeOracle, oracles.BayesianOptimizationOracle):
    """Bayesian optimisation with a Gaussian process, no choice tried twice.

    All trials train with one seed, so a repetition would tell nothing.
    """

    def populate_space(self, trial_id):
        proposal = super().populate_space(trial_id)
        values = proposal.get("values")
        if values is not None and self._duplicate(values):
            return self._random_populate_space()
        return proposal


def make_oracle(settings: SearchSettings, folder) -> keras_tuner.Oracle:
    """Returns the oracle of a search, at the trial where it was stopped.

    * Hyperband (Li et al., JMLR 18, 2018): many trials on a ninth of the
      budget, the best third of them on a third, and so on; the resource is
      seconds. Brackets follow each other until the trials are used up.
    * Bayesian: a Gaussian process over earlier trials proposes the next, after
      a third of the trials at random.
    """
    hyperparameters = keras_tuner.HyperParameters()
    settings.space.declare(hyperparameters)
    common = {
        "objective": keras_tuner.Objective(SCORE, "max"),
        "hyperparameters": hyperparameters,
        "seed": settings.seed + 1,  # 0 means to keras-tuner: any.
        # A failure is a figure like any other.
        "max_consecutive_failed_trials": settings.trials + 1,
    }
    if settings.tuner == "hyperband":
        rungs = {"max_epochs": FULL_UNITS, "factor": _REDUCTION}
        oracle = _Hyperband(hyperband_iterations=None, **rungs, **common)
    else:
        at_random = max(settings.trials // 3, 3)
        oracle = _Bayesian(num_initial_points=at_random, alpha=_NOISE, **common)
    oracle.max_trials, oracle.verbose = settings.trials, 0
    oracle.open(folder)
    return oracle
