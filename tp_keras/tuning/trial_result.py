"""What a trial gave, as a file and as a line."""

import dataclasses
import json
import pathlib

from tp_keras.files import write_json

COMPLETED, FAILED = "completed", "failed"


@dataclasses.dataclass(frozen=True)
class TrialResult:
    """The figures of one trial.

    Attributes:
        trial_id: Its name.
        status: `"completed"` or `"failed"`.
        values: Dict: what was chosen, by name.
        backbone: The backbone, as settings name it.
        budget_seconds: Seconds of training that it was given.
        seconds: Seconds that it took with all that is around the training.
        message: Why it failed.
        score: Best validation score: the mean accuracy over the tasks.
        accuracies: Dict: task -> validation accuracy in that epoch.
        latency_ms: Milliseconds of one portrait; see `measure_latency`.
        images_per_second: Speed of the training steps.
        parameters: Number of parameters of the exported model.
        epochs: Number of epochs that fitted into the budget.
        examples_seen: Number of portraits trained on, each as often as seen.
        train_seconds: Seconds of the training, with tracing and validation.
    """

    trial_id: str
    status: str
    values: dict
    backbone: str
    budget_seconds: float
    seconds: float
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
        write_json(path, dataclasses.asdict(self))


def read_result(folder) -> TrialResult | None:
    """Returns the result in the folder of a trial, or None if it has none."""
    path = pathlib.Path(folder) / "result.json"
    if not path.exists():
        return None
    return TrialResult(**json.loads(path.read_text()))


def read_results(search_path) -> list[TrialResult]:
    """Returns the results of a search, in the order of the trials."""
    folders = sorted((pathlib.Path(search_path) / "trials").glob("*"))
    results = [read_result(folder) for folder in folders]
    return [result for result in results if result is not None]
