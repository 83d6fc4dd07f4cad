"""A page for one's own photo, and TensorFlow Serving's REST API beside it.

What is here needs the packages of requirements-page.txt.
"""

from tp_keras.server.app import create_app
from tp_keras.server.model_store import ModelStore
from tp_keras.server.similar import SimilarPortraits
from tp_keras.server.studio import Studio

__all__ = ["ModelStore", "SimilarPortraits", "Studio", "create_app"]
