"""The hidden criterion, from scratch: a class that goes with gender.

    python -m training.build_dataset --dataset hidden_criterion --manual_dir DIR
    python -m training.train hidden_criterion --run_dir runs/hidden_criterion

Colours stay and nothing is covered: what the criterion is nobody tells. The
best epoch has the highest mean of the accuracies of women and men less what
they differ by. `--dataset hidden_criterion/synthetic` trains on drawn faces.
"""

from tp_keras.config import AugmentConfig
from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.config import ModelConfig
from tp_keras.config import TrainingConfig

CONFIG = ExperimentConfig(
    run_dir="runs/hidden_criterion",
    data=DataConfig(dataset="hidden_criterion/files"),
    augment=AugmentConfig(
        shift=0.06,
        zoom=0.1,
        rotation=10.0,
        brightness=0.3,
        contrast=0.2,
        erasing=0.0,
        blur=0.2,
    ),
    model=ModelConfig(tasks=("criterion",), dropout_rate=0.3),
    training=TrainingConfig(
        epochs=20,
        passes_per_epoch=5,
        batch_size=128,
        optimizer="muon",
        warmup_epochs=1.0,
        weight_decay=1.6,
        averaging=0.996,
        label_smoothing=0.1,
        score="neutral_accuracy",
    ),
)
