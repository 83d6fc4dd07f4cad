"""The folder of a sweep, the figures of its variants, and which is chosen."""

import dataclasses
import itertools
import pathlib
from collections.abc import Sequence

import numpy as np

from tp_keras import files
from tp_keras.config import config_differences
from tp_keras.config import config_from_dict
from tp_keras.errors import UserError
from tp_keras.fairness.group_figures import UNSUPPORTED
from tp_keras.fairness.group_neighbors import EXCESS
from tp_keras.fairness.group_neighbors import PRECISION
from tp_keras.fairness.summary import best_probe
from tp_keras.fairness.summary import percent
from tp_keras.fairness.summary import points
from tp_keras.fairness.sweep.settings import NONE
from tp_keras.fairness.sweep.settings import ChoiceSettings
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

# What helps where a file of a sweep is damaged.
_REMEDY = "remove the folder of the sweep to begin anew"

# The length of the lists of neighbours.
NEIGHBORS = 20

# Losses of exactly the limit pass, whatever their last digit.
_ROUNDING = 1e-9

# Seed -> the run that is compared with.
Bases = dict[int, RunFolder]

# Name of a figure -> its metric.
_FIGURES = {
    "accuracy": "accuracy",
    "worst_group": "worst_group_recall",
    "equalized_odds": "equalized_odds_difference_max",
    "band_low": "leakage_band_low",
    "band_high": "leakage_band_high",
    "conditional_probe": "conditional_group_probe",
    "probe": "group_probe",
    "excess": EXCESS,
    "precision": PRECISION,
    "flips": "counterfactual_flips",
}
# The metrics that a sweep keeps of groups; of the others that of all rows.
_OF_GROUPS = {"group_recall", "worst_group_recall"}


def is_compared(metric: str, group: str) -> bool:
    """Returns whether a sweep keeps a figure."""
    kept = _FIGURES.values() if group == ALL else ()
    return metric in kept or metric in _OF_GROUPS


class SweepFolder:
    """Reads and writes the folder of a sweep.

    | file | what it holds |
    |---|---|
    | `sweep.json` | settings, which runs are compared with, checksums |
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

    def records_path(self, variant: Variant, seed: int, split: str):
        """Returns the file of what was measured of a variant."""
        return self.run(variant, seed).path / "sweep" / f"{split}.jsonl"

    def features_path(self, seed: int) -> pathlib.Path:
        """Returns the file of how long the features of a trunk took."""
        return self.path / f"features-seed{seed}.json"

    def claim(self, settings: SweepSettings, bases: Bases) -> None:
        """Makes the folder that of a sweep of these runs; seeds may be added.

        Raises `UserError` if it is of a sweep with other settings or runs.
        """
        content, known, own = {}, {}, {}
        for seed, base in bases.items():
            keys = "dataset", "fingerprints", "seconds"
            facts = {key: base.facts.get(key) for key in keys}
            own[str(seed)] = {"run": base.path.resolve().name} | facts
        if self._path.exists():
            content = self._read()
            known = content.get("bases", {})
            try:
                noted = content.get("settings", {})
                there = config_from_dict(SweepSettings, noted)
                differences = config_differences(there, settings)
            except UserError as error:
                # Written when there were other settings to make.
                differences = [str(error)]
            differences += [
                f"run of seed {seed}: {known[seed]} against {base}"
                for seed, base in own.items()
                if known.get(seed, base) != base
            ]
            datasets = {
                str(base.get("dataset"))
                for base in (known | own).values()
                if isinstance(base, dict)
            }
            if len(datasets) > 1:
                differences.append(f"data sets: {' and '.join(datasets)}")
            if differences:
                raise UserError(
                    f"The folder {self.path} belongs to a sweep with other "
                    "settings. Give another --sweep_dir, or remove the folder "
                    "to begin anew. Received (there against here): "
                    + "; ".join(differences)
                )
        content["settings"] = dataclasses.asdict(settings)
        content["bases"] = known | own
        files.write_json(self._path, content, checksum=True)

    def note(self, path: pathlib.Path) -> None:
        """Notes that a file of records is whole."""
        content, found = self._read(), files.sha256(path)
        content.setdefault("checksums", {})[self._name(path)] = found
        files.write_json(self._path, content, checksum=True)

    def is_measured(self, path: pathlib.Path) -> bool:
        """Returns whether a file of records is there and was whole."""
        return path.exists() and self._checksum(path) is not None

    @property
    def _path(self):
        return self.path / "sweep.json"

    def _read(self):
        kinds = dict.fromkeys(("bases", "settings", "checksums"), dict)
        return files.read_json(self._path, _REMEDY, **kinds)

    def _name(self, path):
        return path.relative_to(self.path).as_posix()

    def _checksum(self, path):
        return self._read().get("checksums", {}).get(self._name(path))

    def _read_measured(self, path) -> list[Record]:
        if not self.is_measured(path) or (
            self._checksum(path) != files.sha256(path)
        ):
            raise UserError(
                "A file of the sweep is damaged. Without it, the same sweep "
                f"measures again. Received: {path}"
            )
        return read_records(path)

    def outcome(self, variant: Variant, bases: Bases) -> "Outcome":
        """Reads what a sweep wrote of a variant."""
        records = {}
        for split in SPLITS:
            paths = [self.records_path(variant, s, split) for s in bases]
            records[split] = tuple(self._read_measured(path) for path in paths)
        costs = (self._cost(variant, *base) for base in bases.items())
        return Outcome(variant, records, tuple(costs))

    def _cost(self, variant, seed, base):
        """Returns what a variant costs by itself, shared parts included."""
        if variant.is_none:
            return 1.0
        run = self.run(variant, seed)
        facts = run.facts
        if not facts:
            raise UserError(
                "A run of the sweep has lost its run.json; without its folder "
                f"the same sweep makes it again. Received: {run.path}"
            )
        seconds = base.facts.get("seconds")
        parts = [facts.get("debias_seconds")]
        method = self.run(dataclasses.replace(variant, posthoc=NONE), seed)
        if facts.get("source") == method.path.name:
            parts.append(method.facts.get("debias_seconds"))
        if variant.debias != NONE:
            path = self.features_path(seed)
            parts.append(_read_seconds(path))
        known = seconds and None not in parts
        return (seconds + sum(parts)) / seconds if known else None


def _read_seconds(path) -> float | None:
    """Returns what a file of seconds tells, None where there is none."""
    try:
        found = files.read_json(path, _REMEDY, seconds=int | float)
    except FileNotFoundError:
        return None
    return found.get("seconds")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The records of a variant by split, a list for each seed.

    `costs` are the seconds of training and debiasing, divided by those of the
    training alone; one for each seed, None where unknown.
    """

    variant: Variant
    records: dict[str, tuple[Sequence[Record], ...]]
    costs: tuple[float | None, ...]

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
        return {cell: (hits / n, n) for cell, (hits, n) in cells.items()}


def figure_of(
    records: Sequence[Record], figure: str, task: Task
) -> float | None:
    """Returns a figure of one run, None where it is not supported.

    Such as `"accuracy"`, `"conditional_probe"`, or `"equalized_odds_null"`.
    """
    figure, null, _ = figure.partition("_null")
    found = find(records, metric=_FIGURES[figure], task=task.name)
    if figure.endswith("probe"):
        found = [best_probe(records, task, figure == "conditional_probe")]
    record = found[0] if found else None
    return record and (record.null if null else record.value)


def mean(values: Sequence[float | None]) -> float | None:
    """Returns the mean, None if there is no value or one is None."""
    return float(np.mean(values)) if values and None not in values else None


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Which conditions of the rule do not hold for a variant, in words."""

    outcome: Outcome
    failures: tuple[str, ...]
    probe: float  # Conditional, on validation; infinite where unknown.


@dataclasses.dataclass(frozen=True)
class Choice:
    """What the rule says of all variants, which were compared with `none`.

    `chosen` is None if all fail, and `shown` then the best of them, if any. The
    verdicts come with the fewest conditions failed first, then by probe;
    `passed_over` fail, with a probe below that of the chosen.
    """

    task: Task
    none: Outcome
    chosen: Outcome | None
    shown: Outcome | None
    verdicts: tuple[Verdict, ...]
    passed_over: tuple[Verdict, ...]


def rule(settings: ChoiceSettings, task: Task) -> str:
    """Returns the rule in words."""
    return (
        f"By figures of {task.name} on validation, means over the seeds: no "
        "supported class of a group may lose more than "
        f"{points(settings.largest_recall_loss)} of recall against none, or "
        "than one portrait where that is more (groups are small: recalls are "
        "pooled over the seeds); accuracy may lose no "
        f"more than {points(settings.largest_accuracy_loss)}; the "
        "conditional probe of the embedding (the better of linear and MLP) "
        "must be below that of none. Of what is left the variant with the "
        f"smallest conditional probe is chosen; within "
        f"{points(settings.tie)} of it, the one with the best worst group."
    )


def choose(
    outcomes: Sequence[Outcome], task: Task, settings: ChoiceSettings
) -> Choice:
    """Chooses among variants, `none` first, by a guarded task; see `rule`."""
    none, verdicts = outcomes[0], []
    for item in outcomes[1:]:
        probe = item.mean(VALIDATION, "conditional_probe", task)
        probe = float("inf") if probe is None else probe
        failures = tuple(_failures(item, none, task, settings))
        verdicts.append(Verdict(item, failures, probe))
    verdicts.sort(key=lambda verdict: (len(verdict.failures), verdict.probe))
    passing = [item for item in verdicts if not item.failures]
    failing = [item for item in verdicts if item.failures]
    if not passing:
        shown = failing[0].outcome if failing else None
        return Choice(task, none, None, shown, tuple(verdicts), tuple(failing))
    limit = passing[0].probe + settings.tie + _ROUNDING
    best = max(
        (item for item in passing if item.probe <= limit),
        # Without a supported group none is worst.
        key=lambda v: v.outcome.mean(VALIDATION, "worst_group", task) or 0.0,
    )
    chosen = best.outcome
    over = tuple(item for item in failing if item.probe < best.probe)
    return Choice(task, none, chosen, chosen, tuple(verdicts), over)


def _failures(outcome, none, task, settings):
    """Yields the conditions that fail, each as half a sentence."""

    def pair(figure):
        return [item.mean(VALIDATION, figure, task) for item in (outcome, none)]

    after = outcome.group_recalls(VALIDATION, task)
    num_seeds, losses = len(none.records[VALIDATION]), []
    for cell, (before, count) in none.group_recalls(VALIDATION, task).items():
        loss = before - after[cell][0]
        # Less than one portrait in each seed can't be told from none.
        largest = max(settings.largest_recall_loss, num_seeds / count)
        if loss > largest + _ROUNDING:
            losses.append((loss, " ".join(cell), count))
    if losses:
        yield "recall lost: " + ", ".join(
            f"{cell} {points(loss)} (n = {count:,})"
            for loss, cell, count in sorted(losses, reverse=True)
        )
    accuracy, before = pair("accuracy")
    if None in (accuracy, before):
        yield "accuracy not supported"
    elif before - accuracy > settings.largest_accuracy_loss + _ROUNDING:
        yield f"accuracy {percent(accuracy)} after {percent(before)}"
    probe, before = pair("conditional_probe")
    if probe is None or before is None:
        yield "conditional probe not supported"
    elif probe >= before:
        yield f"conditional probe {probe:.3f} after {before:.3f}"
