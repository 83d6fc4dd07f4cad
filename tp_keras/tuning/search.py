"""A search: choose, train, measure, one trial after another or side by side."""

import concurrent.futures
import contextlib
import dataclasses
import os
import time

from tqdm import tqdm

from tp_keras.data.builders import find_builder
from tp_keras.data.schema import read_schema
from tp_keras.data.splits import resolve_splits
from tp_keras.errors import UserError
from tp_keras.files import only_one
from tp_keras.files import write_json
from tp_keras.fresh_process import FreshProcess
from tp_keras.fresh_process import ProcessEnded
from tp_keras.runs.score import SCORE
from tp_keras.tuning.oracle import make_oracle
from tp_keras.tuning.search_settings import SearchFolder
from tp_keras.tuning.search_settings import SearchSettings
from tp_keras.tuning.trial import FAILED
from tp_keras.tuning.trial import TrialResult
from tp_keras.tuning.trial import TrialRunner
from tp_keras.tuning.trial import end_trials
from tp_keras.tuning.trial import read_result
from tp_keras.tuning.trial import read_results
from tp_keras.tuning.trial import run_trial
from tp_keras.tuning.trial import trial_facts

# A trial that ends its process, for want of memory, would do so for ever.
_MOST_ATTEMPTS = 3

# Who has to wait for others asks again and again.
_PAUSE_SECONDS = 0.1


def run_search(path, settings: SearchSettings, workers: int = 0):
    """Searches until the trials are used up; goes on where it was stopped.

    As many processes as `workers` train beside each other, each with its share
    of the processors; 0: this one alone. Returns the `SearchFolder`, of a
    finished search as it is.

    Raises:
        UserError: If the data is missing, a choice couldn't be trained, the
            folder belongs to another search, another process searches in it,
            or all trials failed.
    """
    folder = SearchFolder(path)
    data = resolve_splits(settings.base.data)
    settings = dataclasses.replace(
        settings, base=dataclasses.replace(settings.base, data=data)
    )
    schema = read_schema(find_builder(data.data_dir, data.first.dataset))
    settings.space.check(settings.base, schema.image_shape)
    folder.claim(settings)
    if folder.is_finished:
        print(f"{folder.path} is finished; nothing to try.")
        return folder
    known = len(read_results(folder.path))
    with (
        only_one(folder.path),
        tqdm(
            total=settings.trials, initial=known, desc="search", unit="trial"
        ) as bar,
    ):

        def show(result):
            tqdm.write(result.describe())
            bar.update()

        if workers:
            _search_beside(folder, workers, show)
        else:
            with TrialRunner(folder) as runner:
                oracle = make_oracle(settings, folder.path)
                _take_trials(folder, oracle, "0", runner.run, show)
    if not any(result.is_completed for result in read_results(folder.path)):
        raise UserError(
            "Not one trial came to its end. Expected at least one; what went "
            f"wrong is told in {folder.path}/trials/*/error.txt. Received: "
            + read_results(folder.path)[0].message
        )
    folder.finish()
    return folder


def _take_trials(folder, oracle, name, run, on_result):
    """Runs the trials of an oracle until none is left; threads may share it."""
    while (trial := oracle.create_trial(name)).status != "STOPPED":
        if trial.status == "IDLE":
            time.sleep(_PAUSE_SECONDS)
            continue
        values = trial.hyperparameters.values
        path = folder.trial_path(trial.trial_id)
        # Known already, if the process ended between training and telling.
        result = read_result(path) or _attempt(
            folder, trial.trial_id, values, run
        )
        on_result(result)
        if result.is_completed:
            oracle.update_trial(trial.trial_id, {SCORE: result.score})
        trial.status = "COMPLETED" if result.is_completed else "FAILED"
        trial.message = result.message
        oracle.end_trial(trial)


def _attempt(folder, trial_id, values, run) -> TrialResult:
    """Runs a trial; one that ends its process again and again is given up."""
    path = folder.trial_path(trial_id)
    file = path / "attempts.json"
    while True:
        attempts = _read_attempts(file)
        if attempts >= _MOST_ATTEMPTS:
            result = TrialResult(
                **trial_facts(folder.settings, trial_id, values),
                seconds=0.0,
                status=FAILED,
                message=f"The process ended {attempts} times in this trial; "
                "out of memory?",
            )
            result.write(path)
            break
        write_json(file, attempts + 1)
        try:
            result = run(trial_id, values)
            break
        except ProcessEnded:
            continue
        except BaseException:
            # Whatever comes here is no such end.
            file.unlink()
            raise
    file.unlink()
    return result


def _read_attempts(file) -> int:
    """Returns how often a trial was begun; 0 where a file doesn't tell."""
    try:
        return int(file.read_text())
    except (FileNotFoundError, ValueError):
        return 0


def _search_beside(folder, workers, on_result):
    """Runs trials in processes, which threads of this one look after."""
    threads = max(len(os.sched_getaffinity(0)) // workers, 1)
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    environment = dict.fromkeys(names, str(threads))
    oracle = make_oracle(folder.settings, folder.path)
    path = str(folder.path.resolve())

    def look_after(name, process):
        def run(trial_id, values):
            return process.call(run_trial, path, trial_id, values)

        _take_trials(folder, oracle, name, run, on_result)
        process.call(end_trials)

    with (
        contextlib.ExitStack() as stack,
        concurrent.futures.ThreadPoolExecutor(workers) as pool,
    ):
        every = (FreshProcess(environment) for _ in range(workers))
        processes = [stack.enter_context(process) for process in every]
        jobs = [
            pool.submit(look_after, str(number), process)
            for number, process in enumerate(processes)
        ]
        try:
            for job in concurrent.futures.as_completed(jobs):
                job.result()
        except BaseException:
            # Else the others would train to the end.
            for process in processes:
                process.kill()
            raise
