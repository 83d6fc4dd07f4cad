"""How well the attributes of a table tell a number, with and without leaks."""

import dataclasses
import math
import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
import threadpoolctl
import tqdm
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupShuffleSplit

from tp_keras.errors import UserError
from tp_keras.errors import check_range
from tp_keras.evaluation.figures import figure
from tp_keras.ranking.columns import NUMERIC
from tp_keras.ranking.columns import quantile_edges
from tp_keras.ranking.columns import read_column
from tp_keras.ranking.rank import check_name
from tp_keras.ranking.rank import find_copies
from tp_keras.records.record import ALL
from tp_keras.records.record import Record

# How rows are made ready, in the order of a table. Those that leak come last.
ONCE = "each row once"
TOGETHER = "copies kept together"
AFTER = "split, then balanced"
SPLIT = "copies split"
BEFORE = "balanced, then split"
LEAKS = (SPLIT, BEFORE)

# Settings of gradient boosting that learn little by heart.
BOOSTED = {
    "learning_rate": 0.05,
    "max_leaf_nodes": 8,
    "min_samples_leaf": 40,
    "random_state": 0,
}

BOOSTING, LINEAR = "boosting", "linear"

# R2 and Spearman's correlation of the number; accuracy of its class by a
# classifier, by the regression cut at the edges, and of the largest class.
R2, SPEARMAN = "r2", "spearman"
CLASSIFIED, CUT, LARGEST = "class_accuracy", "cut_accuracy", "largest_class"


@dataclasses.dataclass(frozen=True)
class PredictionSettings:
    """How it is measured.

    Raises:
        UserError: If a number is out of its range.
    """

    classes: int = 3
    """Classes of the number with equally many training rows each."""
    repeats: int = 5
    """How often rows are split."""
    test_share: float = 0.2
    """Share of the rows that is held out."""
    balance: tuple[str, ...] = ()
    """Columns of flags; rows with one of them are repeated until there are so
    many, to show what it does before the split and after it."""
    balance_count: int = 1000
    """To how many rows of each of these."""
    seed: int = 0
    """Seed of all splits and repetitions."""

    def __post_init__(self):
        check_range(
            self,
            classes=(2, 10),
            repeats=(2, 1000),
            test_share=(0.05, 0.95),
            balance_count=(1, 1_000_000),
        )


_DEFAULTS = PredictionSettings()


def predict_column(
    table: pd.DataFrame,
    target: str,
    settings: PredictionSettings = _DEFAULTS,
    name: str | None = None,
) -> list[Record]:
    """Measures how well all other columns tell a number, way by way.

    By gradient boosting, which takes unknown cells as such, and by a linear
    model with a penalty. Rows without the target are left out. The intervals
    are those of means over splits that share rows, whose variance is more than
    that of independent ones.

    Args:
        table: What `read_table` returned.
        target: Name of a column of numbers.
        settings: How it is measured.
        name: What the records call the table.

    Returns:
        Records: `task` is the target, `variant` the way, and `class_name` what
        learned it.

    Raises:
        UserError: If a name is not there, the target holds no numbers, or
            a column to balance by no flags.

    Source:
        Nadeau and Bengio, Inference for the generalization error, Machine
        Learning 52, 2003.
    """
    for column in (target, *settings.balance):
        check_name(column, [*table.columns], "column")
    table = table[table[target].notna()].reset_index(drop=True)
    numbers = pd.to_numeric(table[target], errors="coerce").to_numpy(float)
    if not np.isfinite(numbers).all() or len(np.unique(numbers)) < 10:
        raise UserError(
            f"Expected a column of numbers with ten values or more. Received: "
            f"target={target}, {len(np.unique(numbers))} of them in "
            f"{len(numbers):,} rows"
        )
    groups, repeated = find_copies(table, settings.classes)
    rare = {column: _flag(table, column) for column in settings.balance}
    features = _features(table.drop(columns=target), settings.classes)
    ways = _ways(groups, repeated, rare, settings)
    made, records = {}, []
    total = settings.repeats * len(ways)
    looks = {"desc": "Learns", "unit": " splits", "delay": 2}
    with tqdm.tqdm(total=total, **looks) as bar:
        for way, splits in ways.items():
            for training, test in splits:
                rows = features, numbers, training, test
                # Tables this small take longer where threads share them.
                with threadpoolctl.threadpool_limits(1):
                    learned = list(_learn(*rows, settings.classes))
                for figures in learned:
                    made.setdefault((way, *figures[:2]), []).append(
                        (figures[2], len(test) / len(training), len(test))
                    )
                bar.update()
    where = {"task": target, "group": ALL, "seed": settings.seed}
    for (way, learner, metric), values in made.items():
        records.append(
            Record(
                **where,
                dataset=name,
                variant=way,
                class_name=learner,
                **_mean(metric, values),
            )
        )
    share = repeated.mean()
    about = figure("repeated_rows", share, len(table))
    return [Record(**where, dataset=name, **about), *records]


def _mean(metric, values):
    """Returns a figure's mean over splits, with an interval."""
    found, ratios, counts = np.transpose(values)
    mean, count = found.mean(), int(counts.mean())
    # Splits share rows, and so do their errors.
    error = math.sqrt((1 / len(found) + ratios.mean()) * found.var(ddof=1))
    width = stats.t.ppf(0.975, len(found) - 1) * error
    return figure(metric, mean, count, (mean - width, mean + width))


def _flag(table, column) -> np.ndarray:
    """Returns which rows have a flag: the larger of two values."""
    numbers = pd.to_numeric(table[column], errors="coerce").to_numpy(float)
    known = numbers[np.isfinite(numbers)]
    if len(np.unique(known)) != 2:
        raise UserError(
            "Expected a column of flags, two numbers, to balance by. "
            f"Received: balance={column}, with {len(np.unique(known))} numbers"
        )
    return numbers == known.max()


def _features(table, quantiles) -> np.ndarray:
    """Returns the attributes as numbers [rows, numbers], NaN where unknown."""
    every, found = np.ones(len(table), bool), []
    for name in table:
        column = read_column(table[name], every, quantiles)
        if column.problem:
            continue
        if column.kind == NUMERIC:
            found.append(column.numbers)
            continue
        for level in range(1, len(column.levels)):
            own = (column.codes == level).astype(float)
            found.append(np.where(column.known, own, np.nan))
    if not found:
        raise UserError(
            "Expected a column beside the target that several rows share. "
            f"Received: {', '.join(table) or 'none'}"
        )
    return np.stack(found, axis=1)


def _ways(groups, repeated, rare, settings) -> dict[str, list]:
    """Returns the splits of each way, pairs of training and test rows."""
    rows = np.arange(len(groups))
    once = rows[~repeated]

    def split(own, together=None):
        splitter = GroupShuffleSplit(
            settings.repeats,
            test_size=settings.test_share,
            random_state=settings.seed,
        )
        parts = np.arange(len(own)) if together is None else together[own]
        return [
            (own[training], own[test])
            for training, test in splitter.split(own, groups=parts)
        ]

    ways = {ONCE: split(once)}
    if repeated.any():
        ways[TOGETHER] = split(rows, groups)
    if rare:
        ways[AFTER] = [
            (_balance(training, rare, settings), test)
            for training, test in split(once)
        ]
    if repeated.any():
        ways[SPLIT] = split(rows)
    if rare:
        ways[BEFORE] = split(_balance(once, rare, settings))
    return ways


def _balance(rows, rare, settings) -> np.ndarray:
    """Repeats rows by chance until each flag has as many as it should."""
    generator = np.random.default_rng(settings.seed)
    parts = [rows]
    for flag in rare.values():
        own = rows[flag[rows]]
        missing = settings.balance_count - len(own)
        if len(own) and missing > 0:
            parts.append(generator.choice(own, missing))
    return np.concatenate(parts)


def has_values(features: np.ndarray) -> np.ndarray:
    """Returns which columns `[rows, columns]` have any: bool `[columns]`.

    Gradient boosting takes unknown values, and fails where there are no others.
    """
    return ~np.isnan(features).all(axis=0)


def _learn(features, numbers, training, test, classes) -> Iterator[tuple]:
    """Yields learner, metric and value of one split."""
    edges = quantile_edges(numbers[training], classes)
    levels = np.searchsorted(edges, numbers)
    features = features[:, has_values(features[training])]
    mean = np.nanmean(features[training], axis=0)
    filled = np.where(np.isnan(features), mean, features)
    makers = {
        BOOSTING: (
            features,
            HistGradientBoostingRegressor(max_iter=150, **BOOSTED),
            HistGradientBoostingClassifier(max_iter=80, **BOOSTED),
        ),
        LINEAR: (
            filled,
            RidgeCV(np.logspace(0, 4, 9)),
            LogisticRegression(C=0.1, max_iter=500),
        ),
    }
    true, wanted = numbers[test], levels[test]
    for learner, (known, regressor, classifier) in makers.items():
        regressor.fit(known[training], numbers[training])
        found = regressor.predict(known[test])
        error = np.square(true - found).mean()
        guess = np.square(true - numbers[training].mean()).mean()
        yield learner, R2, 1 - error / guess
        with warnings.catch_warnings():
            # Of an answer that never changes there is no correlation.
            warnings.simplefilter("ignore", stats.ConstantInputWarning)
            order = stats.spearmanr(found, true).statistic
        yield learner, SPEARMAN, float(np.nan_to_num(order))
        classifier.fit(known[training], levels[training])
        right = classifier.predict(known[test]) == wanted
        yield learner, CLASSIFIED, right.mean()
        yield learner, CUT, (np.searchsorted(edges, found) == wanted).mean()
    most = np.bincount(levels[training]).argmax()
    yield "guess", LARGEST, (wanted == most).mean()
