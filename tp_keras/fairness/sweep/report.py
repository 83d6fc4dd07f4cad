"""The report of a sweep: its table and its plot."""

import os
from collections.abc import Sequence

from tp_keras import files
from tp_keras.fairness.sweep import plot
from tp_keras.fairness.sweep import table
from tp_keras.fairness.sweep.choice import Choice
from tp_keras.fairness.sweep.choice import choose
from tp_keras.fairness.sweep.outcome import Outcome
from tp_keras.fairness.sweep.settings import ChoiceSettings
from tp_keras.fairness.sweep.sweep_folder import TEST
from tp_keras.fairness.sweep.sweep_folder import SweepFolder


def write_report(
    sweep_dir: str | os.PathLike,
    outcomes: Sequence[Outcome],
    settings: ChoiceSettings | None = None,
) -> tuple[Choice, str]:
    """Chooses a variant, and writes `table.md` and `front.png`.

    Args:
        sweep_dir: Folder of the sweep.
        outcomes: What `run_sweep` returned.
        settings: The rule; None: the defaults.

    Returns:
        What was chosen, and the text of `table.md`.
    """
    settings = settings or ChoiceSettings()
    folder = SweepFolder(sweep_dir)
    choice = choose(outcomes, settings)
    firsts = [records[0] for records in choice.none.records[TEST]]
    text = table.full_report(
        outcomes,
        choice,
        settings,
        [record.seed for record in firsts],
        firsts[0].dataset,
    )
    files.write_text(folder.path / "table.md", text)
    aside = folder.path / f".front.{os.getpid()}.partial"
    try:
        plot.write_front(aside, outcomes, choice)
        os.replace(aside, folder.path / "front.png")
    finally:
        aside.unlink(missing_ok=True)
    return choice, text
