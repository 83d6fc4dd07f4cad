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
from tp_keras.fresh_process import FreshProcess
from tp_keras.fresh_process import ProcessEnded
from tp_keras.tuning.hosts import HERE
from tp_keras.tuning.hosts import Chief
from tp_keras.tuning.hosts import Host
from tp_keras.tuning.hosts import RemoteTrials
from tp_keras.tuning.hosts import worker_name
from tp_keras.tuning.search_settings import SearchFolder
from tp_keras.tuning.search_settings import SearchSettings
from tp_keras.tuning.trial import TrialRunner
from tp_keras.tuning.trial import read_results
from tp_keras.tuning.trials import IDLE
from tp_keras.tuning.trials import STOPPED
from tp_keras.tuning.trials import Trials

# Who has to wait for others asks again and again.
_PAUSE_SECONDS = 0.2


def run_search(
    path,
    settings: SearchSettings,
    workers: int = 0,
    host: Host | None = None,
    patience: float = 60.0,
) -> SearchFolder:
    """Searches until the trials are used up; goes on where it was stopped.

    Args:
        path: Folder of the search.
        settings: What is searched.
        workers: As many processes train beside each other, each with its share
            of the processors; 0: this one alone, or nobody beside a chief.
        host: The part of this process, the chief, where workers on other hosts
            train too; see `run_worker`.
        patience: A worker that gives no sign for so many seconds is lost.

    Raises:
        UserError: If the data is missing, a choice couldn't be trained, the
            folder belongs to another search, another process searches in it,
            or all trials failed.
    """
    settings, folder = _check(settings), SearchFolder(path)
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
        trials = Trials(folder, bar, patience)
        if workers or host:
            with Chief(trials, host.address if host else HERE) as chief:
                bar.write(f"Trials are given out at {chief.address}.")
                _wait(folder, trials, chief, workers)
        else:
            with TrialRunner(folder) as runner:
                _run_trials(trials, "0", runner)
    if not any(result.is_completed for result in read_results(folder.path)):
        raise UserError(
            "Not one trial came to its end. Expected at least one; what went "
            f"wrong is told in {folder.path}/trials/*/error.txt. Received: "
            + read_results(folder.path)[0].message
        )
    folder.finish()
    return folder


def run_worker(
    path, settings: SearchSettings, host: Host, patience: float = 60.0
) -> None:
    """Trains what a chief gives out, until it has no more; see `run_search`.

    `path` is the folder of the search on this host, which keeps the runs.

    Raises:
        UserError: As `run_search`, and if the chief has another search or
            other portraits, or gives no answer for `patience` seconds.
    """
    settings = _check(settings)
    with RemoteTrials(host.address, patience) as trials:
        trials.check_settings(settings=dataclasses.asdict(settings))
        SearchFolder(path).claim(settings)
    _work(path, host.address, worker_name(host.name), patience)


def _check(settings):
    """Returns settings that tell the splits, if they can be trained."""
    data = resolve_splits(settings.base.data)
    settings = dataclasses.replace(
        settings, base=dataclasses.replace(settings.base, data=data)
    )
    schema = read_schema(find_builder(data.data_dir, data.first.dataset))
    settings.space.check(settings.base, schema.image_shape)
    return settings


def _run_trials(trials, worker, runner):
    """Runs trials until there is none left."""
    trials.check_data(fingerprints=runner.fingerprints)
    while (taken := trials.take(worker=worker))["status"] != STOPPED:
        if taken["status"] == IDLE:
            time.sleep(_PAUSE_SECONDS)
            continue
        trial_id = taken["trial_id"]
        try:
            with trials.at_work(worker, trial_id):
                result = runner.run(trial_id, taken["values"])
                trials.end(worker=worker, result=dataclasses.asdict(result))
        except BaseException:
            # Whatever comes here is no fault of the trial.
            with contextlib.suppress(UserError):
                trials.give_back(worker=worker)
            raise


def _work(path, address, worker, patience):
    """Runs the trials of a chief."""
    with (
        RemoteTrials(address, patience) as trials,
        TrialRunner(SearchFolder(path)) as runner,
    ):
        _run_trials(trials, worker, runner)


def _wait(folder, trials, chief, workers):
    """Waits for the end of a search, beside as many workers of its own."""
    threads = max(len(os.sched_getaffinity(0)) // max(workers, 1), 1)
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    environment = dict.fromkeys(names, str(threads))
    path = str(folder.path.resolve())

    def look_after(name, process):
        while True:
            try:
                return process.call(
                    _work, path, chief.address, name, trials.patience
                )
            except ProcessEnded as error:
                if not trials.lose(name):
                    raise UserError(
                        "A worker ended before it had a trial; out of memory? "
                        "Expected room for all. Received: "
                        f"workers={workers}"
                    ) from error

    with (
        contextlib.ExitStack() as stack,
        concurrent.futures.ThreadPoolExecutor(max(workers, 1)) as pool,
    ):
        every = (FreshProcess(environment) for _ in range(workers))
        processes = [stack.enter_context(process) for process in every]
        jobs = [
            pool.submit(look_after, str(number), process)
            for number, process in enumerate(processes)
        ]
        try:
            while not chief.look():
                for job in jobs:
                    if job.done():
                        job.result()
                time.sleep(_PAUSE_SECONDS)
        except BaseException:
            # Else the others would train to the end.
            for process in processes:
                process.kill()
            raise
