"""Draws synthetic portraits in the format of Tiny Portraits."""

from .pack import draw_pack

__all__ = ["draw_pack"]
