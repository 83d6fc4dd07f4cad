"""Runs all checks on a data set, and writes what they found."""

import html
import importlib.metadata
import inspect
import os
import pathlib
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence

import pandas as pd
import tqdm

from tp_keras import files
from tp_keras.audit import balance
from tp_keras.audit import balance_page
from tp_keras.audit import cues
from tp_keras.audit import cues_page
from tp_keras.audit import duplicates
from tp_keras.audit import duplicates_page
from tp_keras.audit import label_issues
from tp_keras.audit import label_issues_page
from tp_keras.audit import outliers
from tp_keras.audit import outliers_page
from tp_keras.audit import pictures
from tp_keras.audit import pictures_page
from tp_keras.audit.check import Measured
from tp_keras.audit.check import Peculiarity
from tp_keras.audit.embedding import embed
from tp_keras.audit.looks import measure_looks
from tp_keras.audit.portrait_set import PortraitSet
from tp_keras.audit.portrait_set import load_portrait_set
from tp_keras.errors import UserError
from tp_keras.generator.training.folder import VaeRunFolder
from tp_keras.records.page_parts import Report
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.report import check_folder
from tp_keras.records.report import write_report
from tp_keras.runs.run_folder import RunFolder

PAGE_NAME = "audit.html"

# In their order on the page: name -> what measures it, the module of its page.
CHECKS = {
    "balance": (balance.measure_balance, balance_page),
    "duplicates": (duplicates.measure_duplicates, duplicates_page),
    "outliers": (outliers.measure_outliers, outliers_page),
    "label_issues": (label_issues.measure_label_issues, label_issues_page),
    "cues": (cues.measure_cues, cues_page),
    "pictures": (pictures.measure_pictures, pictures_page),
}

# What stands first: of all checks, of each of them, and from which weight.
_MOST_SENTENCES = 15
_MOST_OF_A_CHECK = 5
_LEAST_WEIGHT = 0.05

_PACKAGES = ("numpy", "scipy", "scikit-learn", "pandas", "cleanlab")

_MADE = """\
All sentences, tables and plots are made from the records that lie beside this
page; lists of portraits lie there as CSV files. Brackets hold 95 % intervals, n
is the number of portraits that a figure rests on. &ldquo;By chance&rdquo; is
what a figure stays below 19 times out of 20 where nothing depends on
anything."""

_LIMITS = (
    "Labels are taken as they are: classes of people are how somebody appeared "
    "to those who labelled the portraits, and partly wrong.",
    "That labels, pixels and groups go together says nothing of why.",
    "What is peculiar is not wrong. What no sentence tells may still be so: "
    "each check finds what it looks for.",
    "Figures of few portraits have wide intervals, or none; of many figures "
    "one in twenty lies outside of its interval.",
)


def run_audit(
    data_dir: str | os.PathLike,
    dataset: str,
    output_dir: str | os.PathLike,
    run_dir: str | os.PathLike | None = None,
    generator_run: str | os.PathLike | None = None,
    splits: Sequence[str] = (),
    checks: Sequence[str] = (),
    seed: int = 0,
) -> tuple[list[str], pathlib.Path]:
    """Audits a data set, and writes figures, lists, plots and a page.

    `output_dir` appears whole, in place of an earlier audit. An audit that is
    interrupted leaves nothing but what was there before.

    Args:
        data_dir: Folder of the prepared data sets.
        dataset: Name such as `"utk_face/synthetic"`.
        output_dir: Folder to write.
        run_dir: Run whose embedding tells which portraits are alike; None: the
            pixels alone.
        generator_run: Run of a generator, whose reconstructions tell what is
            unusual.
        splits: Splits or slices of them; none: see `load_portrait_set`.
        checks: Names out of `CHECKS`; none: all.
        seed: Start of all that is drawn by chance.

    Returns:
        What is peculiar, in sentences, and the page.

    Raises:
        UserError: If data set, split, run or check is not there, the run has
            other classes, or `output_dir` holds something else.
    """
    unknown = [name for name in checks if name not in CHECKS]
    if unknown:
        raise UserError(
            f"Expected checks out of {', '.join(CHECKS)}. "
            f"Received: checks={', '.join(unknown)}"
        )
    folder = pathlib.Path(output_dir).expanduser().resolve()
    check_folder(folder)
    files.remove_leftovers(folder.parent, folder.name)
    run = run_dir and _opened(RunFolder(run_dir))
    if generator_run:
        _opened(VaeRunFolder(generator_run))
    portraits = load_portrait_set(data_dir, dataset, splits)
    if run:
        # Told before anything is measured.
        portraits.parts[0].seen_as(run.schema)
    names = [name for name in CHECKS if name in (checks or CHECKS)]
    runs = {"run_dir": run_dir, "generator_run": generator_run}
    measured, seconds = measure_checks(names, portraits, seed, **runs)
    where = {"seed": seed, "dataset": portraits.dataset}
    where |= {"task": ALL, "group": ALL}
    records = [
        Record(**{**where, **fields})
        for found in measured.values()
        for fields in found.records
    ]
    facts = {
        "dataset": portraits.dataset,
        "splits": {part.split: len(part) for part in portraits.parts},
        "portraits": len(portraits),
        "fingerprint": portraits.fingerprint,
        "run_dir": run_dir and str(run_dir),
        "generator_run": generator_run and str(generator_run),
        "checks": names,
        "seed": seed,
        "versions": {
            name: importlib.metadata.version(name) for name in _PACKAGES
        },
    }
    sentences = []

    def make(written):
        report = make_report(written, measured, portraits, facts)
        sentences.extend(report.sections[0].sentences)
        return report

    lists = {}
    for found in measured.values():
        lists |= found.lists
    page, told = folder / PAGE_NAME, facts | {"seconds": seconds}
    write_report(folder, page, records, make, told, lists)
    return sentences, page


def _opened(run: RunFolder) -> RunFolder:
    """Returns a run, or raises if it isn't there or is one of another kind."""
    run.require()
    _ = run.config  # Those of another kind can't be read.
    return run


def measure_checks(
    names: Sequence[str], portraits: PortraitSet, seed: int = 0, **more
) -> tuple[dict[str, Measured], dict[str, float]]:
    """Runs checks in order, each with those of the arguments that it names.

    What portraits look like, and which are alike, is measured once for all,
    where a check asks for it: `looks` and `embedding`. What a check has drawn
    is given to later ones that name it.

    Args:
        names: Names out of `CHECKS`.
        portraits: What to check.
        seed: Start of what is drawn by chance.
        more: Further arguments that a check may name, such as `run_dir`.

    Returns:
        What each check has found, and the seconds that each step took.
    """
    given = {"portraits": portraits, "seed": seed, **more}
    wanted = {
        name: inspect.signature(CHECKS[name][0]).parameters for name in names
    }
    asked = set().union(*wanted.values())
    steps: dict[str, Callable] = {}
    if asked & {"looks", "embedding"}:
        steps["looks"] = lambda: measure_looks(portraits, "look at portraits")
    if "embedding" in asked:
        steps["embedding"] = lambda: embed(
            portraits, given["looks"], more.get("run_dir")
        )
    for name in names:
        steps[name] = lambda name=name: CHECKS[name][0](
            **{key: given[key] for key in wanted[name] if key in given}
        )
    seconds = {}
    with tqdm.tqdm(steps.items(), unit="step", delay=2) as bar:
        for name, step in bar:
            bar.set_description(name.replace("_", " "))
            start = time.monotonic()
            given[name] = step()
            if name in wanted:
                given = {**given[name].drawn, **given}
            seconds[name] = round(time.monotonic() - start, 2)
    return {name: given[name] for name in names}, seconds


def make_report(
    records: Sequence[Record],
    measured: dict[str, Measured],
    portraits: PortraitSet,
    facts: dict,
) -> Report:
    """Makes the report: what is peculiar, and a section of each check.

    Args:
        records: Those of all checks, in the order of `measured`.
        measured: Name of a check -> what it has found.
        portraits: What was audited.
        facts: What is told of how it was made.
    """
    sections, found, start = [], [], 0
    for name, one in measured.items():
        own = records[start : start + len(one.records)]
        start += len(own)
        _, page = CHECKS[name]
        sections.append(page.section(own, one.lists, one.drawn, portraits))
        said = page.peculiarities(own, portraits.schema)
        found += _heaviest(said)[:_MOST_OF_A_CHECK]
    first = Section("What is peculiar", sentences=what_is_peculiar(found))
    last = Section("Limits", sentences=_LIMITS)
    title = f"Audit of {portraits.dataset}"
    parts = [first, *sections, _how_made(facts, names=measured), last]
    return Report(title, parts, portraits.schema.shows_people)


def what_is_peculiar(found: Iterable[Peculiarity]) -> list[str]:
    """Returns the sentences that weigh most, or one that says there is none."""
    heavy = [one for one in _heaviest(found) if one.weight >= _LEAST_WEIGHT]
    texts = [one.text for one in heavy[:_MOST_SENTENCES]]
    return texts or ["Nothing peculiar was found."]


def _heaviest(found) -> list[Peculiarity]:
    return sorted(found, key=lambda one: -one.weight)


def _how_made(facts, names) -> Section:
    splits = [f"{name} {n:,}" for name, n in facts["splits"].items()]
    by = facts["run_dir"] or "the pixels alone"
    text = (
        f"<p>{facts['portraits']:,} portraits ({', '.join(splits)}) were "
        f"looked at. Which of them are alike was told by {html.escape(by)}. "
        f"{_MADE}</p>"
    )
    rows = [
        *((key, facts[key]) for key in ("dataset", "fingerprint", "seed")),
        ("checks", ", ".join(name.replace("_", " ") for name in names)),
        ("run", facts["run_dir"] or "none"),
        ("generator", facts["generator_run"] or "none"),
        *facts["versions"].items(),
    ]
    frame = pd.DataFrame(rows, columns=["what", "value"])
    table = Table("Data, settings and versions", "", frame)
    return Section("How it is made", text, tables=[table])
