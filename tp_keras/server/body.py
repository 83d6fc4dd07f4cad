"""Bodies of requests, never larger than allowed and never on the disk."""

from collections.abc import AsyncIterator

from starlette.formparsers import MultiPartException
from starlette.formparsers import MultiPartParser
from starlette.requests import ClientDisconnect

from tp_keras.errors import UserError

# What is thrown away of a body that is too large, so that its sender, who
# reads nothing before all is sent, gets the answer.
_MOST_DISCARDED = 1 << 30


class BodyError(UserError):
    """A body that can't be taken; `status` is that of HTTP."""

    def __init__(self, message: str, status: int):
        super().__init__(message)
        self.status = status


async def read_body(request, most: int) -> bytes:
    """Returns the body of a request.

    Raises:
        BodyError: If it has more than `most` bytes.
    """
    return b"".join([chunk async for chunk in limited(request, most)])


async def limited(request, most: int) -> AsyncIterator[bytes]:
    """Yields the chunks of a body, and raises as `read_body` at its end."""
    size = 0
    length = request.headers.get("content-length", "")
    too_large = length.isdecimal() and int(length) > most
    try:
        async for chunk in request.stream():
            size += len(chunk)
            too_large = too_large or size > most
            if not too_large:
                yield chunk
            elif size > _MOST_DISCARDED:
                break
    except ClientDisconnect as error:
        raise BodyError("The request ended before its body.", 400) from error
    if too_large:
        raise BodyError(
            f"The request is too large. Expected at most {most >> 20} MB.", 413
        )


async def read_form(request, most: int) -> dict[str, str | bytes]:
    """Returns the fields of a form by name: texts, and files as bytes.

    A field that is sent twice has its last value.

    Args:
        request: A request with a body of `multipart/form-data`.
        most: Bytes of a body that is not too large.

    Raises:
        BodyError: If it is too large, or no such form.
    """
    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        raise BodyError(
            "Expected a form of the type multipart/form-data. "
            f"Received: {kind!r}",
            415,
        )
    parser = MultiPartParser(
        request.headers,
        limited(request, most),
        max_files=1,
        max_fields=20,
        max_part_size=1 << 16,
    )
    # A file larger than that would be written to the disk.
    parser.spool_max_size = most + 1
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise BodyError(
            f"The form can't be read: {error}. Expected a field and at most "
            "one file.",
            400,
        ) from error
    fields = {}
    for name, value in form.multi_items():
        is_text = isinstance(value, str)
        fields[name] = value if is_text else await value.read()
    await form.close()
    return fields
