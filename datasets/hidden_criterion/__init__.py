"""The data set of the hidden criterion; importing it registers the name."""

from .hidden_criterion_dataset_builder import Builder as Builder
