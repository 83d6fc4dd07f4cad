"""Debiases the guarded layers of a trained run.

python -m training.debias --run_dir runs/demo --output_dir runs/demo-debiased
python -m training.debias --run_dir runs/demo --output_dir runs/demo-erased \
    --debias none --posthoc conditional_leace
"""

import dataclasses

from tp_keras.debias_config import DebiasConfig

from .command import run
from .command import shown
from .command import start_tensorflow
from .fairness_report import FairnessReport

# Chosen by `training.fairness_sweep`.
DEFAULT = DebiasConfig(debias="conditional_grl")


@dataclasses.dataclass(frozen=True)
class Debias:
    """Writes a run whose guarded layers are made anew, on the same trunk.

    The network stays the same, so it costs the same; whatever takes a run takes
    the new one.
    """

    run_dir: str
    """Folder of a finished run. It stays as it is."""

    output_dir: str
    """Folder of the new run. It appears whole or not at all."""

    settings: DebiasConfig = DEFAULT

    def execute(self) -> None:
        """Writes the run, and prints the next commands."""
        start_tensorflow()
        from tp_keras.runs.debias_run import debias_run

        made = debias_run(self.run_dir, self.output_dir, self.settings)
        print(
            f"{self.settings.debias} and {self.settings.posthoc} on "
            f"{self.run_dir}: {made.model_path}"
        )
        print(f"Next: {shown(FairnessReport(str(made.path)))}")


if __name__ == "__main__":
    run(Debias)
