"""Loads exported bundles only: prediction and checks, without model code.

Nothing here imports Keras, and TensorFlow only where a bundle is loaded.
"""

from tp_keras.serving.answers import check_answers
from tp_keras.serving.c_session import CSession
from tp_keras.serving.client import Client
from tp_keras.serving.client import cut_portraits
from tp_keras.serving.face_finder import Face
from tp_keras.serving.face_finder import FaceFinder
from tp_keras.serving.locate import find_bundle
from tp_keras.serving.locate import read_metadata
from tp_keras.serving.photo import Photo
from tp_keras.serving.photo import read_photo
from tp_keras.serving.photo_predictor import FaceAnswer
from tp_keras.serving.photo_predictor import PhotoAnswer
from tp_keras.serving.photo_predictor import PhotoPredictor
from tp_keras.serving.picture_files import find_pictures
from tp_keras.serving.portrait_file import read_portrait
from tp_keras.serving.portrait_generator import PortraitGenerator
from tp_keras.serving.prediction import Prediction
from tp_keras.serving.prediction import format_table
from tp_keras.serving.prediction import write_predictions
from tp_keras.serving.predictor import Predictor

__all__ = [
    "CSession",
    "Client",
    "Face",
    "FaceAnswer",
    "FaceFinder",
    "Photo",
    "PhotoAnswer",
    "PhotoPredictor",
    "PortraitGenerator",
    "Prediction",
    "Predictor",
    "check_answers",
    "cut_portraits",
    "find_bundle",
    "find_pictures",
    "format_table",
    "read_metadata",
    "read_photo",
    "read_portrait",
    "write_predictions",
]
