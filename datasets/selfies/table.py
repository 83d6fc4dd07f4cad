"""The table of the Selfie data set: its columns, as the file itself has none.

36 attributes of 46,836 selfies and how popular each was: Kalayeh et al., How to
take a good selfie?, ACM Multimedia 2015. Blanks separate the cells; an
attribute is -1 (no), 1 (yes) or 0 (not known).
"""

COLUMNS = (
    *("image", "popularity"),
    *("partial_faces", "is_female"),
    *("baby", "child", "teenager", "youth", "middle_age", "senior"),
    *("white", "black", "asian"),
    *("oval_face", "round_face", "heart_face"),
    *("smiling", "mouth_open", "frowning"),
    *("wearing_glasses", "wearing_sunglasses", "wearing_lipstick"),
    *("tongue_out", "duck_face"),
    *("black_hair", "blond_hair", "brown_hair", "red_hair"),
    *("curly_hair", "straight_hair", "braid_hair"),
    *("showing_cellphone", "using_earphone", "using_mirror"),
    *("braces", "wearing_hat", "harsh_lighting", "dim_lighting"),
)
UNKNOWN = "0"


def layout(first_line: str) -> dict:
    """Returns what a reader of tables must know of this one, of others nothing.

    Args:
        first_line: The first line of a file.

    Returns:
        The `names` of its columns and what stands for `missing`; an empty
        dict unless the line has as many cells, and ends in attributes.
    """
    cells = first_line.split()
    is_row = len(cells) == len(COLUMNS) and set(cells[2:]) <= {"-1", "0", "1"}
    return {"names": COLUMNS, "missing": (UNKNOWN,)} if is_row else {}
