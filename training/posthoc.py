"""Erases gender from the hair embedding of a trained run, or levels its heads.

python -m training.posthoc --run_dir runs/demo \
    --posthoc conditional_leace --output_dir runs/demo-erased
"""

import dataclasses

from training.command import run
from training.command import start_tensorflow


@dataclasses.dataclass(frozen=True)
class Posthoc:
    """Writes a run whose hair layers are made anew, without training.

    The new run holds the same network with other weights in a few dense
    layers, so it costs the same; whatever takes a run takes it.
    """

    run_dir: str
    """Folder of a finished run. It stays as it is."""

    output_dir: str
    """Folder of the new run. It appears whole or not at all."""

    posthoc: str = "conditional_leace"
    """`leace` erases gender from the hair embedding, `conditional_leace` what
    of it goes beyond the hair class; `dfr` fits the heads on held-out
    portraits with gender and class balanced; `conditional_leace+dfr` both."""

    def execute(self) -> None:
        """Writes the run, and prints the next command."""
        start_tensorflow()
        from tp_keras.posthoc_run import posthoc_run

        made = posthoc_run(self.run_dir, self.output_dir, self.posthoc)
        print(f"{self.posthoc} on {self.run_dir}: {made.model_path}")
        print(f"Next: python -m training.evaluate --run_dir {made.path}")


if __name__ == "__main__":
    run(Posthoc)
