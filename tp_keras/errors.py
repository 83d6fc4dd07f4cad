"""The error that a user can mend, and the commonest checks of settings."""


class UserError(Exception):
    """Something that the caller gave is wrong, and the message says what.

    Commands print the message without a stack trace and end with exit code 2.
    It is no `ValueError`: the parser of the command line catches those that
    settings raise, and puts them into a box with inner names of its own.
    A message states what is wrong, what was expected, what came
    (`Received: ...`) and, where one helps, the command to run next.
    """


def check_choice(settings, name, choices):
    """Raises unless a named field is one of `choices`."""
    value = getattr(settings, name)
    if value not in choices:
        raise UserError(
            f"Expected a {name} out of {', '.join(choices)}. "
            f"Received: {name}={value}"
        )


def check_range(settings, **limits):
    """Raises unless each named field lies within `(low, high)`."""
    for name, (low, high) in limits.items():
        value = getattr(settings, name)
        if not low <= value <= high:
            raise UserError(
                f"Expected {name} between {low} and {high}. "
                f"Received: {name}={value}"
            )
