"""The one error of this data set that its user can mend."""


class DatasetInputError(ValueError):
    """What the data set is made from is wrong, or it is asked for wrongly.

    The message names the file, row or entry, and says what to do about it.
    """
