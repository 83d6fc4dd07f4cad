"""One photo from a cold Python: the LiteRT road against the SavedModel's.

    python -m benchmarks.start_up --bundle BUNDLE

Draws a photograph of 12 megapixels with a synthetic portrait in it, and lets
fresh processes predict it in turns: `training.predict` as it is, with the face
found and a marked copy written; and as it was, all flags parsed, TensorFlow
imported and the middle of the photograph given to the SavedModel.
"""

import dataclasses
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

from benchmarks.scenes import background
from benchmarks.tables import median_ratio
from benchmarks.tables import print_markdown
from datasets.tiny_portraits.tiny_portraits_dataset_builder import Builder
from training.command import run

# As `training.predict` was.
_SAVED_MODEL = """
import sys
sys.modules["keras"] = None
import tyro
from training.command import _flag_style, start_tensorflow
from training.predict import Predict
words = ["--bundle", sys.argv[1], "--images", sys.argv[2]]
tyro.cli(Predict, prog="predict", args=words, use_underscores=True,
         config=_flag_style())
import tqdm
from tp_keras import serving
start_tensorflow()
predictor = serving.Predictor(sys.argv[1])
predictions = predictor.predict_files([sys.argv[2]])
print(serving.format_table(predictions, predictor.tasks))
"""

# Starts a command, waits, and prints what it took. A process of its own, as the
# peak memory of a child begins at that of its parent.
_LAUNCHER = """
import os, sys, time
start = time.perf_counter()
nothing = os.open(os.devnull, os.O_WRONLY)
actions = [(os.POSIX_SPAWN_DUP2, nothing, 1), (os.POSIX_SPAWN_DUP2, nothing, 2)]
words = sys.argv[1:]
process = os.posix_spawn(words[0], words, os.environ, file_actions=actions)
_, status, usage = os.wait4(process, 0)
seconds = time.perf_counter() - start
print(status, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
"""

_MEGAPIXELS_12 = np.array([4000, 3000])
_HEIGHT = 1500


@dataclasses.dataclass(frozen=True)
class StartUp:
    """Prints wall time, processor time and memory of one prediction."""

    bundle: str
    """Folder of a bundle, or of its versions."""
    rounds: int = 7
    """How often each is started, in turns."""

    def execute(self) -> None:
        """Measures and prints."""
        with tempfile.TemporaryDirectory() as folder:
            photo = pathlib.Path(folder) / "photo.jpg"
            _draw(photo)
            python = sys.executable
            ours = [python, "-m", "training.predict", "--bundle", self.bundle]
            ours += ["--images", str(photo), "--pictures", folder + "/faces"]
            code = [python, "-c", _SAVED_MODEL, self.bundle, str(photo)]
            commands = {"LiteRT, face found": ours, "SavedModel": code}
            found = {name: [] for name in commands}
            for _ in range(self.rounds):
                for name, command in commands.items():
                    found[name].append(_measure(command))
        rows, medians = [], {}
        for name, runs in found.items():
            medians[name] = list(zip(*runs, strict=True))
            wall, cpu, memory = map(statistics.median, medians[name])
            row = [name, f"{wall:.2f}", f"{cpu:.2f}", f"{memory:.0f}"]
            rows.append(row)
        print(f"{self.rounds} starts of each, {os.cpu_count()} cores.\n")
        print_markdown(["", "seconds", "processor s", "peak MB"], rows)
        fast, slow = medians.values()
        for index, what in enumerate(("wall", "processor time", "memory")):
            ratio = median_ratio(slow[index], fast[index])
            print(f"\n{what}: {ratio:.1f} times less")


def _draw(path):
    """Writes a photograph of 12 megapixels with one portrait."""
    rng = np.random.default_rng(3)
    scene = background(_MEGAPIXELS_12, rng).convert("RGB")
    (pixels,) = Builder.draw_samples(1)
    height, width, _ = pixels.shape
    portrait = Image.fromarray(pixels)
    portrait = portrait.resize((_HEIGHT * width // height, _HEIGHT))
    scene.paste(portrait, (1300, 700))
    scene.save(path, quality=92)


def _measure(command) -> tuple[float, float, float]:
    """Returns seconds of the clock and of the processor, and peak MB."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", _LAUNCHER, *command],
        check=True,
        capture_output=True,
        text=True,
    )
    status, *figures = map(float, done.stdout.split())
    if status:
        raise RuntimeError(f"Failed: {command}")
    return tuple(figures)


if __name__ == "__main__":
    run(StartUp)
