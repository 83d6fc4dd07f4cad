"""The folder of a sweep, and the figures of a variant on all seeds in it."""

import dataclasses
import itertools
import json
import pathlib
from collections.abc import Sequence

import numpy as np

from tp_keras import files
from tp_keras.config import config_differences
from tp_keras.config import config_from_dict
from tp_keras.config import config_to_dict
from tp_keras.errors import UserError
from tp_keras.fairness.group_figures import UNSUPPORTED
from tp_keras.fairness.group_neighbors import EXCESS
from tp_keras.fairness.group_neighbors import PRECISION
from tp_keras.fairness.summary import best_probe
from tp_keras.fairness.sweep.settings import NONE
from tp_keras.fairness.sweep.settings import SweepSettings
from tp_keras.fairness.sweep.settings import Variant
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import read_records
from tp_keras.runs.run_folder import RunFolder
from tp_keras.tasks import Task

VALIDATION = "validation"
TEST = "test"
SPLITS = (VALIDATION, TEST)

# The length of the lists of neighbours.
NEIGHBORS = 20

# Name of a figure -> its metric, and the criteria of its record.
_FIGURES = {
    "accuracy": ("accuracy", {"group": ALL}),
    "worst_group": ("worst_group_recall", {}),
    "equalized_odds": ("equalized_odds_difference_max", {}),
    "band_low": ("leakage_band_low", {}),
    "band_high": ("leakage_band_high", {}),
    "excess": (EXCESS, {"group": ALL}),
    "precision": (PRECISION, {"group": ALL}),
    "flips": ("counterfactual_flips", {"group": ALL}),
}
# The same of probes: whether the class is told.
_PROBES = {"conditional_probe": True, "probe": False}

# The metrics that a sweep keeps of groups, and of all rows.
_OF_GROUPS = {"group_recall", "worst_group_recall"}
_OF_ALL = {metric for metric, _ in _FIGURES.values()}
_OF_ALL |= {"group_probe", "conditional_group_probe"}


def is_compared(metric: str, group: str) -> bool:
    """Returns whether a sweep keeps a figure."""
    return metric in _OF_GROUPS or (group == ALL and metric in _OF_ALL)


class SweepFolder:
    """Reads and writes the folder of a sweep.

    | file | what it holds |
    |---|---|
    | `sweep.json` | settings, and which runs are compared with |
    | `<variant>-seed<S>/` | the run of a variant, for `training.evaluate` |
    | `<variant>-seed<S>/sweep/<split>.jsonl` | what was measured of it |
    | `features-seed<S>.json` | the seconds that the trunk's features took |
    | `table.md`, `front.png` | the report |
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def run(self, variant: Variant, seed: int) -> RunFolder:
        """Returns the run of a variant."""
        # Without what a file system may refuse.
        name = variant.name.replace(":", "-")
        return RunFolder(self.path / f"{name}-seed{seed}")

    def records_path(
        self, variant: Variant, seed: int, split: str
    ) -> pathlib.Path:
        """Returns the file of what was measured of a variant."""
        return self.run(variant, seed).path / "sweep" / f"{split}.jsonl"

    def features_path(self, seed: int) -> pathlib.Path:
        """Returns the file of how long the features of a trunk took."""
        return self.path / f"features-seed{seed}.json"

    def claim(
        self, settings: SweepSettings, bases: dict[int, RunFolder]
    ) -> None:
        """Makes the folder that of a sweep of these runs; seeds may be added.

        Raises:
            UserError: If it is of a sweep with other settings or runs.
        """
        path, known, own = self.path / "sweep.json", {}, {}
        for seed, base in bases.items():
            keys = "dataset", "fingerprints", "seconds"
            facts = {key: base.facts.get(key) for key in keys}
            own[str(seed)] = {"run": base.path.resolve().name} | facts
        if path.exists():
            content = _read_json(path)
            known = content["bases"]
            try:
                there = config_from_dict(SweepSettings, content["settings"])
                differences = config_differences(there, settings)
            except UserError as error:
                # Written when there were other settings to make.
                differences = [str(error)]
            differences += [
                f"run of seed {seed}: {known[seed]} against {base}"
                for seed, base in own.items()
                if known.get(seed, base) != base
            ]
            datasets = {base["dataset"] for base in (known | own).values()}
            if len(datasets) > 1:
                differences.append(f"data sets: {' and '.join(datasets)}")
            if differences:
                raise UserError(
                    f"The folder {self.path} belongs to a sweep with other "
                    "settings. Give another --sweep_dir, or remove the folder "
                    "to begin anew. Received (there against here): "
                    + "; ".join(differences)
                )
        content = {"settings": config_to_dict(settings), "bases": known | own}
        files.write_json(path, content)


def _read_json(path):
    try:
        return json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise UserError(
            f"Expected JSON in {path}; remove the folder of the sweep to begin "
            f"anew. Received: {error}"
        ) from error


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The records of a variant by split, a list for each seed.

    `costs` are the seconds of training and debiasing, divided by those of the
    training alone; one for each seed, None where unknown.
    """

    variant: Variant
    records: dict[str, tuple[Sequence[Record], ...]]
    costs: tuple[float | None, ...]

    @classmethod
    def read(cls, folder, variant, bases) -> "Outcome":
        """Reads what a sweep wrote of a variant into its `SweepFolder`.

        `bases` is a dict: seed -> the run that is compared with.
        """
        records, costs = {}, []
        for split in SPLITS:
            paths = [folder.records_path(variant, s, split) for s in bases]
            records[split] = tuple(map(read_records, paths))
        for seed, base in bases.items():
            seconds = base.facts.get("seconds")
            costs.append(_cost(folder, variant, seed, seconds))
        return cls(variant, records, tuple(costs))

    @property
    def name(self) -> str:
        """The name of the variant."""
        return self.variant.name

    def values(self, split: str, figure: str, task: Task) -> list[float | None]:
        """Returns the values of `figure_of`, one for each seed."""
        return [figure_of(part, figure, task) for part in self.records[split]]

    def mean(self, split: str, figure: str, task: Task) -> float | None:
        """Returns the mean over the seeds; None unless all have the figure."""
        return mean(self.values(split, figure, task))

    def group_recalls(
        self, split: str, task: Task
    ) -> dict[tuple[str, str], tuple[float, int]]:
        """Returns the recall of each supported cell, pooled over the seeds.

        That is (class, group) -> the hits of all seeds divided by the rows of
        all seeds, and these rows.
        """
        cells = {}
        records = itertools.chain(*self.records[split])
        for record in find(records, metric="group_recall", task=task.name):
            if record.variant != UNSUPPORTED and record.count:
                cell = record.class_name, record.group
                hits, count = cells.get(cell, (0, 0))
                hits += record.value * record.count
                cells[cell] = hits, count + record.count
        return {
            cell: (hits / count, count) for cell, (hits, count) in cells.items()
        }


def figure_of(
    records: Sequence[Record], figure: str, task: Task
) -> float | None:
    """Returns a figure of one run, None where it is not supported.

    Such as `"accuracy"`, `"conditional_probe"`, or `"equalized_odds_null"`.
    """
    if figure in _PROBES:
        record = best_probe(records, task, _PROBES[figure])
    else:
        metric, criteria = _FIGURES[figure.removesuffix("_null")]
        found = find(records, metric=metric, task=task.name, **criteria)
        record = found[0] if found else None
    return record and (
        record.null if figure.endswith("_null") else record.value
    )


def mean(values: Sequence[float | None]) -> float | None:
    """Returns the mean, None if there is no value or one is None."""
    return float(np.mean(values)) if values and None not in values else None


def _cost(folder, variant, seed, seconds):
    """Returns what a variant costs by itself, shared parts included."""
    if variant.is_none:
        return 1.0
    facts = folder.run(variant, seed).facts
    parts = [facts.get("debias_seconds")]
    method = folder.run(dataclasses.replace(variant, posthoc=NONE), seed)
    if facts.get("source") == method.path.name:
        parts.append(method.facts.get("debias_seconds"))
    if variant.debias != NONE:
        path = folder.features_path(seed)
        parts.append(_read_json(path)["seconds"] if path.exists() else None)
    if not seconds or None in parts:
        return None
    return (seconds + sum(parts)) / seconds
