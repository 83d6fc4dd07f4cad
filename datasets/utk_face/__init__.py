"""The data set UTKFace; importing it registers the name with TFDS."""

from .utk_face_dataset_builder import Builder as Builder
