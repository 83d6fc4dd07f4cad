"""Weights by which all groups of a class count the same."""

from tp_keras.debiasing.methods.plain import Plain


class Reweigh(Plain):
    """Weighs the rows of a class so that all its groups count the same.

    See `tp_keras.debiasing.groups.level_weights`. It changes who gets the
    wrong class, not what the embedding knows of the group.
    """

    levels_groups = True
