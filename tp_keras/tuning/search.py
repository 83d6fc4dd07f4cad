"""A search in one process: choose, train, measure, report."""

import contextlib
import dataclasses

from tqdm import tqdm

from tp_keras.data.source import load_portraits
from tp_keras.data.splits import resolve_splits
from tp_keras.errors import UserError
from tp_keras.tuning.latency import LatencyMeter
from tp_keras.tuning.portrait_tuner import PortraitTuner
from tp_keras.tuning.search_settings import SearchFolder
from tp_keras.tuning.search_settings import SearchSettings
from tp_keras.tuning.trial_result import read_results


def run_search(path, settings: SearchSettings, workers=0) -> SearchFolder:
    """Searches until the trials are used up; goes on where it was stopped.

    Args:
        path: Folder of the search.
        settings: `SearchSettings`.
        workers: Number of processes that train beside each other; 0: this one
            alone.

    Returns:
        The folder. A finished search is returned as it is.

    Raises:
        UserError: If the data is missing, a choice couldn't be trained, the
            folder belongs to another search, or all trials failed.

    Example:
        >>> settings = SearchSettings(CONFIG, SearchSpace(), trials=3)
        >>> folder = run_search("runs/tune/first", settings)
        >>> print(write_report(folder.path, "real", CONFIG))
    """
    folder = SearchFolder(path)
    settings.space.check(settings.base)
    data = resolve_splits(settings.base.data)
    settings = dataclasses.replace(
        settings, base=dataclasses.replace(settings.base, data=data)
    )
    folder.claim(settings)
    if folder.is_finished:
        print(f"{folder.path} is finished; nothing to try.")
        return folder
    with trial_bar(folder) as show:
        if workers:
            from tp_keras.tuning.workers import run_workers

            run_workers(folder, workers, show)
        else:
            search_alone(folder, show)
    if not any(result.is_completed for result in read_results(folder.path)):
        raise UserError(
            "Not one trial came to its end. Expected at least one; what went "
            f"wrong is told in {folder.path}/trials/*/error.txt. Received: "
            + read_results(folder.path)[0].message
        )
    folder.finish()
    return folder


def search_alone(folder: SearchFolder, on_result=None) -> None:
    """Runs trials in this process: all, or those that a chief hands out."""
    settings = folder.settings
    with LatencyMeter() as meter:
        data = settings.base.data
        portraits = {
            split: load_portraits(*data.location(split))
            for split in ("train", "validation")
        }
        folder.check_data(
            {split: rows.fingerprint for split, rows in portraits.items()}
        )
        PortraitTuner(folder, portraits, meter, on_result).search()


@contextlib.contextmanager
def trial_bar(folder: SearchFolder):
    """Shows a bar over the trials; yields what to call with each result."""
    known = len(read_results(folder.path))
    with tqdm(
        total=folder.settings.trials, initial=known, desc="search", unit="trial"
    ) as bar:

        def show(result):
            tqdm.write(result.describe())
            bar.update()

        yield show
