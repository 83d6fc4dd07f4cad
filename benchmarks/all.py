"""Every table of the README in one go.

python -m benchmarks.all

Each benchmark is a process of its own, so that none inherits the memory or
the threads of another. Trainings that are finished are read, not repeated;
what needs the real archives is left out, and said so, where they are not
prepared.
"""

import dataclasses
import pathlib
import subprocess
import sys
import time

from tp_keras.command_line import command_line
from training.command import EXIT_USER_ERROR
from training.command import run

ROOT = pathlib.Path(__file__).parent

DEMO_RUN = "runs/accuracy/demo-seed0"
REAL_RUN = "runs/accuracy/real-seed0"
REAL_DATA = "tiny_portraits/archives"
BUNDLES = "exported_models"
BUNDLE = f"{BUNDLES}/portrait_attributes"
GENERATOR_RUN = "runs/vae_ablation/smoke-5-2/full-recipe-seed0"

# Module and flags. The runs that later ones read come first.
SYNTHETIC = (
    ("accuracy", "--experiment demo"),
    ("synthetic_difficulty", f"--run_dir {DEMO_RUN}"),
    ("fairness_peers", f"--run_dir {DEMO_RUN}"),
    ("train_step", ""),
    ("training_options", ""),
    ("bundle", ""),
    ("formats", f"--run_dir {DEMO_RUN}"),
    ("input_pipeline", ""),
    ("audit", ""),
    ("drawing", ""),
    ("dataset_build", ""),
    ("full_scale", ""),
    ("hosts", ""),
    ("vae_step", ""),
    ("vae_ablation", ""),
    ("vae_extra_data", f"--run_dir {GENERATOR_RUN}"),
)
EXPORTED = (
    ("serving", f"--bundles {BUNDLES}"),
    ("replicas", f"--bundles {BUNDLES}"),
    ("start_up", f"--bundle {BUNDLE}"),
)
REAL = (
    ("accuracy", "--experiment real --recipes before now"),
    ("time_to_accuracy", ""),
    ("equal_time", ""),
    ("training_options", "--accuracy True"),
    ("formats", f"--run_dir {REAL_RUN}"),
    # With the bundle of a run on the real archives.
    ("photos", f"--bundle {BUNDLE}"),
    ("unfamiliar", f"--bundle {BUNDLE}"),
)
UTKFACE_DATA = "utk_face/96x96"
UTKFACE = tuple(
    ("questions", f"--question {question}")
    for question in (
        "sharing",
        "sharing_parameters",
        "number_heads",
        "sizes",
        "transfer",
    )
)
# With more seeds of it the table says more.
JUDGED_RUN = "runs/portraits"
JUDGED = (("generators", f"--runs {JUDGED_RUN}"),)


@dataclasses.dataclass(frozen=True)
class All:
    """Runs every benchmark, one after the other."""

    data_dir: pathlib.Path = pathlib.Path("data/tfds")
    """Folder of the prepared data sets."""
    only: tuple[str, ...] = ()
    """Names of benchmarks, such as `train_step`; all without."""

    def execute(self) -> None:
        """Runs them; a failure is told at the end."""
        commands = list(SYNTHETIC)
        if pathlib.Path(BUNDLE).is_dir():
            commands += EXPORTED
        else:
            print(f"Without a bundle: {BUNDLE} is not there (make demo).")
        if pathlib.Path(JUDGED_RUN, "generation").is_dir():
            commands += JUDGED
        else:
            print(
                f"Without a measured generator: {JUDGED_RUN}/generation is "
                "not there (make portraits)."
            )
        if (self.data_dir / REAL_DATA).is_dir():
            commands += REAL
        else:
            command = command_line(
                "training.build_dataset",
                manual_dir="FOLDER",
                data_dir=self.data_dir,
            )
            print(
                f"Without the real archives: {self.data_dir / REAL_DATA} is "
                f"not there ({command})."
            )
        if (self.data_dir / UTKFACE_DATA).is_dir():
            commands += UTKFACE
        failed = []
        for module, flags in commands:
            if self.only and module not in self.only:
                continue
            title = f"python -m benchmarks.{module} {flags}".rstrip()
            print(f"\n## {title}\n", flush=True)
            begin = time.monotonic()
            command = [sys.executable, *title.split()[1:]]
            status = subprocess.run(command).returncode
            print(f"\n({time.monotonic() - begin:.0f} s)", flush=True)
            if status:
                failed.append(title)
        if failed:
            print("\nFailed:\n  " + "\n  ".join(failed), file=sys.stderr)
            sys.exit(EXIT_USER_ERROR)


if __name__ == "__main__":
    run(All)
