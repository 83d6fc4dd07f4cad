"""The data set Tiny Portraits; importing it registers the name with TFDS."""

from .tiny_portraits_dataset_builder import Builder as Builder
