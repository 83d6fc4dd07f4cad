"""One trial: a training of a number of seconds, and what it gave."""

import dataclasses
import math
import multiprocessing
import pathlib
import shutil
import tempfile
import time
import traceback

import keras
import tensorflow as tf

from tp_keras.data.source import load_split
from tp_keras.errors import UserError
from tp_keras.errors import check_types
from tp_keras.errors import find_machine_fault
from tp_keras.export.folding import fold_batch_normalization
from tp_keras.export.formats.measure import measure_latencies
from tp_keras.export.signatures import constant_function
from tp_keras.files import read_json
from tp_keras.files import write_json
from tp_keras.fresh_process import FreshProcess
from tp_keras.tuning.oracle import FULL_UNITS
from tp_keras.tuning.search_settings import SearchFolder
from tp_keras.tuning.search_space import NAMES
from tp_keras.tuning.time_budget import train_for

_MEASURED_SECONDS = 0.5

COMPLETED, FAILED = "completed", "failed"


@dataclasses.dataclass(frozen=True)
class TrialResult:
    """The figures of one trial.

    `values` are what was chosen, by name, and `accuracies` those of the tasks
    on validation in the best epoch, of which `score` is the mean. `seconds`
    are those of the trial, `budget_seconds` what was given to its training, and
    `train_seconds` what that took, with tracing and validation. `latency_ms` is
    that of one portrait; see `measure_latency`. `config` are the settings of
    its run, which may lie on the host of its `worker`.
    """

    trial_id: str
    status: str
    values: dict
    backbone: str
    budget_seconds: float
    config: dict
    seconds: float
    worker: str = ""
    message: str = ""
    score: float | None = None
    accuracies: dict = dataclasses.field(default_factory=dict)
    latency_ms: float | None = None
    images_per_second: float | None = None
    parameters: int | None = None
    epochs: int | None = None
    examples_seen: int | None = None
    train_seconds: float | None = None

    @property
    def is_completed(self) -> bool:
        """Whether the trial came to its end."""
        return self.status == COMPLETED

    def describe(self) -> str:
        """Returns the trial as a line."""
        if not self.is_completed:
            return f"{self.trial_id}  failed: {self.message}"
        tasks = ", ".join(f"{k} {v:.3f}" for k, v in self.accuracies.items())
        return (
            f"{self.trial_id}  score {self.score:.4f} ({tasks})  "
            f"{self.images_per_second:,.0f} images/s  "
            f"{self.latency_ms:.2f} ms  {self.epochs} epochs in "
            f"{self.budget_seconds:.3g} s  {self.backbone}"
        )

    def write(self, folder) -> None:
        """Writes `result.json` into the folder of the trial."""
        path = pathlib.Path(folder) / "result.json"
        write_json(path, dataclasses.asdict(self), checksum=True)


def read_result(folder) -> TrialResult | None:
    """Returns the result in the folder of a trial, or None if it has none."""
    path = pathlib.Path(folder) / "result.json"
    if not path.exists():
        return None
    values = read_json(path, "without it, the trial is run again")
    try:
        return result_from_dict(values)
    except UserError as error:
        raise UserError(
            f"Expected the result of a trial in {path}; without it, the trial "
            f"is run again. Received: {error}"
        ) from error


def result_from_dict(values: dict) -> TrialResult:
    """Returns the result that `dataclasses.asdict` told.

    Raises:
        UserError: If it told something else.
    """
    check_types(TrialResult, values)
    try:
        return TrialResult(**values)
    except TypeError as error:
        raise UserError(
            f"Expected the figures of a trial. Received: {error}"
        ) from error


def read_results(search_path) -> list[TrialResult]:
    """Returns the results of a search, in the order of the trials."""
    folders = sorted(pathlib.Path(search_path, "trials").glob("*"))
    return [*filter(None, map(read_result, folders))]


class TrialRunner:
    """Runs the trials of a search, whose folder is claimed, in this process.

    Raises:
        UserError: If the data is missing.
    """

    def __init__(self, folder: SearchFolder):
        self.folder = folder
        data = folder.settings.base.data
        # A process that trains beside others says nothing.
        progress = multiprocessing.parent_process() is None
        self.portraits = {
            split: load_split(data, split, progress)
            for split in ("train", "validation")
        }
        self.process = FreshProcess()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.close()

    @property
    def fingerprints(self) -> dict[str, str]:
        """By which the portraits are known, by split."""
        return {s: rows.fingerprint for s, rows in self.portraits.items()}

    def run(self, trial_id: str, values: dict) -> TrialResult:
        """Trains and measures a choice, and returns what it gave."""
        begin = time.monotonic()
        path = self.folder.trial_path(trial_id)
        facts = trial_facts(self.folder.settings, trial_id, values)
        try:
            chosen, budget = facts["values"], facts["budget_seconds"]
            figures = self._train(path, chosen, budget)
            facts |= {"status": COMPLETED, **figures}
        except Exception as error:
            if find_machine_fault(error):  # No fault of the choice.
                raise
            path.mkdir(parents=True, exist_ok=True)
            (path / "error.txt").write_text(traceback.format_exc())
            lines = str(error).strip().splitlines() or [""]
            message = f"{type(error).__name__}: {lines[0]}"
            facts |= {"status": FAILED, "message": message}
        finally:
            keras.utils.clear_session()  # Collects the garbage, too.
        return TrialResult(**facts, seconds=time.monotonic() - begin)

    def _train(self, path, chosen, budget_seconds):
        """Returns the figures of a trial, by the names of a `TrialResult`."""
        settings = self.folder.settings
        config = settings.space.config(settings.base, chosen)
        # A trial that was cut short begins anew: its time is gone.
        shutil.rmtree(path / "run", ignore_errors=True)
        config = dataclasses.replace(config, run_dir=str(path / "run"))
        run, step_seconds = train_for(config, self.portraits, budget_seconds)
        model, facts = run.load_model(), run.facts
        best = run.read_history()[facts["best_epoch"] - 1]
        names = "parameters", "epochs", "examples_seen"
        return {
            **{name: facts[name] for name in names},
            "config": dataclasses.asdict(run.config),
            "score": facts["best_score"],
            "accuracies": {
                task.name: best[f"val_{task.name}_accuracy"]
                for task in model.tasks
            },
            "train_seconds": facts["seconds"],
            "latency_ms": 1e3 * measure_latency(model, self.process),
            "images_per_second": config.training.batch_size / step_seconds,
        }


def measure_latency(classifier, process: FreshProcess) -> float:
    """Returns the median seconds that a portrait takes as it is served.

    The threads of TensorFlow are settled when it starts, and training needs
    all of them: so another process measures, on a single one. What is timed is
    what is exported: the embedding too, batch normalisation folded, the weights
    constants of the graph.
    """
    model = fold_batch_normalization(classifier.inference_model())
    shape = classifier.schema.image_shape
    with tempfile.TemporaryDirectory() as folder:
        function = constant_function(model)
        tf.saved_model.save(tf.Module(), folder, signatures=function)
        arguments = {"saved_model": folder}, shape, _MEASURED_SECONDS, 1, (1,)
        found = process.call(measure_latencies, *arguments)
    return found["saved_model"][1]


def trial_facts(settings, trial_id: str, values: dict) -> dict:
    """Returns what is known of a trial before it runs, for its `TrialResult`.

    What keras-tuner calls an epoch (`tuner/epochs`, the resource of Hyperband)
    is a share of the time budget. A promoted trial trains anew, and its whole
    cosine fits into the larger budget. (Hyperband's own way, to go on where the
    smaller one ended, needs a learning rate that doesn't depend on the end.)
    """
    chosen = {name: values[name] for name in NAMES if name in values}
    units = min(math.ceil(values.get("tuner/epochs", FULL_UNITS)), FULL_UNITS)
    return {
        "trial_id": trial_id,
        "values": chosen,
        "backbone": settings.space.backbone(chosen),
        "budget_seconds": settings.budget_seconds * units / FULL_UNITS,
        "config": {},  # Training settles how many epochs fit.
    }
