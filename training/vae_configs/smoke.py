"""Synthetic portraits, in about 4 minutes.

python -m training.train demo --train_split 'train[:50%]' --run_dir runs/eyes
python -m training.train_vae smoke --classifier_run runs/eyes

On 2 cores 238 s, 50 of them for the priors. Kernel score .275
(0 is real portraits, 1 eigenfaces), fidelity of gender .988 and of hair_color
.911 (one seed, 1,192 test portraits; `python -m training.evaluate_vae`).
"""

from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.generator.config import VaeModelConfig
from tp_keras.generator.config import VaeTrainingConfig

CONFIG = VaeExperimentConfig(
    run_dir="runs/portraits",
    model=VaeModelConfig(made_share=0.5),
    training=VaeTrainingConfig(half_epochs=8, full_epochs=3),
)
