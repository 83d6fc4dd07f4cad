"""What disks, copies and editors do to files: harmless, and never by hand."""

import json


def cut(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def empty(path):
    path.write_bytes(b"")


def flip(path, place=0.5, mask=1):
    data = bytearray(path.read_bytes())
    data[int(len(data) * place)] ^= mask
    path.write_bytes(data)


def make_no_utf8(path):
    flip(path, mask=0x80)


def delete(path):
    path.unlink()


DAMAGES = (cut, empty, flip, make_no_utf8, delete)

# JSON that is no object of the kind that was written.
OTHER_JSON = ("[]", '"text"', "5", "null", "{}", '{"a": []}')

# In place of any value.
OTHER_VALUES = ([], "text", -1, None, {"a": {}})


def with_other_values(path, drop=(), others=OTHER_VALUES):
    """Yields the name of each value of a JSON file, put by others in turn."""
    text = path.read_text()
    values = {k: v for k, v in json.loads(text).items() if k not in drop}
    for name in values:
        for other in others:
            path.write_text(json.dumps(values | {name: other}))
            yield name
    path.write_text(text)
