"""The real archives, a pack of some thousand portraits, in half an hour.

python -m training.train real --train_split 'train[:50%]' \
    --run_dir runs/real_eyes
python -m training.train_vae real --classifier_run runs/real_eyes

On a pack of 4,600 training portraits, half of them for the generator, 2 cores
with bfloat16: 25 minutes. docs/portraits.md tells how good they are.
"""

from tp_keras.config import DataConfig
from tp_keras.generator.config import GENERATOR_SPLIT
from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.generator.config import VaeTrainingConfig

CONFIG = VaeExperimentConfig(
    run_dir="runs/real_portraits",
    data=DataConfig(
        dataset="tiny_portraits/archives", train_split=GENERATOR_SPLIT
    ),
    training=VaeTrainingConfig(
        half_epochs=14, full_epochs=6, encoder_epochs=3, passes_per_epoch=4
    ),
)
