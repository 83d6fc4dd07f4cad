"""Compares methods against the protected task in guarded ones, and chooses.

python -m training.fairness_sweep --experiment demo --seeds 0
python -m training.fairness_sweep --experiment real \
    --base_runs runs/real-seed0 runs/real-seed1 runs/real-seed2

The same command goes on after a stop, and reports a finished sweep again.
"""

import dataclasses
import pathlib

from tp_keras.debias_config import DebiasConfig
from tp_keras.errors import UserError
from tp_keras.fairness.sweep.settings import DEFAULT_VARIANTS
from tp_keras.fairness.sweep.settings import ChoiceSettings
from tp_keras.fairness.sweep.settings import MeasureSettings
from tp_keras.fairness.sweep.settings import SweepSettings
from tp_keras.fairness.sweep.settings import parse_variants

from .command import kept
from .command import run
from .command import shown
from .command import start_tensorflow
from .configs import find_experiment
from .fairness_report import FairnessReport


@dataclasses.dataclass(frozen=True)
class FairnessSweep:
    """Debiases runs with one method after the other and measures them all.

    Each variant is a run of its own on the trunk of a plain run, which takes
    seconds. Writes a table of all, a plot of the front, and the variant that
    a stated rule chooses on validation, with its figures on test.
    """

    experiment: str = "demo"
    """Experiment to train, and to name the folder: demo, real, reference,
    utkface, hidden_criterion or selfies."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds to train."""
    base_runs: tuple[pathlib.Path, ...] = ()
    """Finished runs without debiasing, one for each seed, to compare with
    instead of training some. They stay as they are."""
    variants: tuple[str, ...] = DEFAULT_VARIANTS
    """What to compare: method[:strength][+posthoc]."""
    sweep_dir: pathlib.Path | None = None
    """Folder to write. Default: runs/fairness_sweep/EXPERIMENT."""
    report: bool = False
    """Whether to write the fairness report of the chosen run too, that of the
    first seed; if nothing passes, of the best that fails."""
    data_dir: str | None = None
    """Folder of the prepared data sets. Default: that of the experiment."""
    dataset: str | tuple[str, ...] | None = None
    """Name of the data set, or of several. Default: that of the experiment."""
    debias: DebiasConfig = dataclasses.field(default_factory=DebiasConfig)
    measure: MeasureSettings = dataclasses.field(
        default_factory=MeasureSettings
    )
    choice: ChoiceSettings = dataclasses.field(default_factory=ChoiceSettings)

    def execute(self) -> None:
        """Sweeps, and prints table, choice and where all lies."""
        settings = SweepSettings(self.debias, self.measure)
        variants = parse_variants(self.variants, settings.debias)
        config = self._experiment()
        folder = self.sweep_dir or (
            pathlib.Path("runs/fairness_sweep") / self.experiment
        )
        start_tensorflow()
        from tp_keras.fairness.sweep import sweep
        from tp_keras.fairness.sweep.report import write_report

        if self.base_runs:
            bases = sweep.find_bases(self.base_runs)
        else:
            bases = sweep.train_bases(folder, config, self.seeds, settings)
        outcomes = sweep.run_sweep(folder, variants, bases, settings)
        choice, text = write_report(
            folder, outcomes, bases[min(bases)].schema, self.choice
        )
        print(f"\n{text}")
        print(f"Table, plot and runs: {folder}")
        if choice.shown is None:
            return
        best = sweep.SweepFolder(folder).run(choice.shown.variant, min(bases))
        report = FairnessReport(str(best.path))
        if self.report:
            report.execute()
        else:
            print(f"Next: {shown(report)}")

    def _experiment(self):
        config = find_experiment(self.experiment)
        changes = {
            name: getattr(self, name)
            for name in ("data_dir", "dataset")
            if getattr(self, name) is not None
        }
        if self.base_runs and changes:
            raise UserError(
                "The runs of --base_runs have their own data. "
                f"Received: {changes}"
            )
        if not self.base_runs and not self.seeds:
            raise UserError("Expected at least one seed. Received: seeds=()")
        data = dataclasses.replace(config.data, **changes)
        return kept(dataclasses.replace(config, data=data))


if __name__ == "__main__":
    run(FairnessSweep)
