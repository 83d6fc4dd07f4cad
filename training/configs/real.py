"""The real archives, from scratch: what `make train MANUAL_DIR=...` trains."""

from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.config import TrainingConfig

CONFIG = ExperimentConfig(
    run_dir="runs/real",
    data=DataConfig(dataset="tiny_portraits/archives"),
    training=TrainingConfig(epochs=60),
)
