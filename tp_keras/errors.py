"""The error that a user can mend, and the commonest checks of settings."""

import dataclasses
import errno
import functools
import os
import types
import typing
from collections.abc import Iterator
from collections.abc import Sequence

# Of what the system says what is the matter with the machine, whoever meets it.
MACHINE_FAULTS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO),
    *(errno.ENAMETOOLONG, errno.ELOOP, errno.EMFILE, errno.ENFILE),
)


class UserError(Exception):
    """Something that the caller gave is wrong, and the message says what.

    Commands print the message without a stack trace and end with exit code 2.
    It is no `ValueError`: the parser of the command line catches those that
    settings raise, and puts them into a box with inner names of its own.
    A message states what is wrong, what was expected, what came
    (`Received: ...`) and, where one helps, the command to run next.
    """


def error_chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yields an error, and those that it was made of."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def find_machine_fault(
    error: BaseException,
) -> tuple[int, BaseException] | None:
    """Finds in an error one of `MACHINE_FAULTS`.

    Returns:
        Its number, and the error of the chain that tells of it; None if it is
        none.
    """
    for link in error_chain(error):
        if getattr(link, "errno", None) in MACHINE_FAULTS:
            return link.errno, link
        # Libraries put what the system says into errors of their own.
        said = str(link)
        for code in MACHINE_FAULTS:
            if os.strerror(code) in said:
                return code, link
    return None


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


def check_types(cls, values: typing.Mapping) -> None:
    """Raises unless values, as JSON holds them, suit a dataclass's fields.

    A list stands for a tuple, a dict for a dataclass, whose own fields are not
    looked at; what is missing or unknown is the class's own matter.
    """
    for name, kind in _field_types(cls).items():
        if name in values and not _suits(values[name], kind):
            expected = getattr(kind, "__name__", kind)
            raise UserError(
                f"Expected {name} of the type {expected}. "
                f"Received: {name}={values[name]!r}"
            )


_field_types = functools.cache(typing.get_type_hints)


def _suits(value, kind) -> bool:
    parts = typing.get_args(kind)
    if isinstance(kind, types.UnionType):
        return any(_suits(value, part) for part in parts)
    if typing.get_origin(kind) in (tuple, Sequence):
        if not isinstance(value, list | tuple):
            return False
        parts = (*parts, ...) if len(parts) == 1 else parts
        if parts[-1] is ...:
            parts = parts[:1] * len(value)
        return len(value) == len(parts) and all(map(_suits, value, parts))
    if dataclasses.is_dataclass(kind):
        return isinstance(value, dict | kind)
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, int | float if kind is float else kind)
