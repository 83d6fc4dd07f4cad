"""Finished runs that nobody trained, and the speed of their epochs."""

import numpy as np

from benchmarks.epoch_speed import EpochSpeed
from tests.portrait_factory import SCHEMA
from tp_keras.config import ExperimentConfig
from tp_keras.runs.run_folder import RunFolder

# Median 4 s, 6 s more for the first epoch.
SPEED = EpochSpeed(10.0, (4.0, 3.0, 5.0), examples=1000, parameters=1234)


def make_run(path, hits, config=None, **facts):
    """A run with what it gets right on the test split `[tasks, portraits]`."""
    run = RunFolder(path)
    run.claim(config or ExperimentConfig(run_dir=str(path)))
    facts = {"epochs": 3, "seconds": 20.0, "best_score": 0.5, **facts}
    run.record(status="finished", schema=SCHEMA.to_dict(), **facts)
    np.save(run.path / "test_hits.npy", hits)
    return run
