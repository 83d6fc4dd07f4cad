"""The real archives, from scratch.

    python -m training.train real --run_dir runs/real

On a pack of 4,600 training portraits, 2 busy cores: 411 s; test accuracy
gender .948, hair_color .858, hair_type .814 (mean of three seeds, 897 test
portraits; `python -m benchmarks.accuracy --experiment real`).

So few portraits are learned by heart in 100 passes: hence the strong
augmentation, dropout and decay. The full data set needs fewer passes for the
same number of steps: `--epochs 6 --passes_per_epoch 1`.
"""

from tp_keras.config import AugmentConfig
from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.config import ModelConfig
from tp_keras.config import TrainingConfig

CONFIG = ExperimentConfig(
    run_dir="runs/real",
    data=DataConfig(dataset="tiny_portraits/archives"),
    augment=AugmentConfig(
        shift=0.15,
        zoom=0.3,
        rotation=20.0,
        brightness=0.4,
        contrast=0.3,
        erasing=0.5,
    ),
    model=ModelConfig(dropout_rate=0.4),
    training=TrainingConfig(
        epochs=20,
        passes_per_epoch=5,
        warmup_epochs=1.0,
        averaging=0.998,
        label_smoothing=0.1,
        weight_decay=0.2,
    ),
)
