"""The Selfie data set; importing it registers the name with TFDS."""

from .selfies_dataset_builder import Builder as Builder
