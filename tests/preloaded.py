"""Imported once: what every command would import anew, for seconds."""

import training.evaluate  # noqa: F401
import training.fairness_sweep  # noqa: F401
import training.train_vae  # noqa: F401
import training.tune  # noqa: F401
from training.command import start_tensorflow

start_tensorflow()

import tp_keras.evaluation.run_evaluation  # noqa: E402, F401
import tp_keras.export.run_export  # noqa: E402, F401
import tp_keras.fairness.sweep.sweep  # noqa: E402, F401
import tp_keras.generator.training.trainer  # noqa: E402, F401
import tp_keras.runs.trainer  # noqa: E402, F401
import tp_keras.tuning.search  # noqa: E402, F401
