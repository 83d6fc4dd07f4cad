"""The full set of 134,734 portraits, in some hours.

python -m training.train_vae standard --classifier_run RUN
"""

from tp_keras.config import DataConfig
from tp_keras.generator.config import GENERATOR_SPLIT
from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.generator.config import VaeTrainingConfig

CONFIG = VaeExperimentConfig(
    run_dir="runs/standard_portraits",
    data=DataConfig(
        dataset="tiny_portraits/archives", train_split=GENERATOR_SPLIT
    ),
    training=VaeTrainingConfig(half_epochs=8, full_epochs=3),
)
