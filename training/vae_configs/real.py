"""The real archives, a pack of some thousand portraits, in 20 minutes.

python -m training.train real --train_split 'train[:50%]' \
    --run_dir runs/real_eyes
python -m training.train_vae real --classifier_run runs/real_eyes

On a pack of 4,600 training portraits, half of them for the generator, 2 cores:
18 minutes. Kernel score .589 (0 is real portraits, 1 eigenfaces), fidelity of
gender 1.006 and of hair_color .893 (one seed, 897 test portraits;
`python -m training.evaluate_vae`).
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
        half_epochs=24, full_epochs=5, passes_per_epoch=4
    ),
)
