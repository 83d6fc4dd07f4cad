"""Writes the cards and the one report of a run."""

import os
import pathlib

from tp_keras import files
from tp_keras.cards.chapters import make_chapters
from tp_keras.cards.dataset_card import make_dataset_card
from tp_keras.cards.model_card import make_model_card
from tp_keras.cards.sources import Sources
from tp_keras.cards.templates import render
from tp_keras.command_line import command_line
from tp_keras.records.page import STYLE
from tp_keras.records.page import WARNING


def make_report_page(sources: Sources) -> str:
    """Returns the report as one HTML page that loads nothing."""
    shown = [found.report.shows_people for found in sources.found.values()]
    shows_people = sources.schema.shows_people or any(shown)
    return render(
        "report.html.j2",
        title=f"{sources.info.full_name}: what was asked and found",
        run=sources.run,
        chapters=make_chapters(sources),
        style=STYLE,
        warning=WARNING
        if shows_people or sources.schema.shows_people
        else None,
        command=command_line("training.report", run_dir=sources.run.path),
    )


def write_cards(
    sources: Sources, output_dir: str | os.PathLike
) -> list[pathlib.Path]:
    """Writes both cards and the report; returns their paths.

    All are made before one is written.
    """
    made = {
        "MODEL_CARD.md": make_model_card(sources),
        "DATASET_CARD.md": make_dataset_card(sources),
        "report.html": make_report_page(sources),
    }
    folder = pathlib.Path(output_dir)
    for name, text in made.items():
        files.write_text(folder / name, text)
    return [folder / name for name in made]
