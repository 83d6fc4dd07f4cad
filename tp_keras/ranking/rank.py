"""Ranks the attributes of a table by how they go with a target."""

import difflib
import math
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np
import pandas as pd
import tqdm
from scipy import stats
from sklearn.model_selection import GroupShuffleSplit

from tp_keras.errors import UserError
from tp_keras.evaluation.figures import figure
from tp_keras.evaluation.figures import resampled
from tp_keras.evaluation.figures import share
from tp_keras.ranking import measures
from tp_keras.ranking import regression
from tp_keras.ranking.columns import BINARY
from tp_keras.ranking.columns import NUMERIC
from tp_keras.ranking.columns import Column
from tp_keras.ranking.columns import read_column
from tp_keras.ranking.settings import ONCE
from tp_keras.ranking.settings import RankingSettings
from tp_keras.records import intervals
from tp_keras.records.record import ALL
from tp_keras.records.record import Record

TRAINING, HELD_OUT = "training part", "held-out part"

# By what attributes are ranked.
BY_TABLE, BY_REGRESSION = "cramers_v", "logistic_strength"
BY_SCIKIT_LEARN = "sklearn_chi2"

# Rows are copies if so many times more pairs are alike than would be if the
# columns were independent.
_MANY = 10

_DEFAULTS = RankingSettings()


def rank_attributes(
    table: pd.DataFrame,
    target: str,
    settings: RankingSettings = _DEFAULTS,
    name: str | None = None,
) -> list[Record]:
    """Measures every attribute of a table against one of its columns.

    Rows without the target are left out, of each attribute those without it.
    A copy of a row is no second witness: it is left out, or else stays in the
    part of the other, and is drawn with it.

    Args:
        table: What `read_table` returned.
        target: Name of a column.
        settings: How to rank.
        name: What the records call the table.

    Returns:
        Records: `task` is the target, `class_name` the attribute and
        `predicted_class` a class of the target.

    Raises:
        UserError: If the target or another name is not there, the target can't
            be told, or no attribute is left.
    """
    for column in (target, *settings.ignore):
        _check_name(column, [*table.columns], "column")
    table = table.drop(columns=[*{*settings.ignore} - {target}])
    table = table[table[target].notna()].reset_index(drop=True)
    groups, repeated = _find_copies(table, settings)
    about = [share("repeated_rows", repeated.sum(), len(table))]
    if settings.copies == ONCE:
        groups, table = groups[~repeated], table[~repeated]
    training = _split(groups, settings)
    columns = {
        column: read_column(table[column], training, settings.quantiles)
        for column in table.columns
    }
    classes = columns.pop(target)
    _check_target(classes, len(table))
    usable = [each for each in columns.values() if not each.problem]
    if not usable:
        raise UserError(
            "Expected one or more attributes with two values or more beside "
            f"the target {target}. Received: "
            + ", ".join(f"{c.name}: {c.problem}" for c in columns.values())
        )
    top = settings.top or classes.levels[-1]
    _check_name(top, classes.levels, "top class of the target")
    training &= classes.known
    found = [*_describe(classes, settings.quantiles, training)]
    for each in columns.values():
        found += _measure(each, classes, training, classes.levels.index(top))
    found += _rank(usable, classes, training, groups, settings)
    where = {"task": target, "seed": settings.seed, "dataset": name}
    where["group"] = ALL
    made = [{"split": TRAINING} | fields for fields in about + found]
    return [Record(**where, **fields) for fields in _adjust(made)]


def _check_name(name, known, what):
    """Raises unless a name is known, and says which is near."""
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UserError(
            f"Expected a {what} out of {', '.join(known)}. "
            f"Received: {name}{hint}"
        )


def _check_target(classes: Column, num_rows: int):
    """Raises unless a target has classes that repeat."""
    problem = classes.problem
    if problem:
        raise UserError(
            f"The target {classes.name} can't be ranked against. Expected a "
            "number, or classes that several rows share. "
            f"Received: {problem} in {num_rows:,} rows"
        )


def _find_copies(table, settings):
    """Finds rows that are copies of others.

    Names, which differ in copies too, are not compared. In a table of few
    columns rows are alike by chance: such are no copies.

    Returns:
        A number for each kind of row, int64 `[rows]`; which rows repeat an
        earlier one, bool `[rows]`.
    """
    every = np.ones(len(table), bool)
    compared = [
        name
        for name in table
        if not read_column(table[name], every, settings.quantiles).problem
    ]
    cells = table[compared].fillna("")
    by_kind = cells.groupby(compared, sort=False) if compared else None
    pairs = (by_kind.size() * (by_kind.size() - 1)).sum() if compared else 0
    shares = [cells[name].value_counts(normalize=True) for name in compared]
    by_chance = len(table) ** 2 * math.prod((each**2).sum() for each in shares)
    repeated = cells.duplicated().to_numpy()
    if pairs <= _MANY * by_chance or repeated.mean() > 0.5:
        return np.arange(len(table)), ~every
    return by_kind.ngroup().to_numpy(), repeated


def _split(groups, settings):
    """Draws the rows of the training part, bool `[rows]`: whole groups."""
    training = np.ones(len(groups), bool)
    if settings.training_share < 1 and groups.max(initial=0) > 0:
        splitter = GroupShuffleSplit(
            1, train_size=settings.training_share, random_state=settings.seed
        )
        training[next(splitter.split(groups, groups=groups))[1]] = False
    return training


def _describe(classes, quantiles, training) -> Iterator[dict]:
    """Tells the shares of the classes, and how many bins were asked for."""
    if classes.kind == NUMERIC:
        yield figure("bins_asked", quantiles, training.sum())
    counts = np.bincount(classes.codes[training], minlength=len(classes.levels))
    for level, hits in zip(classes.levels, counts, strict=True):
        own = {"predicted_class": level}
        yield share("class_share", hits, counts.sum(), **own)


def _measure(column, classes, training, top) -> Iterator[dict]:
    """Measures one attribute by itself."""
    own, others = column.codes[training], classes.codes[training]
    fields = {"class_name": column.name}
    known = own >= 0
    if column.problem:
        problem = {"variant": column.problem}
        yield figure(BY_TABLE, None, known.sum(), **fields) | problem
        return
    size = len(column.levels), len(classes.levels)
    table = measures.count_table(own, others, *size)
    kind = {"variant": column.kind}
    yield figure("levels", size[0], known.sum(), **fields, **kind)
    for measured in measures.measure_table(table):
        yield measured | fields
    if column.kind == BINARY:
        odds = {"variant": column.levels[1]}
        odds["predicted_class"] = classes.levels[top]
        yield measures.measure_odds(table, top) | fields | odds
        yield measures.measure_scikit_learn(own, others) | fields
        yield share("ones", table[1].sum(), table.sum(), **fields)
    for row, level in zip(table, column.levels, strict=True):
        for hits, name in zip(row, classes.levels, strict=True):
            cell = {"variant": level, "predicted_class": name}
            yield share("class_share", hits, row.sum(), **fields, **cell)


def _rank(columns: Sequence[Column], classes, training, groups, settings):
    """Ranks attributes, and draws rows again for the intervals of the ranks."""
    design = regression.make_design(columns, training)
    matrix, others = design.matrix[training], classes.codes[training]
    num_classes = len(classes.levels)
    tables = [
        (column.codes[training], len(column.levels)) for column in columns
    ]

    def measure(weights):
        model = regression.fit(matrix, others, weights)
        by_table = [
            measures.cramers_v(
                measures.count_table(own, others, size, num_classes, weights)
            )
            for own, size in tables
        ]
        strong = regression.strengths(model, matrix, design.owners)
        return model, {BY_TABLE: np.array(by_table), BY_REGRESSION: strong}

    model, found = measure(np.ones(len(matrix)))
    _, kinds = np.unique(groups[training], return_inverse=True)
    draws = {name: [] for name in found}
    bar = tqdm.tqdm(
        total=settings.bootstraps, desc="Draws", unit="draw", delay=2
    )
    generator = np.random.default_rng(settings.seed)
    with bar:
        for block in intervals.resample_rows(
            kinds.max() + 1, settings.bootstraps, generator
        ):
            for drawn in block:
                weights = drawn[kinds].astype(np.float64)
                bar.update()
                if np.ptp(others[weights > 0]) == 0:
                    continue
                for name, values in measure(weights)[1].items():
                    draws[name].append(stats.rankdata(-values))
    nearest = zip(*design.nearest(training), strict=True)
    count = len(matrix)
    for place, (column, (other, value)) in enumerate(
        zip(columns, nearest, strict=True)
    ):
        fields = {"class_name": column.name}
        strength = found[BY_REGRESSION][place]
        yield figure(BY_REGRESSION, strength, count, **fields)
        if len(columns) > 1:
            near = fields | {"variant": columns[other].name}
            yield figure("nearest_correlation", value, count, **near)
        for name, values in found.items():
            own = np.array(draws[name])[:, place]
            rank = stats.rankdata(-values)[place]
            kind = fields | {"variant": name}
            yield resampled("rank", rank, count, own, **kind)
    held_out = ~training & classes.known
    yield from _judge(model, design.matrix[held_out], classes.codes[held_out])


def _judge(model, matrix, classes):
    """Measures how well a regression tells the classes of rows it never saw."""
    if not len(matrix):
        return
    hits = classes == model.predict(matrix)
    kinds, counts = np.unique(classes, return_counts=True)
    right = np.array([hits[classes == kind].sum() for kind in kinds])
    interval = intervals.mean_of_shares_interval(right, counts)
    value = (right / counts).mean()
    fields = {"split": HELD_OUT, "variant": f"1 of {len(kinds)}"}
    yield figure("balanced_accuracy", value, len(matrix), interval, **fields)


def _adjust(found):
    """Adds what needs all attributes: adjusted p-values, scikit-learn's rank."""
    yield from found
    tested = [each for each in found if each["metric"] == "p_value"]
    values = stats.false_discovery_control([t["value"] for t in tested])
    for fields, value in zip(tested, values, strict=True):
        yield fields | {"metric": "adjusted_p_value", "value": float(value)}
    scored = [
        each
        for each in found
        if each["metric"] == BY_SCIKIT_LEARN and each["value"] is not None
    ]
    ranks = stats.rankdata([-each["value"] for each in scored])
    for fields, rank in zip(scored, ranks, strict=True):
        kind = {"metric": "rank", "variant": BY_SCIKIT_LEARN}
        yield fields | kind | {"value": float(rank)}
