"""The error that a user can mend, told in one sentence."""


class UserError(ValueError):
    """Something that the caller gave is wrong, and the message says what.

    Commands print the message without a stack trace and end with exit code 2.
    A message states what is wrong, what was expected, what came
    (`Received: ...`) and, where one helps, the command to run next.
    """
