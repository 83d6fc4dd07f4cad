"""The card of a run's data set, from what it tells and from its audit."""

from tp_keras.cards.model_card import describe_task
from tp_keras.cards.sources import AUDIT
from tp_keras.cards.sources import Sources
from tp_keras.cards.sources import split_description
from tp_keras.cards.templates import render
from tp_keras.command_line import command_line
from tp_keras.records.page_parts import Table
from tp_keras.tasks import Schema

# Sizes as the front matter knows them, each with what is above it.
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))


def make_dataset_card(sources: Sources) -> str:
    """Returns the card of a data set as Markdown with YAML before it.

    Where it came from, how it was labelled and its terms are told by the data
    set itself: by the parts `Purpose`, `Source`, `People`, `Annotation` and
    `Terms` of its description. What was found in it comes from the audit.
    """
    info, audit = sources.info, sources.get(AUDIT)
    schema = sources.data_schema
    parts, total = (
        split_description(info.description),
        info.splits.total_num_examples,
    )
    size = [name for limit, name in _SIZES if total < limit] + ["n>100K"]
    return render(
        "dataset_card.md.j2",
        card=sources,
        info=info,
        parts=parts,
        schema=schema,
        total=total,
        size=size[0],
        variant=info.config_description,
        labels=[describe_task(task) for task in schema.tasks],
        audit=audit,
        checks=[
            (section, shown_tables(section.tables, schema))
            for section in (audit.sections()[1:] if audit else ())
        ],
        command=command_line("training.report", run_dir=sources.run.path),
    )


def shown_tables(tables: list[Table], schema: Schema) -> list[Table]:
    """Returns the tables of a check that a card shows.

    Those of all classes, of missing labels, and the joint ones of the
    protected task and another.
    """

    def is_shown(title):
        pair = title.split(" and ")
        return title in ("Classes", "Missing labels") or (
            schema.protected in pair and len(pair) == 2
        )

    return [table for table in tables if is_shown(table.title)]
