"""Which way up pictures lie, as their EXIF data tell, within a graph.

All files of a batch go on by one part at a time: what costs is the number of
operations, which is that of the file with the most parts before its pixels end
(PNG) or begin (JPEG).
"""

import tensorflow as tf

PNG_START = b"\x89PNG\r\n\x1a\n"
JPEG_START = b"\xff\xd8\xff"

# So that a file made of nothing but heads of parts can't hold up a server.
_MOST_PARTS = 10_000

# Numbers are read without a look at what is left: behind the end are zeros.
_PADDING = bytes(32)
_NOWHERE = -1

_EXIF_START = b"Exif\0\0"
_ORIENTATION = 0x0112
_SHORT = 3


def starts_with(files, start: bytes):
    """Says of each of the files, string `[...]`, whether it starts so."""
    return _text(files, 0, len(start)) == start


def read_orientations(files):
    """Returns the orientations of PNG and JPEG files, string `[batch]`.

    They are int32 `[batch]` from 1, which is upright, to 8; 1 where there are
    no EXIF data, or damaged ones.
    """
    size = tf.strings.length(files)
    is_png = starts_with(files, PNG_START)
    is_jpeg = starts_with(files, JPEG_START)
    files = tf.strings.join([files, _PADDING])
    # Each of them stops at once in files that are not its own.
    exif = tf.maximum(
        _find_in_png(files, size, is_png), _find_in_jpeg(files, size, is_jpeg)
    )

    def read(row):
        return tf.cond(
            row[1] == _NOWHERE,
            lambda: tf.constant(1),
            lambda: _read_orientation(*row),
        )

    # Most batches have none.
    return tf.cond(
        tf.reduce_all(exif == _NOWHERE),
        lambda: tf.ones_like(size),
        lambda: tf.map_fn(
            read,
            (files, exif),
            fn_output_signature=tf.TensorSpec((), tf.int32),
        ),
    )


def _find_in_png(files, size, is_png):
    """Returns where EXIF data begin; -1 if there are none."""

    def next_part(part, exif):
        head = _numbers(files, part, 2, tf.int32)
        length, kind = head[:, 0], head[:, 1]
        behind = part + 12 + length
        goes_on = (length >= 0) & (behind > part) & (behind <= size)
        goes_on &= kind != _number_of(b"IEND")
        return (
            tf.where(goes_on, behind, size),
            tf.where(kind == _number_of(b"eXIf"), part + 8, exif),
        )

    return _walk(next_part, tf.where(is_png, len(PNG_START), size), size)


def _find_in_jpeg(files, size, is_jpeg):
    """Returns where EXIF data begin; -1 if there are none before the scans."""

    def next_part(part, exif):
        head = _numbers(files, part, 2, tf.uint16)
        mark, length = head[:, 0], head[:, 1]
        # A mark may be filled up with 0xff before it.
        behind = part + tf.where(mark == 0xFFFF, 1, 2 + length)
        goes_on = (mark > 0xFF00) & (mark != 0xFFDA) & (behind <= size)
        is_exif = (mark == 0xFFE1) & (exif == _NOWHERE)
        is_exif &= _text(files, part + 4, len(_EXIF_START)) == _EXIF_START
        return (
            tf.where(goes_on, behind, size),
            tf.where(is_exif, part + 4 + len(_EXIF_START), exif),
        )

    return _walk(next_part, tf.where(is_jpeg, 2, size), size)


def _walk(next_part, first, size):
    return tf.while_loop(
        lambda part, _: tf.reduce_any(part < size),
        next_part,
        (first, tf.fill(tf.shape(size), _NOWHERE)),
        maximum_iterations=_MOST_PARTS,
    )[1]


def _read_orientation(data, exif):
    order = _text(data, exif, 4)
    is_little = order == b"II*\0"

    def numbers(place, count, dtype):
        return tf.where(
            is_little,
            _numbers(data, exif + place, count, dtype, little_endian=True),
            _numbers(data, exif + place, count, dtype),
        )

    # What is damaged may point anywhere, and count to anything.
    left = tf.strings.length(data) - exif - len(_PADDING)
    left = tf.maximum(left, 0)
    directory = numbers(4, 1, tf.int32)[0]
    found = (directory >= 0) & (directory < left)
    found &= is_little | (order == b"MM\0*")
    directory = tf.where(found, directory, 0)
    count = numbers(directory, 1, tf.uint16)[0]
    count = tf.minimum(count, (left - directory) // 12)
    # Each entry: tag, type, count, and a value, if it is a short number at its
    # beginning.
    entries = numbers(directory + 2, count * 6, tf.uint16)
    entries = tf.reshape(entries, (-1, 6))
    found &= (entries[:, 0] == _ORIENTATION) & (entries[:, 1] == _SHORT)
    value = tf.reduce_max(tf.where(found, entries[:, 4], 1))
    return tf.where((value >= 1) & (value <= 8), value, 1)


def _text(data, place, length):
    place = tf.convert_to_tensor(place)
    # One length for each place.
    return tf.strings.substr(data, place, tf.zeros_like(place) + length)


def _numbers(data, place, count, dtype, little_endian=False):
    """Returns int32 `[..., count]` that are read as `dtype` from `place`."""
    text = _text(data, place, count * dtype.size)
    return tf.cast(tf.io.decode_raw(text, dtype, little_endian), tf.int32)


def _number_of(kind):
    return int.from_bytes(kind, "big")
