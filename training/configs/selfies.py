"""Selfies, from scratch: attributes and popularity in one network.

    python -m training.build_dataset --dataset selfies
    python -m training.train selfies --run_dir runs/selfies

A few minutes on 2 cores with bfloat16 instructions, on drawn selfies. With
pictures of the real table: `--dataset selfies/files`.
"""

from tp_keras.config import AugmentConfig
from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.config import ModelConfig
from tp_keras.config import TrainingConfig

CONFIG = ExperimentConfig(
    run_dir="runs/selfies",
    data=DataConfig(dataset="selfies/synthetic"),
    augment=AugmentConfig(shift=0.06, zoom=0.1, rotation=8.0, brightness=0.1),
    model=ModelConfig(dropout_rate=0.3),
    training=TrainingConfig(
        epochs=12,
        passes_per_epoch=3,
        batch_size=128,
        optimizer="muon",
        warmup_epochs=1.0,
        weight_decay=1.0,
        averaging=0.99,
        label_smoothing=0.1,
    ),
)
