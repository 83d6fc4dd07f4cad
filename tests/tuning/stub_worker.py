"""A process of a search that trains nothing: `tp_keras.tuning.worker`, mocked.

What it does in place of a training is told by `PLAN`, a file in the folder of
the search: trial -> "train", "kill" (the first time) or "die" (every time).
"""

import dataclasses
import json
import os
import pathlib
import signal
import sys
import time
import types

PLAN = "plan.json"
TRAINING_SECONDS = 0.3


def main(path):
    from tests.tuning.results import make_result
    from tp_keras.tuning import search
    from tp_keras.tuning import worker
    from tp_keras.tuning.portrait_tuner import PortraitTuner

    plan = json.loads((pathlib.Path(path) / PLAN).read_text())

    def train(self, trial_path, chosen, budget_seconds):
        order = plan.get(trial_path.name, "train")
        again = json.loads((trial_path / "attempts.json").read_text()) > 1
        if order == "die" or (order == "kill" and not again):
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(TRAINING_SECONDS)
        result = dataclasses.asdict(make_result())
        names = ("score", "accuracies", "latency_ms", "images_per_second")
        counts = ("parameters", "epochs", "examples_seen", "train_seconds")
        figures = {name: result[name] for name in names + counts}
        # Tells who trained.
        return {**figures, "parameters": os.getpid()}

    PortraitTuner._train = train
    nothing = types.SimpleNamespace(fingerprint="none")
    search.load_portraits = lambda *args: nothing
    worker.main(path)


if __name__ == "__main__":
    from tp_keras.tuning.worker import end_with

    end_with(parent=int(sys.argv[2]))
    main(sys.argv[1])
