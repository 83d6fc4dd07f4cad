"""The gate: what a server would refuse of a bundle, or answer otherwise.

python -m tp_keras.serving.check exported_models

Nothing is changed. First what lies in the files is read, then the bundle is
loaded as TensorFlow Serving does, asked what its model was asked when it was
exported, and warmed up.
"""

from tp_keras.serving.check.folders import check_path
from tp_keras.serving.check.report import Report
from tp_keras.serving.check.version import check_content
from tp_keras.serving.check.version import check_version
from tp_keras.serving.check.version import describe_differences

__all__ = [
    "Report",
    "check_content",
    "check_path",
    "check_version",
    "describe_differences",
]
