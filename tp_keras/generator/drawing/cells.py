"""Which labels a set of generated portraits shall have."""

import numpy as np

from tp_keras.command_line import command_line
from tp_keras.errors import UserError
from tp_keras.tasks import GENDER
from tp_keras.tasks import TASK_NAMES
from tp_keras.tasks import UNKNOWN

CELLS = ("natural", "balanced", "level")


def same_labels(labels: dict[str, str], count: int) -> dict[str, list[str]]:
    """Returns one set of labels for every row.

    Args:
        labels: Class name of each task, from `tp_keras.tasks.complete_labels`.
        count: Int. Number of rows.
    """
    return {name: [labels[name]] * count for name in TASK_NAMES}


def choose_labels(
    labels: dict[str, str],
    count: int,
    cells: str,
    label_counts: list[dict] | None,
    seed: int = 0,
) -> dict[str, list[str]]:
    """Shares out rows among the combinations of labels, the cells.

    Only cells that the model learned from are asked for: of others it knows
    nothing. `"natural"` keeps their shares, with the labels that are missing.
    The other two leave out cells with a missing label. `"balanced"` gives each
    the same number. `"level"` fills up the rarest, so that the training
    portraits and these rows together are as even as this many rows allow.

    Args:
        labels: Class name of each task, from `complete_labels`; what is not
            `"unknown"` restricts the cells.
        count: Int. Number of rows.
        cells: `"natural"`, `"balanced"` or `"level"`.
        label_counts: What the model learned from, as a bundle's
            `metadata.json` has it; None if it is not known.
        seed: Int. Settles the order of the rows.

    Returns:
        Dict of task name to class names, one a row, in mixed order.

    Raises:
        UserError: If `cells` is unknown, nothing is known of the training
            portraits, or none of them has these labels.

    Example:
        >>> label_counts = [
        ...     {"gender": "male", "hair_color": "gray",
        ...      "hair_type": "straight", "count": 3},
        ...     {"gender": "male", "hair_color": "bald",
        ...      "hair_type": "bald", "count": 1},
        ... ]
        >>> labels = complete_labels({})
        >>> chosen = choose_labels(labels, 4, "level", label_counts)
        >>> sorted(chosen["hair_color"])
        ['bald', 'bald', 'bald', 'gray']
    """
    if cells not in CELLS:
        raise UserError(
            f"Expected cells out of {', '.join(CELLS)}. Received: cells={cells}"
        )
    if not label_counts:
        raise UserError(
            "How many portraits of each kind the model learned from is not "
            "known, as its data is gone; "
            f"`{command_line('training.build_dataset')}` makes it again. "
            "Without --cells all portraits get the labels that are given. "
            f"Received: cells={cells}"
        )
    table = [
        cell
        for cell in label_counts
        if all(labels[n] in (UNKNOWN, cell[n]) for n in TASK_NAMES)
        and (cells == "natural" or UNKNOWN not in cell.values())
    ]
    if not table:
        given = {n: c for n, c in labels.items() if c != UNKNOWN}
        raise UserError(
            "None of the portraits that the model learned from has these "
            f"labels, so it can't be asked for them. Received: {given}"
        )
    present = np.array([cell["count"] for cell in table])
    if cells == "natural":
        shares = _largest_remainders(present * (count / present.sum()), count)
    else:
        if cells == "balanced":
            present = np.zeros_like(present)
        shares = _fill_up(present, count)
    rows = np.repeat(np.arange(len(table)), shares)
    rows = np.random.default_rng(seed).permutation(rows)
    return {name: [table[row][name] for row in rows] for name in TASK_NAMES}


def require_gender(labels: dict[str, list[str]]) -> None:
    """Raises if a row has no gender, which the data set's own format needs.

    Raises:
        UserError: If so.
    """
    if UNKNOWN in labels[GENDER.name]:
        raise UserError(
            "Every portrait of a pack has a gender. Expected --gender, or "
            "--cells, which asks for what the model learned from. "
            f"Received: {GENDER.name}={UNKNOWN}"
        )


def _largest_remainders(wanted, total) -> np.ndarray:
    shares = np.floor(wanted).astype(int)
    # Stable, so that equal remainders are settled by the order of the cells.
    order = np.argsort(shares - wanted, kind="stable")
    shares[order[: total - shares.sum()]] += 1
    return shares


def _fill_up(present, total) -> np.ndarray:
    """Returns what each gets when `total` is poured onto the lowest."""
    order = np.argsort(present, kind="stable")
    heights = present[order]
    # How much it takes to raise the first ones to the height of the next.
    cost = heights * np.arange(len(heights)) - np.concatenate(
        ([0], np.cumsum(heights)[:-1])
    )
    reached = np.searchsorted(cost, total, side="right")
    level, rest = divmod(total + heights[:reached].sum(), reached)
    shares = np.zeros_like(present)
    shares[order[:reached]] = level - heights[:reached]
    shares[order[:rest]] += 1
    return shares
