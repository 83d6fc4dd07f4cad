"""UTKFace, from scratch: age, gender and race in one network.

    python -m training.build_dataset --dataset utk_face/96x96 --manual_dir DIR
    python -m training.train utkface --run_dir runs/utkface

About five minutes on 2 cores with bfloat16 instructions; figures are in
docs/utkface.md. `--dataset utk_face/synthetic` trains on drawn faces.
"""

from tp_keras.config import AugmentConfig
from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.config import ModelConfig
from tp_keras.config import TrainingConfig

CONFIG = ExperimentConfig(
    run_dir="runs/utkface",
    data=DataConfig(dataset="utk_face/96x96"),
    augment=AugmentConfig(
        shift=0.08,
        zoom=0.12,
        rotation=12.0,
        brightness=0.3,
        contrast=0.3,
        erasing=0.25,
    ),
    model=ModelConfig(embedding_size=64, dropout_rate=0.3),
    training=TrainingConfig(
        epochs=24,
        passes_per_epoch=3,
        warmup_epochs=1.0,
        averaging=0.998,
        label_smoothing=0.1,
        weight_decay=0.1,
    ),
)
