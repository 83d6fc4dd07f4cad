"""The report of a search: trials as CSV, a table, a plot, and a command."""

import csv
import dataclasses
import os
import pathlib

from tp_keras.command_line import changed_flags
from tp_keras.command_line import command_line
from tp_keras.runs.run_folder import RunFolder
from tp_keras.tuning.front import front_of
from tp_keras.tuning.front import of_full_budget
from tp_keras.tuning.front import write_front
from tp_keras.tuning.search_settings import SearchFolder
from tp_keras.tuning.trial_result import TrialResult
from tp_keras.tuning.trial_result import read_results


def write_report(path, experiment, base) -> str:
    """Writes `trials.csv`, `table.md` and `front.png` of a search.

    Args:
        path: Folder of the search.
        experiment: Name of the base on the command line.
        base: `ExperimentConfig` that this name stands for; the search may have
            been given other data.

    Returns:
        The text of `table.md`.
    """
    folder = SearchFolder(path)
    results = read_results(folder.path)
    _write_csv(folder.path / "trials.csv", results)
    text = _text(folder, results, experiment, base)
    aside = folder.path / ".table.md.incomplete"
    aside.write_text(text)
    os.replace(aside, folder.path / "table.md")
    completed = [result for result in results if result.is_completed]
    if completed:
        write_front(folder.path / "front.png", completed)
    return text


def best_result(results) -> TrialResult | None:
    """Returns the best completed trial of the largest budget."""
    return max(of_full_budget(results), key=lambda r: r.score, default=None)


def _text(folder, results, experiment, base):
    settings = folder.settings
    completed = sum(result.is_completed for result in results)
    lines = [
        "# Search",
        "",
        f"{settings.tuner}, base `{experiment}` "
        f"(`{settings.base.data.dataset}`), {settings.budget_seconds:g} s of "
        f"training for a trial; {len(results)} of {settings.trials} trials, "
        f"{len(results) - completed} failed.",
        "",
        table(results),
        "Score: mean validation accuracy over the tasks in the best epoch. "
        "Latency: one portrait, one thread, folded. * marks the front: no "
        "trial of the full budget is better in both.",
        "",
    ]
    best = best_result(results)
    if best is not None:
        run = RunFolder(folder.trial_path(best.trial_id) / "run")
        config = dataclasses.replace(
            run.config, run_dir=f"runs/{folder.path.name}-best"
        )
        command = command_line(
            "training.train", experiment, **changed_flags(config, base)
        )
        lines += [
            f"Best: trial {best.trial_id}. Its settings, over as many epochs "
            f"as fitted into {best.budget_seconds:.3g} s "
            "(with more of them, let `--warmup_epochs` and `--averaging` grow "
            "too):",
            "",
            f"    {command}",
            "",
        ]
    return "\n".join(lines)


def table(results) -> str:
    """Returns the completed trials as a Markdown table, best first."""
    full = of_full_budget(results)
    front = {full[place].trial_id for place in front_of(full)}
    tasks = list(full[0].accuracies) if full else []
    names = list(full[0].values) if full else []
    header = ["trial", "score", *tasks, "latency ms", "train images/s"]
    header += ["parameters", "epochs", "budget s", *names]
    lines = ["| " + " | ".join(header) + " |"]
    lines.append("|" + " --- |" * len(header))
    for result in sorted(
        (r for r in results if r.is_completed),
        key=lambda r: (-r.budget_seconds, -r.score),
    ):
        mark = " *" if result.trial_id in front else ""
        cells = [
            f"{result.trial_id}{mark}",
            f"{result.score:.4f}",
            *(f"{result.accuracies[task]:.3f}" for task in tasks),
            f"{result.latency_ms:.3f}",
            f"{result.images_per_second:,.0f}",
            f"{result.parameters:,}",
            f"{result.epochs}",
            f"{result.budget_seconds:.3g}",
            *(_cell(result.values[name]) for name in names),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    for result in results:
        if not result.is_completed:
            lines.append(f"\nTrial {result.trial_id}: {result.message}")
    return "\n".join([*lines, ""])


def _cell(value):
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _write_csv(path: pathlib.Path, results):
    """Writes a row for each trial: figures, tasks, what was chosen."""
    rows = []
    for result in results:
        row = dataclasses.asdict(result)
        values, accuracies = row.pop("values"), row.pop("accuracies")
        row |= {f"accuracy_{task}": v for task, v in accuracies.items()}
        # The backbone is chosen itself, or made of what was chosen.
        rows.append(row | {k: v for k, v in values.items() if k not in row})
    names = list(dict.fromkeys(name for row in rows for name in row))
    aside = path.with_name(f".{path.name}.incomplete")
    with aside.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(aside, path)
