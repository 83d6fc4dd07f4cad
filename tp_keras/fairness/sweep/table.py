"""The tables of a sweep, as text."""

from collections.abc import Sequence

from tp_keras import tasks
from tp_keras.fairness.sweep import targets as targets_lib
from tp_keras.fairness.sweep.choice import Choice
from tp_keras.fairness.sweep.choice import rule
from tp_keras.fairness.sweep.outcome import Outcome
from tp_keras.fairness.sweep.outcome import mean
from tp_keras.fairness.sweep.settings import ChoiceSettings
from tp_keras.fairness.sweep.sweep_folder import TEST
from tp_keras.fairness.sweep.sweep_folder import VALIDATION
from tp_keras.tuning.front import pareto_front

_COLUMNS = (
    ("accuracy", "accuracy"),
    ("worst group", "worst_group"),
    ("equalised odds", "equalized_odds"),
    ("by chance", "equalized_odds_null"),
    ("conditional probe", "conditional_probe"),
    ("probe", "probe"),
    ("upper band", "band_high"),
    ("excess at 20", "excess"),
    ("precision at 20", "precision"),
    ("flips", "flips"),
    ("gender accuracy", "gender_accuracy"),
)
_MOST_FAILING_SHOWN = 5
_ANSWERS = {True: "yes", False: "no", None: "-"}


def full_report(
    outcomes: Sequence[Outcome],
    choice: Choice,
    settings: ChoiceSettings,
    seeds: Sequence[int],
    dataset: str,
) -> str:
    """Returns all tables and the choice as Markdown.

    Args:
        outcomes: What was measured, `none` first.
        choice: What was chosen of them.
        settings: The rule.
        seeds: The seeds.
        dataset: Name of the data set.
    """
    parts = [
        "# Sweep: hair without regard to gender",
        f"{dataset}, {len(seeds)} seed{'s' * (len(seeds) != 1)} "
        f"({', '.join(map(str, seeds))}), {len(outcomes)} variants; means "
        "over the seeds.",
        "## Choice",
        rule(settings),
        choice_text(choice),
    ]
    if choice.shown is not None:
        parts += [
            target_table(choice, targets_lib.targets_for(dataset)),
            group_table(choice),
        ]
    for task in tasks.HAIR_TASKS:
        for split in (VALIDATION, TEST):
            if any(outcomes[0].values(split, "accuracy", task)):
                parts += [
                    f"## {task.name}, {split}",
                    variant_table(outcomes, split, task),
                ]
    parts.append(
        "* marks the front: no other variant has both at least this accuracy "
        "and at most this conditional probe. Probes: the better of linear and "
        "MLP, on the part of the embedding that the task reads. By chance: "
        "what the equalised-odds difference hardly exceeds if gender plays no "
        "role. Cost: seconds of training, of the features of the trunk and of "
        "debiasing, divided by those of training."
    )
    return "\n\n".join(parts) + "\n"


def choice_text(choice: Choice) -> str:
    """Returns what was chosen, or why nothing was."""
    if not choice.verdicts:
        return "Nothing was compared with none."
    failing = choice.passed_over
    if choice.chosen is None:
        lines = ["No variant passes. The best of those that fail:"]
    else:
        lines = [f"Chosen: **{choice.chosen.name}**."]
        if failing:
            lines[0] += " With a smaller probe, but failing:"
    if failing:
        lines.append("")
    lines += [
        f"- {verdict.outcome.name}: {'; '.join(verdict.failures)}"
        for verdict in failing[:_MOST_FAILING_SHOWN]
    ]
    return "\n".join(lines)


def target_table(choice: Choice, targets: targets_lib.Targets) -> str:
    """Returns the chosen variant, or the best that fails, beside `none`."""
    shown = choice.shown
    name = shown.name if choice.chosen else f"{shown.name} (not chosen)"
    rows = targets_lib.compare(choice.none, shown, targets)
    return _markdown(
        ("hair_color, test", "none", name, "to reach", "reached"),
        [
            (
                row.title,
                _with_spread(row.before),
                _with_spread(row.after),
                row.target,
                _ANSWERS[row.reached],
            )
            for row in rows
        ],
    )


def group_table(choice: Choice) -> str:
    """Returns the recall of each supported group before and after."""
    shown = choice.shown
    rows = []
    for split in (VALIDATION, TEST):
        after = shown.group_recalls(split)
        for group, (before, count) in choice.none.group_recalls(split).items():
            value = after[group][0]
            rows.append(
                (
                    " ".join(group),
                    split,
                    f"{count // len(choice.none.records[split]):,}",
                    _number(before),
                    _number(value),
                    f"{value - before:+.3f}",
                )
            )
    header = ("recall of hair_color", "split", "portraits", "none")
    return _markdown((*header, shown.name, "difference"), sorted(rows))


def variant_table(
    outcomes: Sequence[Outcome], split: str, task: tasks.Task
) -> str:
    """Returns a row for each variant: means over the seeds."""
    front = {outcomes[place].name for place in front_of(outcomes, split, task)}
    columns = [
        (title, [item.mean(split, figure, task) for item in outcomes])
        for title, figure in _COLUMNS
    ]
    columns.append(("cost", [item.mean_cost() for item in outcomes]))
    # Only some data sets have counterfactual pairs, and on test alone.
    columns = [item for item in columns if set(item[1]) != {None}]
    names = [
        f"{item.name} *" if item.name in front else item.name
        for item in outcomes
    ]
    return _markdown(
        ("variant", *(title for title, _ in columns)),
        [
            (name, *map(_number, values))
            for name, *values in zip(
                names, *(values for _, values in columns), strict=True
            )
        ],
    )


def front_of(
    outcomes: Sequence[Outcome],
    split: str,
    task: tasks.Task,
    score: str = "accuracy",
    cost: str = "conditional_probe",
) -> list[int]:
    """Returns the places that no other beats in two figures.

    Args:
        outcomes: What was measured.
        split: Where.
        task: Of which hair task.
        score: Name of the figure of `Headline` of which more is better.
        cost: Name of the one that is best at 0 or least.

    Returns:
        Places among `outcomes`, from the lowest cost to the highest; those
        without a figure are left out.
    """
    points = [
        (item.mean(split, score, task), item.mean(split, cost, task))
        for item in outcomes
    ]
    places = [place for place, point in enumerate(points) if None not in point]
    # What is below 0 was over-corrected, or is chance.
    front = pareto_front(
        [points[place][0] for place in places],
        [abs(points[place][1]) for place in places],
    )
    return [places[index] for index in front]


def _with_spread(values):
    """Returns `0.948 (0.940 to 0.955)`."""
    middle = mean(values)
    if middle is None:
        return "not supported"
    text = _number(middle)
    if len(values) > 1:
        text += f" ({_number(min(values))} to {_number(max(values))})"
    return text


def _number(value):
    return "-" if value is None else f"{value:.3f}"


def _markdown(header, rows) -> str:
    """Returns a Markdown table with columns of even width."""
    table = [tuple(header), *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        "| "
        + " | ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        )
        + " |"
        for row in table
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
