"""MobileNet 0.25 on the synthetic portraits: the small reference."""

from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.config import ModelConfig
from tp_keras.config import TrainingConfig

CONFIG = ExperimentConfig(
    run_dir="runs/reference",
    data=DataConfig(dataset="tiny_portraits/synthetic"),
    model=ModelConfig(backbone="mobilenet_025"),
    training=TrainingConfig(epochs=20),
)
