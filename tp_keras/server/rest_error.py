"""The errors of TensorFlow Serving's REST API, by its codes."""

from tp_keras.errors import UserError

# `TF_Code`s, and the HTTP status that the server makes of each.
INVALID_ARGUMENT = 3
NOT_FOUND = 5
FAILED_PRECONDITION = 9
_INTERNAL = 13
_STATUS = {
    INVALID_ARGUMENT: 400,
    4: 504,  # It took too long.
    NOT_FOUND: 404,
    6: 409,  # It is there already.
    7: 403,
    8: 429,  # A resource is exhausted.
    FAILED_PRECONDITION: 400,
    10: 409,
    11: 400,  # Out of range.
    12: 501,
    14: 503,
    16: 401,
}


class RestError(UserError):
    """What a client is told: a text, and a `TF_Code` for its HTTP status."""

    def __init__(self, message: str, code: int = INVALID_ARGUMENT):
        super().__init__(message)
        self.code = code

    @property
    def status(self) -> int:
        """The HTTP status."""
        return http_status(self.code)


def http_status(code: int = _INTERNAL) -> int:
    """Returns the HTTP status of a `TF_Code`."""
    return _STATUS.get(code, 500)
