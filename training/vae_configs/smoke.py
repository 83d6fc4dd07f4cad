"""Synthetic portraits, in some minutes.

python -m training.train demo --train_split 'train[:50%]' --run_dir runs/eyes
python -m training.train_vae smoke --classifier_run runs/eyes
"""

from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.generator.config import VaeTrainingConfig

CONFIG = VaeExperimentConfig(
    run_dir="runs/portraits",
    training=VaeTrainingConfig(half_epochs=12, full_epochs=3),
)
