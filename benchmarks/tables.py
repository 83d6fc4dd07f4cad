"""What the tables of several benchmarks need."""

import statistics


def median_ratio(ours, theirs) -> float:
    """Returns the median of `ours / theirs` over the rounds of both.

    What was measured in turns is compared within a round, so that a change of
    the machine's speed from round to round leaves the ratio as it is.

    Example:
        >>> median_ratio([2.0, 20.0, 3.0], [1.0, 10.0, 1.0])
        2.0
    """
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def print_markdown(header, rows) -> None:
    """Prints a table; cells are strings."""
    print("| " + " | ".join(header) + " |\n" + "|" + " --- |" * len(header))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)
