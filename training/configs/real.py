"""The real archives, from scratch.

    python -m training.train real --run_dir runs/real

On a pack of 4,600 training portraits, 2 cores: 318 s; test accuracy gender
.959, hair_color .863, hair_type .827 (mean of three seeds, 897 test portraits;
`python -m benchmarks.accuracy --experiment real`).

So few portraits are learned by heart in 100 passes: hence the strong
augmentation and decay. The full data set needs fewer passes for the same number
of steps: `--epochs 5 --passes_per_epoch 1`. What each ingredient is worth is in
docs/results.md.
"""

from tp_keras.config import AugmentConfig
from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.config import TrainingConfig

CONFIG = ExperimentConfig(
    run_dir="runs/real",
    data=DataConfig(dataset="tiny_portraits/archives"),
    augment=AugmentConfig(
        shift=0.1,
        zoom=0.2,
        rotation=12.0,
        brightness=0.4,
        contrast=0.3,
        erasing=0.5,
        closeup=0.4,
        blur=0.2,
        cast=0.08,
    ),
    training=TrainingConfig(
        epochs=20,
        passes_per_epoch=5,
        batch_size=128,
        optimizer="muon",
        warmup_epochs=1.0,
        weight_decay=1.6,
        averaging=0.996,
        label_smoothing=0.1,
    ),
)
