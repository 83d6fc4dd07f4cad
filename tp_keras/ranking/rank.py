"""Ranks the attributes of a table by how they go with a target."""

import dataclasses
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
from tp_keras.evaluation import contingency
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
        check_name(column, [*table.columns], "column")
    table = table.drop(columns=[*{*settings.ignore} - {target}])
    table = table[table[target].notna()].reset_index(drop=True)
    groups, repeated = find_copies(table, settings.quantiles)
    how = {"variant": settings.copies}
    about = [share("repeated_rows", repeated.sum(), len(table), **how)]
    if settings.copies == ONCE:
        groups, table = groups[~repeated], table[~repeated]
    training = _split(groups, settings)
    columns = {
        column: read_column(table[column], training, settings.quantiles)
        for column in table.columns
    }
    classes = columns.pop(target)
    if classes.problem:
        raise UserError(
            f"The target {target} can't be ranked against. Expected a number, "
            "or classes that several rows share. "
            f"Received: {classes.problem} in {training.sum():,} rows"
        )
    columns = [_checked(each, classes, training) for each in columns.values()]
    usable = [each for each in columns if not each.problem]
    if not usable:
        raise UserError(
            "Expected an attribute with two values or more beside the target "
            f"{target}. Received: "
            + ", ".join(f"{each.name}: {each.problem}" for each in columns)
        )
    top = settings.top or classes.levels[-1]
    check_name(top, classes.levels, "top class of the target")
    training &= classes.known
    found = [*_describe(classes, settings.quantiles, training)]
    for each in columns:
        found += _measure(each, classes, training, classes.levels.index(top))
    found += _rank(usable, classes, training, groups, settings)
    where = {"task": target, "seed": settings.seed, "dataset": name}
    where["group"] = ALL
    made = [{"split": TRAINING} | fields for fields in about + found]
    return [Record(**where, **fields) for fields in _adjust(made)]


def check_name(name: str, known: Sequence[str], what: str) -> None:
    """Raises `UserError` unless a name is known, and says which is near."""
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UserError(
            f"Expected a {what} out of {', '.join(known)}. "
            f"Received: {name}{hint}"
        )


def _checked(column, classes, training):
    """Returns a column, with a problem if its rows are all of one class."""
    if not column.problem:
        own = classes.codes[training & column.known]
        if not np.ptp(own[own >= 0]):
            problem = f"{classes.name} is the same in its rows"
            return dataclasses.replace(column, problem=problem)
    return column


def find_copies(
    table: pd.DataFrame, quantiles: int
) -> tuple[np.ndarray, np.ndarray]:
    """Finds rows that are copies of others.

    Names, which differ in copies too, are not compared. In a table of few
    columns rows are alike by chance: such are no copies.

    Args:
        table: Texts, as `read_table` returns them.
        quantiles: Bins that numbers are read in.

    Returns:
        A number for each kind of row, int64 `[rows]`; which rows repeat an
        earlier one, bool `[rows]`.
    """
    every = np.ones(len(table), bool)
    compared = [
        name
        for name in table
        if not read_column(table[name], every, quantiles).problem
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
    table = contingency.count_table(own, others, size)
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
    size = len(classes.levels)
    levels = [(each.codes[training], len(each.levels)) for each in columns]

    def measure(weights):
        """Returns the regression, and what each way makes of attributes."""
        model = regression.fit(matrix, others, weights)
        strengths = regression.strengths(model, matrix, design.owners)
        associations = [
            contingency.cramers_v(
                contingency.count_table(own, others, (count, size), weights)
            )
            for own, count in levels
        ]
        return model, np.nan_to_num([associations, strengths])

    model, values = measure(np.ones(len(matrix)))
    draws = [
        _ranks(measure(weights)[1])
        for weights in _draws(others, groups[training], settings)
    ]
    draws, ranks = np.array(draws), _ranks(values)
    nearest, correlations = design.nearest(training)
    for place, column in enumerate(columns):
        fields = {"count": len(matrix), "class_name": column.name}
        yield figure(BY_REGRESSION, values[1, place], **fields)
        for way, name in enumerate((BY_TABLE, BY_REGRESSION)):
            drawn = draws[:, way, place]
            own = {"draws": drawn, "variant": name}
            yield resampled("rank", ranks[way, place], **own, **fields)
        if len(columns) > 1:
            other = {"variant": columns[nearest[place]].name}
            value = correlations[place]
            yield figure("nearest_correlation", value, **fields, **other)
    held_out = ~training & classes.known
    yield from _judge(model, design.matrix[held_out], classes.codes[held_out])


def _ranks(values):
    """Ranks the last axis, 1 the largest; what rounding tells apart ties."""
    return stats.rankdata(-np.round(values, 9), axis=-1)


def _draws(classes, groups, settings) -> Iterator[np.ndarray]:
    """Draws rows with their copies: how often each, float64 `[rows]`."""
    _, kinds = np.unique(groups, return_inverse=True)
    generator = np.random.default_rng(settings.seed)
    size = kinds.max() + 1, settings.bootstraps
    blocks = intervals.resample_rows(*size, generator)
    every = (drawn for block in blocks for drawn in block)
    looks = {"desc": "Ranks again", "unit": "draw", "delay": 2}
    for drawn in tqdm.tqdm(every, total=settings.bootstraps, **looks):
        weights = drawn[kinds].astype(np.float64)
        if np.ptp(classes[weights > 0]):
            yield weights


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
    """Adds what needs all attributes: adjusted p-values, another rank."""
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
