"""The report of a search: trials as CSV, a table, a plot, and a command."""

import dataclasses

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg

from tp_keras.command_line import changed_flags
from tp_keras.command_line import command_line
from tp_keras.config import ExperimentConfig
from tp_keras.config import config_from_dict
from tp_keras.data.joint import BETWEEN_NAMES
from tp_keras.files import write_text
from tp_keras.records.table import markdown_table
from tp_keras.tuning.front import front_of
from tp_keras.tuning.front import front_plot
from tp_keras.tuning.front import of_full_budget
from tp_keras.tuning.search_settings import SearchFolder
from tp_keras.tuning.trial import read_results


def write_report(path, experiment, base) -> str:
    """Writes `trials.csv`, `table.md` and `front.png` of a search.

    `experiment` is the name on the command line of the `ExperimentConfig`
    `base`; the search may have been given other data. Returns the text of
    `table.md`.
    """
    folder = SearchFolder(path)
    results = read_results(folder.path)
    completed = [result for result in results if result.is_completed]
    write_text(folder.path / "trials.csv", _csv(results))
    text = _text(folder, results, completed, experiment, base)
    write_text(folder.path / "table.md", text)
    if completed:
        canvas = FigureCanvasAgg(front_plot(completed))
        canvas.print_png(folder.path / "front.png")
    return text


def _text(folder, results, completed, experiment, base):
    settings = folder.settings
    data = BETWEEN_NAMES.join(settings.base.data.datasets)
    lines = [
        "# Search",
        "",
        f"{settings.tuner}, base `{experiment}` "
        f"(`{data}`), {settings.budget_seconds:g} s of "
        f"training for a trial; {len(results)} of {settings.trials} trials, "
        f"{len(results) - len(completed)} failed.",
        "",
        _table(results, completed),
        f"Score: {settings.base.training.score} of the validation, the mean "
        "over the tasks, in the best epoch. "
        "Latency: one portrait, one thread, folded. * marks the front: no "
        "trial of the full budget is better in both.",
        "",
    ]
    if completed:
        best = max(of_full_budget(completed), key=lambda r: r.score)
        config = dataclasses.replace(
            config_from_dict(ExperimentConfig, best.config),
            run_dir=f"runs/{folder.path.name}-best",
            data=settings.base.data,  # Where it lies here.
        )
        flags = changed_flags(config, base)
        command = command_line("training.train", experiment, **flags)
        lines += [
            f"Best: trial {best.trial_id}. Its settings, over as many epochs "
            f"as fitted into {best.budget_seconds:.3g} s "
            "(with more of them, let `--warmup_epochs` and `--averaging` grow "
            "too):",
            "",
            f"    {command}",
            "",
        ]
        if not (folder.trial_path(best.trial_id) / "run").exists():
            lines += [f"Its run is with the worker {best.worker}.", ""]
    return "\n".join(lines)


def _table(results, completed):
    """Returns the completed trials as a Markdown table, best first."""
    full = of_full_budget(completed)
    front = {full[place].trial_id for place in front_of(full)}
    rows = [
        {
            "trial": r.trial_id + (" *" if r.trial_id in front else ""),
            "score": f"{r.score:.4f}",
            **{task: f"{v:.3f}" for task, v in r.accuracies.items()},
            "latency ms": f"{r.latency_ms:.3f}",
            "train images/s": f"{r.images_per_second:,.0f}",
            "parameters": f"{r.parameters:,}",
            "epochs": r.epochs,
            "budget s": f"{r.budget_seconds:.3g}",
            **{
                name: f"{value:.3g}" if isinstance(value, float) else value
                for name, value in r.values.items()
            },
        }
        for r in sorted(completed, key=lambda r: (-r.budget_seconds, -r.score))
    ]
    failed = [
        f"\nTrial {result.trial_id}: {result.message}\n"
        for result in results
        if not result.is_completed
    ]
    text = markdown_table(pd.DataFrame(rows)) if rows else ""
    return text + "".join(failed)


def _csv(results) -> str:
    """Returns a row for each trial: figures, tasks, what was chosen."""
    rows = []
    for result in results:
        row = dataclasses.asdict(result)
        values, accuracies = row.pop("values"), row.pop("accuracies")
        del row["config"]  # Of which the chosen values are the part to compare.
        row |= {f"accuracy_{task}": v for task, v in accuracies.items()}
        # The backbone is chosen itself, or made of what was chosen.
        rows.append(row | {k: v for k, v in values.items() if k not in row})
    return pd.DataFrame(rows, dtype=object).to_csv(index=False)
