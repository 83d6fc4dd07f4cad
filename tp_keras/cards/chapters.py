"""The questions of a report, each told in the same six steps."""

import dataclasses
import pathlib
from collections.abc import Iterator
from collections.abc import Sequence

from tp_keras.cards import sources as sources_lib
from tp_keras.cards.model_card import headline_records
from tp_keras.cards.model_card import worst_sentences
from tp_keras.cards.sources import Found
from tp_keras.cards.sources import Sources
from tp_keras.cards.sources import join_names
from tp_keras.command_line import command_line
from tp_keras.command_line import train_command
from tp_keras.evaluation.report import TITLES
from tp_keras.evaluation.report import headline_table
from tp_keras.fairness.summary import plain_name
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.record import ALL
from tp_keras.records.record import find
from tp_keras.records.table import format_with_count
from tp_keras.tasks import Task

_BRACKETS = (
    "Brackets hold 95 % intervals; n is the number of labelled portraits that "
    "a figure rests on; a dash: not defined."
)

_APPARENT = (
    "Labels say how a face appeared to those who labelled it, and some are "
    "wrong: an answer that equals the label need not be true, nor one that "
    "differs false."
)


@dataclasses.dataclass(frozen=True)
class Chapter:
    """A question, and what was found.

    Attributes:
        title: A word or two, for the list of contents.
        question: The question.
        method: What was done, and why so.
        figures: PNG files, with what they show.
        sentences: What was found, with figures and intervals.
        tables: Figures with intervals.
        limits: What these figures can't tell.
        next_step: What to do next, and `command` how.
        background: Sections of prose on how the figures are made.
        limit_sections: Likewise on what they can't tell.
        missing: The command that measures what isn't there, or None.
    """

    title: str
    question: str
    method: str
    next_step: str
    command: str
    figures: Sequence[tuple[pathlib.Path, Plot]] = ()
    sentences: Sequence[str] = ()
    tables: Sequence[Table] = ()
    limits: Sequence[str] = ()
    background: Sequence[Section] = ()
    limit_sections: Sequence[Section] = ()
    missing: str | None = None


def make_chapters(sources: Sources) -> list[Chapter]:
    """Returns the chapters of a report, as the schema asks its questions.

    Data; the protected task; the guarded ones and all else; whether these are
    judged without regard to it; new portraits. Then other portraits, what
    answers rest on, and limits, where they were measured. Where there is no
    protected task, or nothing guarded, its question is left out.
    """
    schema = sources.schema
    protected = [t for t in sources.tasks if t == schema.protected_task]
    others = [task for task in sources.tasks if task not in protected]
    chapters = [_data(sources)]
    chapters += [
        _answers(sources, tasks) for tasks in (protected, others) if tasks
    ]
    guarded = [task for task in others if task.name in schema.guarded]
    if schema.protected and guarded:
        chapters.append(_fairness(sources, guarded))
    chapters.append(_portraits(sources))
    for kind, make in (
        (sources_lib.GENERALISATION, _generalisation),
        (sources_lib.EXPLANATIONS, _explanations),
        (sources_lib.LIMITS, _limits),
    ):
        if kind in sources.found:
            chapters.append(make(sources))
    return chapters


def _shown(sources: Sources, kind: str, most: int | None = None) -> dict:
    """Returns what a chapter shows of one kind of figures.

    `most` is the number of plots of a section that is shown at most.
    """
    found = sources.get(kind)
    if found is None:
        return {"missing": sources.commands[kind]}
    sections = found.sections()
    return {
        "figures": list(_figures(found, sections, most)),
        "sentences": [text for one in sections for text in one.sentences],
        "tables": [one.summary for one in sections if one.summary],
        "background": found.sections(sources_lib.METHODS),
        "limit_sections": found.sections(sources_lib.LIMITATIONS),
    }


def _figures(found: Found, sections, most=None) -> Iterator:
    for section in sections:
        for plot in section.plots[:most]:
            yield found.folder / plot.file_name, plot


def _data(sources):
    shown = _shown(sources, sources_lib.AUDIT, most=1)
    audit, checks = sources.get(sources_lib.AUDIT), "of labels and pictures"
    where = "its page"
    if audit:
        # Each check says again what is told first of all of them.
        shown["sentences"] = audit.sections()[0].sentences
        checks = ", ".join(one.title.lower() for one in audit.sections()[1:])
        where = f"{audit.folder}"
    counts = {
        name: part.num_examples for name, part in sources.info.splits.items()
    }
    parts = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    return Chapter(
        "Data",
        f"What are the data, {sources.info.full_name}? Are they balanced, and "
        "what stands out?",
        f"There are {sum(counts.values()):,} portraits ({parts}) with "
        f"{join_names(sources.data_schema.tasks)}. An audit looks at every one "
        f"of them: {checks}. A model learns whatever its data hold, so what is "
        "rare, doubled, mislabelled or out of place is to be known first.",
        f"Look through the lists of portraits and all plots of the audit, in "
        f"{where}, and decide what of it is to be mended.",
        sources.commands[sources_lib.AUDIT],
        **shown,
    )


def _answers(sources: Sources, tasks: list[Task]):
    run, found = sources.run, sources.found[sources_lib.EVALUATION]
    facts, config, names = run.facts, run.config, [task.name for task in tasks]
    own = [record for record in found.records if record.task in names]
    sections = [one for one in found.report.sections if one.title in names]
    said = [
        f"{plain_name(task)}: {TITLES[record.metric]} "
        f"{format_with_count(record)}"
        for task in tasks
        for record in find(headline_records(own), task=task.name, group=ALL)[:2]
    ]
    trained = sum(train[1] for train, _ in sources.trained_on.values())
    start = "from scratch"
    if config.model.from_run:
        # No path of this machine.
        start = f"on from {pathlib.Path(config.model.from_run).name}"
    more = {"class_balance": 0.5, "epochs": config.training.epochs}
    step = "Let rare classes weigh more, and compare within the intervals"
    if sources.schema.protected_task in tasks:
        more = {"epochs": 2 * config.training.epochs}
        step = "Train for longer, and see whether the interval is left"
    return Chapter(
        join_names(tasks).capitalize(),
        f"How well can {join_names(tasks)} be told from a portrait?",
        f"A network ({config.model.backbone}, {facts['parameters']:,} "
        f"parameters) was trained {start} for {facts['epochs']} epochs on "
        f"{trained:,} portraits, in "
        f"{facts['seconds']:,.0f} s. All tasks share its trunk: one pass "
        "answers all of them, and what helps one may help another. It was "
        f"measured on {found.facts['portraits']:,} portraits of the split "
        f"{own[0].split}, which took no part in the training, over all and in "
        "each group.",
        f"{step}.",
        train_command(config.data, run_dir="NEW", **more),
        figures=list(_figures(found, sections)),
        sentences=said + worst_sentences(own, tasks),
        tables=[Table("", _BRACKETS, headline_table(own))],
        limits=[
            _APPARENT,
            "Figures are of one training. Other seeds and processors give "
            "somewhat others, beyond what intervals say.",
            "Portraits of other origin or framing may be judged worse.",
        ],
    )


def _fairness(sources: Sources, guarded: list[Task]):
    schema, run = sources.schema, sources.run.path
    group, names = plain_name(schema.protected_task), join_names(guarded)
    shown = _shown(sources, sources_lib.FAIRNESS)
    sweep = sources.get(sources_lib.SWEEP)
    step = f"Compare methods that make the network forget {group}."
    command = sources.commands[sources_lib.SWEEP]
    if sweep:
        extra = _shown(sources, sources_lib.SWEEP)
        choice, *_ = sweep.sections()
        extra |= {"sentences": choice.sentences, "tables": [choice.summary]}
        for name in ("figures", "sentences", "tables"):
            shown[name] = [*shown.get(name, ()), *filter(None, extra[name])]
        step = f"See the tables of all methods in {sweep.folder}, and export "
        step += "a run that passes."
        command = command_line("training.export", run_dir="CHOSEN_RUN")
    return Chapter(
        "Fairness",
        f"Is {names} judged without regard to {group}?",
        "Answers, the embedding that the heads read, and neighbours in it were "
        f"compared between {' and '.join(schema.groups)}. Equal accuracies "
        "alone are not enough: a search for similar portraits uses the "
        f"embedding, so what it knows of {group} beyond what the label itself "
        f"implies was probed by classifiers trained for that. The report is of "
        f"{run}.",
        step,
        command,
        **shown,
    )


def _portraits(sources: Sources):
    kind = sources_lib.GENERATION
    shown, found = _shown(sources, kind), sources.get(kind)
    conditions = join_names(sources.schema.condition_tasks or sources.tasks)
    data = sources.run.config.data.first
    train = command_line(
        "training.train_vae",
        "smoke",
        data_dir=data.data_dir,
        dataset=data.dataset,
    )
    folder = found.folder.parents[1] if found else None
    command = train
    if found:
        command = command_line(
            "training.generate", run_dir=folder, output="portraits.png"
        )
    return Chapter(
        "New portraits",
        f"Can new portraits be drawn, of a given {conditions}?",
        "A conditional variational autoencoder draws portraits from noise and "
        "labels. A judge that was trained on other portraits compares them "
        "with real ones that neither has seen, beside simple ways to make "
        "portraits, as no such figure means much alone.",
        "Draw portraits and look at them."
        if found
        else "Train a generator, and evaluate it.",
        command,
        **shown,
    )


def _generalisation(sources: Sources):
    return Chapter(
        "Other portraits",
        "Does it hold on portraits of other origin?",
        "The run answers portraits of other data sets as they are, then framed "
        "and coloured like its training, so that a loss falls into parts.",
        "Measure on portraits of your own.",
        sources.commands[sources_lib.GENERALISATION],
        **_shown(sources, sources_lib.GENERALISATION),
    )


def _explanations(sources: Sources):
    return Chapter(
        "Explanations",
        "What in a portrait do the answers rest on?",
        "Four methods draw maps of where the evidence for each answer lies. "
        "Their shares by region are compared with the size of the regions, "
        "regions are hidden, and the maps themselves are put to tests.",
        "Look at the panels, and hide what should not matter.",
        sources.commands[sources_lib.EXPLANATIONS],
        **_shown(sources, sources_lib.EXPLANATIONS),
    )


def _limits(sources: Sources):
    return Chapter(
        "Limits",
        "Where does it stop to work?",
        "Portraits were made worse step by step, and the answers compared.",
        "Keep to the ranges in which it works; measure anew after a training.",
        sources.commands[sources_lib.LIMITS],
        **_shown(sources, sources_lib.LIMITS),
    )
