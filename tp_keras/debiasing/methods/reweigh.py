"""Weights by which both genders of a class count the same."""

from tp_keras.debiasing.methods.plain import Plain


class Reweigh(Plain):
    """Weighs the rows of a class so that both its genders count the same.

    `w(y, g) = n(y) / (2 n(y, g))`; see
    `tp_keras.debiasing.groups.gender_balancing_weights`. It changes who gets
    the wrong class, not what the embedding knows of gender.
    """

    levels_genders = True
