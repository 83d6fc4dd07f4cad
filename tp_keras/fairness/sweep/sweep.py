"""Makes and measures every variant on every seed, and resumes."""

import dataclasses
import itertools
import os
import time
from collections.abc import Sequence

import keras
import tqdm

from tp_keras import files
from tp_keras.config import ExperimentConfig
from tp_keras.data.builders import find_builder
from tp_keras.data.joint import BETWEEN_NAMES
from tp_keras.data.portraits import Portraits
from tp_keras.data.source import load_split
from tp_keras.data.splits import resolve_splits
from tp_keras.debiasing.trunk_features import TrunkFeatures
from tp_keras.errors import UserError
from tp_keras.evaluation import figures
from tp_keras.fairness import report
from tp_keras.fairness import representations
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.fairness.sweep import outcome as outcome_lib
from tp_keras.fairness.sweep.outcome import SPLITS
from tp_keras.fairness.sweep.outcome import Bases
from tp_keras.fairness.sweep.outcome import Outcome
from tp_keras.fairness.sweep.outcome import SweepFolder
from tp_keras.fairness.sweep.settings import NONE
from tp_keras.fairness.sweep.settings import SweepSettings
from tp_keras.fairness.sweep.settings import Variant
from tp_keras.records import record as records_lib
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.runs.debias_run import debias_run
from tp_keras.runs.run_folder import RunFolder
from tp_keras.runs.trainer import Trainer

_MEASURED = {"num_bootstraps": 200, "neighbors": (outcome_lib.NEIGHBORS,)}


def train_bases(
    sweep_dir: str | os.PathLike,
    config: ExperimentConfig,
    seeds: Sequence[int],
    settings: SweepSettings,
) -> Bases:
    """Trains the runs that are compared with, or finds them trained.

    They lie in `none-seed<S>` of the folder of the sweep, and `config` has no
    debiasing. Raises `UserError` if the folder belongs to another sweep, or
    there is no data.
    """
    config = dataclasses.replace(config, data=resolve_splits(config.data))
    folder, bases = SweepFolder(sweep_dir), {}
    # Before minutes go into runs that the folder has no place for.
    with files.only_one(sweep_dir):
        folder.claim(settings, {})
    for seed in seeds:
        path = str(folder.run(Variant(), seed).path)
        training = dataclasses.replace(config.training, seed=seed)
        changes = {"run_dir": path, "training": training}
        bases[seed] = Trainer(dataclasses.replace(config, **changes)).fit()
    return bases


def find_bases(run_dirs: Sequence[str | os.PathLike]) -> Bases:
    """Finds finished runs without debiasing in their folders.

    Raises `UserError` if one isn't finished, is debiased or learned nothing
    guarded, or two have the same seed or different data sets.
    """
    bases, portraits = {}, {}
    for run_dir in run_dirs:
        run = RunFolder(run_dir).require()
        debias = run.config.debias
        if not run.is_finished or {debias.debias, debias.posthoc} != {NONE}:
            raise UserError(
                "Expected finished runs without debiasing. Received: "
                f"{run_dir}, {run.facts.get('status')}, debias="
                f"{debias.debias}, posthoc={debias.posthoc}"
            )
        report.require_guarded(run)
        seed = run.config.training.seed
        if seed in bases:
            raise UserError(
                "Expected runs of different seeds. Received: "
                f"{bases[seed].path} and {run_dir}, both of seed {seed}"
            )
        bases[seed] = run
        # Two data sets may have one name.
        prints = run.facts.get("fingerprints", {})
        name = f"{run_dir} of {BETWEEN_NAMES.join(run.config.data.datasets)}"
        portraits[prints.get(outcome_lib.VALIDATION)] = name
    if len(portraits) > 1:
        names = " and ".join(portraits.values())
        raise UserError(f"Expected runs of one data set. Received: {names}")
    return bases


def run_sweep(
    sweep_dir: str | os.PathLike,
    variants: Sequence[Variant],
    bases: Bases,
    settings: SweepSettings,
) -> list[Outcome]:
    """Makes and measures every variant, `none` first, on every base run.

    What is there is neither made nor measured again: the same call resumes. The
    base runs stay as they are. Raises `UserError` if the folder belongs to
    another sweep, another process is at work in it, or a variant can't be made
    or measured.
    """
    folder = SweepFolder(sweep_dir)
    with files.only_one(sweep_dir):
        folder.claim(settings, bases)
        _make_missing(folder, variants, bases, settings)
    return [folder.outcome(variant, bases) for variant in variants]


def _make_missing(folder, variants, bases, settings):
    """Makes and measures what isn't there."""
    jobs = [
        (seed, variant)
        for seed in bases
        for variant in variants
        if not all(
            folder.is_measured(folder.records_path(variant, seed, split))
            for split in SPLITS
        )
    ]
    one_seed, portraits = None, {}
    with tqdm.tqdm(jobs, unit="run", disable=not jobs) as bar:
        for seed, variant in bar:
            if one_seed is None or one_seed.seed != seed:
                one_seed = _Seed(folder, seed, bases[seed], settings, portraits)
            name, begin = f"{variant.name}, seed {seed}", time.monotonic()
            bar.set_description(name)
            try:
                one_seed.make_and_measure(variant)
            except UserError as error:
                raise UserError(f"{name}: {error}") from error
            bar.write(f"{name}: {time.monotonic() - begin:.0f} s")
            # Else every run leaves its graphs behind.
            keras.utils.clear_session()


@dataclasses.dataclass
class _Seed:
    """The variants of one base run, which share what its trunk makes."""

    folder: SweepFolder
    seed: int
    base: RunFolder
    settings: SweepSettings
    # Split -> portraits, shared by all seeds.
    portraits: dict[str, Portraits]
    features: TrunkFeatures | None = None

    def make_and_measure(self, variant):
        classifier = self._make(variant).load_model()
        measured = dataclasses.asdict(self.settings.measure)
        few, twins = measured.pop("validation_min_count"), None
        settings = FairnessSettings(**_MEASURED, **measured)
        for split in SPLITS:
            path = self.folder.records_path(variant, self.seed, split)
            if self.folder.is_measured(path):
                continue
            own = dataclasses.replace(settings, min_count=few)
            if split == outcome_lib.TEST:
                twins, own = self._twins(), settings
            arguments = classifier, self._load(split), twins, own, self.seed
            records_lib.write_records(path, measure(*arguments))
            self.folder.note(path)

    def _make(self, variant):
        """Returns the run of a variant, which is there afterwards."""
        if variant.is_none:
            return self.base
        source, features = self.base, None
        run = self.folder.run(variant, self.seed)
        if variant.posthoc != NONE:
            # What is trained alike is trained once.
            source = self._make(dataclasses.replace(variant, posthoc=NONE))
        elif not run.model_path.exists():
            features = self._compute_features()
        options = {"features": features, "progress": False}
        settings = variant.settings(self.settings.debias)
        return debias_run(source.path, run.path, settings, **options)

    def _compute_features(self):
        if self.features is None:
            config, train = self.base.config, self._load("train")
            begin = time.monotonic()
            arguments = config.augment, config.training.seed, True
            self.features = TrunkFeatures.compute(
                self.base.load_model(), train, *arguments
            )
            del self.portraits["train"]  # Of no more use to this seed.
            seconds = {"seconds": round(time.monotonic() - begin, 1)}
            path = self.folder.features_path(self.seed)
            files.write_json(path, seconds, checksum=True)
        return self.features

    def _twins(self):
        # Those of the first of several data sets have the indices of theirs.
        data = self.base.config.data.first
        splits = find_builder(data.data_dir, data.dataset).info.splits
        return (
            self._load(report.TWINS, data) if report.TWINS in splits else None
        )

    def _load(self, split, data=None):
        if split not in self.portraits:
            data = data or self.base.config.data
            found = load_split(data, split, progress=False)
            self.base.check_fingerprints({split: found.fingerprint})
            self.portraits[split] = found
        return self.portraits[split]


def measure(
    classifier,
    portraits: Portraits,
    twins: Portraits | None,
    settings: FairnessSettings,
    seed: int,
) -> list[Record]:
    """Measures what a sweep compares, in seconds.

    The accuracy of the protected head, and those figures of a fairness report
    that `Outcome` reads, with probes of each task's own part alone.
    """
    quiet, schema, pairs = {"progress": False}, portraits.schema, None
    found = representations.represent(classifier, portraits.images, **quiet)
    if twins is not None:
        arguments = classifier, portraits, twins
        pairs = representations.represent_twins(*arguments, **quiet)
    place = {"split": portraits.split, "dataset": portraits.dataset}
    records, head, place["seed"] = [], schema.protected, seed
    if head in found.predictions:
        known = portraits.groups >= 0
        hits = (found.predictions[head] == portraits.groups)[known].sum()
        accuracy = figures.share("accuracy", hits, known.sum(), group=ALL)
        records.append(Record(task=head, **place, **accuracy))
    arguments = portraits, found, pairs, settings, seed
    for task in schema.guarded_tasks:
        if task.name in classifier.embedding_parts:
            stages = report.measure_task(task, *arguments, embedding_only=True)
            records += [
                Record(task=task.name, **place, **fields)
                for fields in itertools.chain(*stages.values())
                if outcome_lib.is_compared(fields["metric"], fields["group"])
            ]
    return records
