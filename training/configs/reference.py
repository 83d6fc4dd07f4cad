"""MobileNet 0.25 on the synthetic portraits: the small reference.

    python -m training.train reference --run_dir runs/reference

On 2 busy cores 336 s; test accuracy gender .706, hair_color .831, hair_type
.646 (one seed, 1,192 test portraits;
`python -m benchmarks.accuracy --experiment reference --seeds 0`). A depthwise
network this narrow has not found the cues of gender after 20 epochs.
"""

from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.config import ModelConfig
from tp_keras.config import TrainingConfig

CONFIG = ExperimentConfig(
    run_dir="runs/reference",
    data=DataConfig(dataset="tiny_portraits/synthetic"),
    model=ModelConfig(backbone="mobilenet_025"),
    training=TrainingConfig(epochs=20),
)
