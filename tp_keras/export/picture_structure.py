"""What a graph reads of picture files before it decodes them.

A file that fails to decode fails every request of its batch, and a graph
cannot catch that. So files are judged by their structure: chunk by chunk (PNG)
or segment by segment (JPEG) to the mark of their end, wherever that is. Behind
it there may be anything: phones append films and further pictures.

All files of a batch go on by one part at a time: what costs is the number of
operations, which is that of the file with the most parts.
"""

import tensorflow as tf

PNG_START = b"\x89PNG\r\n\x1a\n"
_JPEG_START = b"\xff\xd8\xff"

# As many pixels as TensorFlow decodes, and Pillow takes for no attack.
_MOST_PIXELS = 2**29 // 3
_LONGEST_SIDE = 2**16
# So that a file made of nothing but heads of parts can't hold up a server.
_MOST_PARTS = 10_000

# Numbers are read without a look at what is left: behind the end are zeros.
_PADDING = bytes(32)
_NOWHERE = -1

_EXIF_START = b"Exif\0\0"
_ORIENTATION = 0x0112
_SHORT = 3


def read_parts(files):
    """Goes through the parts of PNG and JPEG files, string `[batch]`.

    Returns tensors `[batch]`: the files with zeros behind their end, whether
    they are whole PNG files, and where JPEG scans and EXIF data begin.
    """
    size = tf.strings.length(files)
    is_png = _text(files, 0, len(PNG_START)) == PNG_START
    is_jpeg = _text(files, 0, len(_JPEG_START)) == _JPEG_START
    # Each of them stops at once in files that are not its own.
    files = tf.strings.join([files, _PADDING])
    whole_png, png_exif = _walk_png(files, size, is_png)
    scans, jpeg_exif = _walk_jpeg(files, size, is_jpeg)
    return files, whole_png, scans, tf.maximum(png_exif, jpeg_exif)


def judge(data, whole_png, scans, exif):
    """Says whether TensorFlow decodes a file, and which way up it is.

    Takes a row of `read_parts`; the orientation is an int32 scalar from 1,
    which is upright, to 8.
    """
    return whole_png | _has_end(data, scans), _orientation(data, exif)


def _walk_png(files, size, is_png):
    """Returns which files are whole, and where their EXIF data begin."""

    def next_part(part, whole, exif):
        head = _numbers(files, part, 2, tf.int32)
        length, kind = head[:, 0], head[:, 1]
        behind = part + 12 + length
        fits = (length >= 0) & (behind > part) & (behind <= size)
        return (
            tf.where(fits, behind, size),
            whole | (fits & (kind == _number_of(b"IEND"))),
            tf.where(kind == _number_of(b"eXIf"), part + 8, exif),
        )

    part, whole, exif = _walk(
        next_part,
        lambda part, whole, _: (part < size) & ~whole,
        (
            tf.where(is_png, len(PNG_START), size),
            tf.zeros_like(is_png),
            tf.fill(tf.shape(size), _NOWHERE),
        ),
    )
    head = _numbers(files, tf.where(is_png, 12, 0), 3, tf.int32)
    whole &= head[:, 0] == _number_of(b"IHDR")
    return whole & _is_size(head[:, 1], head[:, 2]), exif


def _walk_jpeg(files, size, is_jpeg):
    """Returns where scans and EXIF data begin; -1 if there are none.

    What TensorFlow doesn't decode has no scans, so that it is not whole.
    """

    def next_part(part, frame, exif, at_scan):
        head = _numbers(files, part, 2, tf.uint16)
        mark, length = head[:, 0], head[:, 1]
        # A mark may be filled up with 0xff before it.
        behind = part + tf.where(mark == 0xFFFF, 1, 2 + length)
        fits = (mark > 0xFF00) & (behind <= size)
        at_scan = fits & (mark == 0xFFDA)
        is_exif = (mark == 0xFFE1) & (exif == _NOWHERE)
        is_exif &= _text(files, part + 4, len(_EXIF_START)) == _EXIF_START
        # Baseline, extended or progressive.
        is_frame = (mark >= 0xFFC0) & (mark <= 0xFFC2)
        return (
            tf.where(at_scan, part, tf.where(fits, behind, size)),
            tf.where(is_frame, part, frame),
            tf.where(is_exif, part + 4 + len(_EXIF_START), exif),
            at_scan,
        )

    part, frame, exif, at_scan = _walk(
        next_part,
        lambda part, frame, exif, at_scan: (part < size) & ~at_scan,
        (
            tf.where(is_jpeg, 2, size),
            tf.zeros_like(size),
            tf.fill(tf.shape(size), _NOWHERE),
            tf.zeros_like(is_jpeg),
        ),
    )
    head = _numbers(files, frame, 10, tf.uint8)
    bits, components = head[:, 4], head[:, 9]
    decodable = at_scan & (frame > 0) & (bits == 8)
    decodable &= (components == 1) | (components == 3) | (components == 4)
    decodable &= _is_size(
        head[:, 5] * 256 + head[:, 6], head[:, 7] * 256 + head[:, 8]
    )
    return tf.where(decodable, part, _NOWHERE), exif


def _walk(next_part, goes_on, state):
    return tf.while_loop(
        lambda *state: tf.reduce_any(goes_on(*state)),
        next_part,
        state,
        maximum_iterations=_MOST_PARTS,
    )


def _is_size(height, width):
    """Says whether both sides of pictures are such as can be decoded."""
    fits = (height > 0) & (height < _LONGEST_SIDE)
    fits &= (width > 0) & (width < _LONGEST_SIDE)
    pixels = tf.cast(height, tf.int64) * tf.cast(width, tf.int64)
    return fits & (pixels <= _MOST_PIXELS)


def _has_end(data, scans):
    """Says whether a JPEG file ends after its scans begin.

    In them 0xff begins a mark, so that nothing but the end can look like it.
    Before them there may be whole pictures, as thumbnails.
    """

    def search():
        data_of_scans = _text(data, scans, tf.strings.length(data))
        found = tf.io.decode_raw(data_of_scans, tf.uint8)
        return tf.reduce_any((found[:-1] == 0xFF) & (found[1:] == 0xD9))

    return tf.cond(scans == _NOWHERE, lambda: tf.constant(False), search)


def _orientation(data, exif):
    """Returns the orientation that the EXIF data at `exif` tell of."""
    return tf.cond(
        exif == _NOWHERE,
        lambda: tf.constant(1),
        lambda: _read_orientation(data, exif),
    )


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
