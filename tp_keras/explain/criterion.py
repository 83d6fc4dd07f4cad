"""Which rule of attributes a label may be: one of them, or a pair."""

import dataclasses
import itertools
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np

from tp_keras.evaluation.figures import figure
from tp_keras.records import intervals
from tp_keras.records.record import ALL
from tp_keras.tasks import BINARY
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task

# The metrics, with a rule as `variant`: the mean of the two recalls, and which
# share of the label's entropy is known when the rule is.
RULE, INFORMATION = "rule_balanced_accuracy", "rule_information"

_NUM_BOOTSTRAPS = 1000

# What fewer portraits have, or all but fewer, tells too little of a label.
_LEAST_SHARE = 0.01

_EITHER = "{a} or {b}"

# Of a pair (a, b). The other combinations are negations of these.
_PAIRS = {
    "{a} and {b}": lambda a, b: a & b,
    "{a} but not {b}": lambda a, b: a & ~b,
    "{b} but not {a}": lambda a, b: b & ~a,
    _EITHER: lambda a, b: a | b,
    "{a} or {b}, but not both": lambda a, b: a ^ b,
}

_NUM_PERMUTATIONS = 200


@dataclasses.dataclass(frozen=True)
class Rules:
    """Rules of attributes, each true or false of a portrait.

    Attributes:
        names: One for each.
        parts: The attributes that each is made of.
        values: Bool `[rules, count]`.
    """

    names: tuple[str, ...]
    parts: tuple[tuple[str, ...], ...]
    values: np.ndarray

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many attributes each is made of."""
        return tuple(map(len, self.parts))

    def take(self, rows) -> "Rules":
        """Returns the same rules of some portraits."""
        return dataclasses.replace(self, values=self.values[:, rows])


def flag_thresholds(
    answers: Mapping[str, np.ndarray],
    tasks: Sequence[Task],
    labels: Mapping[str, np.ndarray],
) -> dict[str, float]:
    """Returns from which probability on portraits have a flag.

    So many have it as had it in the training: the probability of a rare flag
    seldom reaches a half. One that was never labelled has none.

    Args:
        answers: What `predict_answers` returns of the portraits.
        tasks: The tasks; others than of flags are left alone.
        labels: Labels of the training, -1 where missing.

    Returns:
        Dict: flag -> threshold, infinite where nobody has it.
    """
    found = {}
    for task in tasks:
        if task.kind != MULTI_LABEL:
            continue
        pairs = zip(answers[task.name].T, labels[task.name].T, strict=True)
        for name, (values, known) in zip(task.classes, pairs, strict=True):
            share = (known == 1).sum() / max((known >= 0).sum(), 1)
            place = np.quantile(values, 1 - share) if share else np.inf
            found[name] = float(place)
    return found


def attributes_of(
    answers: Mapping[str, np.ndarray],
    tasks: Sequence[Task],
    thresholds: Mapping[str, float] | None = None,
) -> dict[str, np.ndarray]:
    """Returns the attributes that a model's answers tell.

    Each class and flag is one, of two classes the second; a number is one that
    half of the portraits have: it is at least the median.

    Args:
        answers: What `predict_answers` returns.
        tasks: The tasks to read.
        thresholds: Of flags, see `flag_thresholds`; .5 where none is given.

    Returns:
        Dict: name -> bool `[count]`, without those that hardly any or nearly
        all portraits have.
    """
    found = {}
    for task in tasks:
        values = np.asarray(answers[task.name])
        for name, (_, index) in columns_of([task], answers).items():
            if task.kind == REGRESSION:
                found[name] = values >= np.median(values)
            elif task.kind == MULTI_LABEL:
                threshold = (thresholds or {}).get(name, 0.5)
                found[name] = values[:, index] >= threshold
            else:
                found[name] = task.predicted(values) == index
    return {
        name: values
        for name, values in found.items()
        if _LEAST_SHARE <= values.mean() <= 1 - _LEAST_SHARE
    }


def columns_of(
    tasks: Sequence[Task], answers: Mapping[str, np.ndarray]
) -> dict[str, tuple[Task, int]]:
    """Returns what attributes are called, and the answers that tell them.

    Args:
        tasks: The tasks to read.
        answers: As of `attributes_of`.

    Returns:
        Dict: name -> `Task` and index of the class or flag, 0 of a number.
    """
    found = {}
    for task in tasks:
        if task.kind == REGRESSION:
            middle = float(np.median(answers[task.name]))
            found[f"{task.name} from {middle:.3g}"] = task, 0
            continue
        first = 1 if task.kind == BINARY else 0
        for index, name in [*enumerate(task.classes)][first:]:
            is_flag = task.kind == MULTI_LABEL
            found[name if is_flag else f"{task.name} {name}"] = task, index
    return found


def make_rules(attributes: Mapping[str, np.ndarray]) -> Rules:
    """Returns every attribute alone, and every pair by AND, OR and XOR.

    Two that no portrait has both of, such as classes of one task, by OR alone.

    Example:
        >>> rules = make_rules({"a": np.array([True, False]),
        ...                     "b": np.array([True, True])})
        >>> rules.names[-1], rules.values[-1].tolist()
        ('a or b, but not both', [False, True])
    """
    names, parts, values = [], [], []
    for name, own in attributes.items():
        names.append(name)
        parts.append((name,))
        values.append(own)
    for (a, first), (b, second) in itertools.combinations(
        attributes.items(), 2
    ):
        for text, combine in _PAIRS.items():
            # Of what is never both the others say nothing new.
            if text != _EITHER and not (first & second).any():
                continue
            names.append(text.format(a=a, b=b))
            parts.append((a, b))
            values.append(combine(first, second))
    return Rules(tuple(names), tuple(parts), np.array(values, bool))


def balanced_accuracies(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns the mean of the two recalls of each rule, float64 `[..., rules]`.

    Args:
        values: Bool `[rules, count]`.
        labels: Integers `[..., count]`, 0 or 1, both of them there.
    """
    labels = np.asarray(labels, np.float32)
    values = np.asarray(values, np.float32)
    yes, no = labels.sum(-1), (1 - labels).sum(-1)
    hits = labels @ values.T
    false = values.sum(-1) - hits
    shares = hits / yes[..., None] - false / no[..., None]
    return 0.5 + 0.5 * shares.astype(np.float64)


def contingency(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns how often labels and rules are true, int `[rules, 2, 2]`.

    Args:
        values: Bool `[rules, count]`.
        labels: Integers `[count]`, 0 or 1.

    Returns:
        Counts by rule, label and what the rule says.
    """
    yes = np.stack([labels == 0, labels == 1], 1).astype(np.int64)
    said = np.asarray(values, np.int64) @ yes
    return np.stack([yes.sum(0) - said, said], axis=-1)


def information(counts: np.ndarray) -> np.ndarray:
    """Returns the share of the label's entropy that a rule tells.

    Their mutual information as a share (Theil's uncertainty coefficient).

    Args:
        counts: Numbers `[..., 2, 2]`, see `contingency`.

    Returns:
        Float64 `[...]` of 0 to 1.
    """
    shares = counts / counts.sum((-2, -1), keepdims=True)
    labels, said = shares.sum(-1), shares.sum(-2)
    both = _entropy(shares).sum(-1)
    of_label = _entropy(labels)
    told = of_label + _entropy(said) - both
    return np.clip(told / np.where(of_label > 0, of_label, 1.0), 0.0, 1.0)


def _entropy(shares):
    """Returns the entropy along the last axis, or its part, in nats."""
    logs = np.log(np.where(shares > 0, shares, 1.0))
    return -(shares * logs).sum(-1)


def rank(rules: Rules, labels: np.ndarray, seed: int = 0) -> tuple:
    """Ranks rules, or their negations, by how much of a label they explain.

    By their mutual information with it: where a pair has both attributes, what
    counts is whether most of those have the label, however rare it is. (The
    mean of the recalls weighs a rare class more, and takes "either" for
    "either, but not both" where some of an attribute is seen wrongly.)

    Args:
        rules: `Rules` of some portraits.
        labels: Integers `[count]`, 0 or 1.
        seed: Seed of the permutations.

    Returns:
        Numbers of the rules, the best first, int `[rules]`; whether it is the
        negation that tells the label, bool `[rules]` by the number of a rule;
        and what the best of all rules stays below in 19 of 20 cases when the
        labels are dealt out anew.
    """
    found = balanced_accuracies(rules.values, labels)
    generator = np.random.default_rng(seed)
    dealt = [generator.permutation(labels) for _ in range(_NUM_PERMUTATIONS)]
    by_chance = balanced_accuracies(rules.values, np.stack(dealt))
    best = np.abs(by_chance - 0.5).max(-1) + 0.5
    strength = information(contingency(rules.values, labels))
    # Of two that tell as much the simpler one.
    order = np.lexsort((rules.sizes, -np.round(strength, 9)))
    return order, found < 0.5, float(np.quantile(best, 0.95))


def measure_rules(
    rules: Rules,
    numbers: Sequence[int],
    negated: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray | None = None,
    group_names: Sequence[str] = (),
    null: float | None = None,
) -> Iterator[dict]:
    """Yields the fields of records of how well rules tell a label.

    The balanced accuracy, with an interval made of Wilson's of the two recalls;
    and of all portraits the information, with one by resampling.

    Args:
        rules: `Rules` of some portraits.
        numbers: Which to measure.
        negated: See `rank`.
        labels: Integers `[count]`, 0 or 1.
        groups: Integers `[count]`, for figures of each group as well.
        group_names: Names of the groups.
        null: See `rank`.
    """
    masks = {ALL: np.full(len(labels), True)}
    for index, name in enumerate(group_names):
        masks[name] = groups == index
    for number in numbers:
        says = rules.values[number] ^ negated[number]
        name = rule_name(rules, number, negated)
        (counts,) = contingency(says[None], labels)
        drawn = information(
            intervals.resample_confusion_matrix(
                counts, _NUM_BOOTSTRAPS, np.random.default_rng(0)
            )
        )
        yield figure(
            INFORMATION,
            information(counts),
            len(labels),
            intervals.percentile_interval(drawn),
            group=ALL,
            variant=name,
        )
        for group, mask in masks.items():
            rows = [mask & (labels == value) for value in (0, 1)]
            counts = np.array([part.sum() for part in rows])
            about = {"group": group, "variant": name}
            if not counts.all():
                yield figure(RULE, None, 0, **about)
                continue
            hits = [(~says & rows[0]).sum(), (says & rows[1]).sum()]
            yield figure(
                RULE,
                np.mean(hits / counts),
                counts.sum(),
                intervals.mean_of_shares_interval(hits, counts),
                **about,
                null=null if group == ALL else None,
            )


def rule_name(rules: Rules, number: int, negated: np.ndarray) -> str:
    """Returns a rule in words."""
    name = rules.names[number]
    if not negated[number]:
        return name
    return f"not {name}" if rules.sizes[number] == 1 else f"not ({name})"
