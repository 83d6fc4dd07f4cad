"""The error that a user can mend, told in one sentence."""


class UserError(Exception):
    """Something that the caller gave is wrong, and the message says what.

    Commands print the message without a stack trace and end with exit code 2.
    It is no `ValueError`: the parser of the command line catches those that
    settings raise, and puts them into a box with inner names of its own.
    A message states what is wrong, what was expected, what came
    (`Received: ...`) and, where one helps, the command to run next.
    """
