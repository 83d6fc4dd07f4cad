"""All that was measured of a run and its data, as the commands left it."""

import dataclasses
import os
import pathlib
from collections.abc import Collection

import tensorflow_datasets as tfds

from tp_keras.command_line import command_line
from tp_keras.data import builders
from tp_keras.data.joint import BETWEEN_NAMES
from tp_keras.data.schema import read_schema
from tp_keras.errors import UserError
from tp_keras.fairness.summary import plain_name
from tp_keras.records.page_parts import Report
from tp_keras.records.page_parts import Section
from tp_keras.records.record import Record
from tp_keras.records.record import read_records
from tp_keras.records.report import RECORDS_NAME
from tp_keras.records.report import REPORT_NAME
from tp_keras.records.report import read_measured
from tp_keras.records.report import read_report
from tp_keras.runs.run_folder import RunFolder
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

EVALUATION, FAIRNESS, SWEEP = "evaluation", "fairness", "sweep"
AUDIT, GENERATION = "audit", "generation"
GENERALISATION, LIMITS = "generalisation", "limits"
EXPLANATIONS = "explanations"

# Titles of sections that say how figures are made, and what they can't tell.
METHODS = (
    "What was asked",
    "How the figures are made",
    "How it is made",
    "How it is measured",
)
LIMITATIONS = ("Limits", "What these figures can't tell")


@dataclasses.dataclass(frozen=True)
class Found:
    """A folder of figures: records, what its page shows, how it was measured.

    The folder of a sweep has no records of its own.
    """

    folder: pathlib.Path
    report: Report
    records: list[Record]
    facts: dict

    def sections(self, titles: Collection[str] = ()) -> list[Section]:
        """Returns the sections of some titles; none: those with findings."""
        every = self.report.sections
        if titles:
            return [section for section in every if section.title in titles]
        background = *METHODS, *LIMITATIONS
        return [one for one in every if one.title not in background]


@dataclasses.dataclass(frozen=True)
class Sources:
    """A finished run, and what was found of it.

    Attributes:
        run: Folder of the run.
        info: What its data set tells of itself, of several the first.
        data_schema: What that data set holds.
        trained_on: Name of each data set -> the parts of splits that the run
            was trained and validated on, each with its number of portraits.
        found: Kind of figures -> `Found`; those that were not measured are
            left out.
        commands: Kind -> the command that measures it.
    """

    run: RunFolder
    info: tfds.core.DatasetInfo
    data_schema: Schema
    trained_on: dict[str, list[tuple[str, int]]]
    found: dict[str, Found]
    commands: dict[str, str]

    @property
    def schema(self) -> Schema:
        """What the run was trained on."""
        return self.run.schema

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What the run has learned and its data set knows."""
        learned = self.schema.get_tasks(self.run.config.model.tasks)
        known = self.data_schema.task_names
        return tuple(task for task in learned if task.name in known)

    def get(self, kind: str) -> Found | None:
        """Returns the figures of a kind, None if there are none."""
        return self.found.get(kind)

    def not_measured(self, kind: str) -> str:
        """Returns the sentence that stands where figures would be."""
        return f"Not measured; this measures it: `{self.commands[kind]}`"


def read_sources(
    run_dir: str | os.PathLike,
    audit_dir: str | os.PathLike | None = None,
    generator_run: str | os.PathLike | None = None,
    sweep_dir: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
    split: str = "test",
) -> Sources:
    """Reads what the commands have left of a run, its data and a generator.

    Args:
        run_dir: Folder of a finished run that was evaluated.
        audit_dir: Folder of an audit of its data; None: `<run_dir>/audit` if
            there is one.
        generator_run: Folder of an evaluated generator's run.
        sweep_dir: Folder of a sweep of methods against the protected task.
        data_dir: Folder of the prepared data sets; None: the run's own.
        split: Split that was measured.

    Raises:
        UserError: If the run is not finished or not evaluated, a folder that
            is named holds no figures, or they are of other data.
    """
    run = RunFolder(run_dir).require()
    if not run.is_finished:
        raise UserError(
            "Expected a finished run; the command that started it resumes it. "
            f"Received: {run.path}, status={run.facts.get('status')}"
        )
    data = run.config.data
    data_dir = data_dir or data.data_dir
    own = {"run_dir": run.path}
    places = {kind: run.path / kind / split for kind in _OF_RUNS}
    places[AUDIT] = pathlib.Path(audit_dir or run.path / AUDIT)
    named = {EVALUATION} | ({AUDIT} if audit_dir else set())
    if generator_run:
        places[GENERATION] = pathlib.Path(generator_run, GENERATION, split)
        named.add(GENERATION)
    if sweep_dir:
        places[SWEEP] = pathlib.Path(sweep_dir)
        named.add(SWEEP)
    commands = {
        EVALUATION: command_line("training.evaluate", **own, split=split),
        FAIRNESS: command_line("training.fairness_report", **own, split=split),
        SWEEP: command_line(
            "training.fairness_sweep",
            base_runs=run.path,
            sweep_dir=sweep_dir or "SWEEP_DIR",
        ),
        AUDIT: command_line(
            "training.audit",
            data_dir=data_dir,
            dataset=data.first.dataset,
            **own,
            output_dir=places[AUDIT],
        ),
        GENERATION: command_line(
            "training.evaluate_vae", run_dir=generator_run or "GENERATOR_RUN"
        ),
        GENERALISATION: command_line(
            "training.generalise", **own, datasets="OTHER_DATA_SET"
        ),
        EXPLANATIONS: command_line("training.explain", **own, split=split),
        LIMITS: command_line("training.limits", **own, split=split),
    }
    found = {}
    for kind, folder in places.items():
        if (folder / REPORT_NAME).is_file():
            found[kind] = _read(kind, folder, commands[kind])
        elif kind in named:
            raise UserError(
                f"There are no figures of the {kind}, which the report needs; "
                f"`{commands[kind]}` makes them. Received: {folder}"
            )
        if kind in found and kind != GENERALISATION:
            _check_data(found[kind], run)
    every = builders.find_builders(data_dir, data.datasets)
    trained_on = {
        builder.info.full_name: [
            (split, builders.count_portraits(builder, split))
            for split in (part.train_split, part.validation_split)
        ]
        for builder, part in zip(every, data.parts, strict=True)
    }
    schema = run.schema if len(every) == 1 else read_schema(every[0])
    return Sources(run, every[0].info, schema, trained_on, found, commands)


_OF_RUNS = (EVALUATION, FAIRNESS, GENERALISATION, EXPLANATIONS, LIMITS)


def _read(kind, folder, command) -> Found:
    path = folder / RECORDS_NAME
    # The first two name a line that is damaged.
    records = read_records(path, command) if path.exists() else []
    report = read_report(folder, f"`{command}`")
    portraits = list if kind == GENERALISATION else int
    facts = read_measured(folder, command, portraits=portraits)
    # Where it says nothing, what a card needs of it is missed there.
    return Found(folder, report, records, facts)


def _check_data(found, run):
    """Raises if figures are of other data than those of the run."""
    own, there = run.facts.get("dataset"), found.facts.get("dataset")
    if there not in (None, *str(own).split(BETWEEN_NAMES)):
        raise UserError(
            f"Expected figures of the run's data set, {own}. Received: those "
            f"of {there} in {found.folder}"
        )


def split_description(text: str) -> dict[str, str]:
    r"""Returns heading -> text of a description, `""`: what stands first.

    Example:
        >>> split_description("Faces.\n\n## Terms\n\nFree.")
        {"": "Faces.", "Terms": "Free."}
    """
    parts, title, in_code = {"": []}, "", False
    for line in text.splitlines():
        in_code ^= line.startswith("```")
        if line.startswith("## ") and not in_code:
            title = line[3:].strip()
            parts[title] = []
        else:
            parts[title].append(line)
    return {title: "\n".join(own).strip() for title, own in parts.items()}


def join_names(tasks) -> str:
    """Returns the plain names of tasks: `age, hue and mood`."""
    *others, last = [plain_name(task) for task in tasks]
    return f"{', '.join(others)} and {last}" if others else last
