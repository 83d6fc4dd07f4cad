"""The experiments of training without labels, by name."""

from tp_keras.config import DataConfig
from tp_keras.pretraining.config import PretrainConfig
from tp_keras.pretraining.config import PretrainTrainingConfig

# Name on the command line -> (one line of help, the settings).
PRETRAIN_EXPERIMENTS = {
    "demo": (
        "Drawn portraits, in two minutes.",
        PretrainConfig(
            run_dir="runs/pretrain/demo",
            training=PretrainTrainingConfig(epochs=4, passes_per_epoch=1),
        ),
    ),
    "hidden_criterion": (
        "The pictures of the hidden criterion.",
        PretrainConfig(
            run_dir="runs/pretrain/hidden_criterion",
            data=DataConfig(dataset="hidden_criterion/files"),
        ),
    ),
    "real": (
        "Tiny Portraits, with and without labels.",
        PretrainConfig(
            run_dir="runs/pretrain/real",
            data=DataConfig(dataset="tiny_portraits/archives"),
        ),
    ),
}
