"""Synthetic portraits, in about 6 minutes: what `make portraits` trains.

python -m training.train demo --train_split 'train[:50%]' --run_dir runs/eyes
python -m training.train_vae smoke --classifier_run runs/eyes
"""

from tp_keras.vae_config import VaeExperimentConfig
from tp_keras.vae_config import VaeModelConfig
from tp_keras.vae_config import VaeTrainingConfig

CONFIG = VaeExperimentConfig(
    run_dir="runs/portraits",
    model=VaeModelConfig(made_share=0.5),
    training=VaeTrainingConfig(half_epochs=8, full_epochs=3),
)
