"""What of a portrait an answer rests on.

`occlusion` and `overlay` need no framework, only a function that answers;
`tp_keras.explain.gradients` differentiates a classifier.
"""

from tp_keras.explain.occlusion import occlusion
from tp_keras.explain.overlay import overlay

__all__ = ["occlusion", "overlay"]
