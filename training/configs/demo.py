"""Synthetic portraits, in a few minutes: what `make demo` trains."""

from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.config import TrainingConfig

CONFIG = ExperimentConfig(
    run_dir="runs/demo",
    data=DataConfig(dataset="tiny_portraits/synthetic"),
    training=TrainingConfig(epochs=15),
)
