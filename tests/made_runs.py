"""Run folders with a tiny classifier that wasn't trained."""

import keras

from tests.portrait_factory import SCHEMA
from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.config import ModelConfig
from tp_keras.config import TrainingConfig
from tp_keras.models import PortraitBackbone
from tp_keras.models import PortraitClassifier
from tp_keras.runs.run_folder import RunFolder

# Networks of two layers and of five, as `--backbone` takes them.
TINY_SEPARABLE = (
    'PortraitBackbone(block_type="separable", stem_channels=8, '
    "stages=((16, 1, 4),))"
)
TINY_RESIDUAL = (
    'PortraitBackbone(block_type="residual", stem_channels=8, '
    "stages=((16, 1, 4), (32, 1, 2)))"
)


def make_classifier(schema=SCHEMA, tasks=(), embedding_size=8, seed=0):
    """A classifier with a backbone of a single block."""
    keras.utils.set_random_seed(seed)
    backbone = PortraitBackbone(
        "separable", 8, ((16, 1, 2),), image_shape=schema.image_shape
    )
    return PortraitClassifier(
        backbone, schema, tasks=tasks, embedding_size=embedding_size
    )


def make_run(path, schema=SCHEMA, tasks=(), seed=0, data=None, **facts):
    """A run as training leaves it; `facts` go into its `run.json`."""
    run = RunFolder(path)
    run.claim(
        ExperimentConfig(
            run_dir=str(path),
            data=data or DataConfig(),
            model=ModelConfig(tasks=tasks),
            training=TrainingConfig(seed=seed),
        )
    )
    make_classifier(schema, tasks, seed=seed).save(run.model_path)
    run.record(schema=schema.to_dict(), **facts)
    return run
