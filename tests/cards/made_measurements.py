"""A run folder as the commands leave it, without any training."""

import types

import pandas as pd

from tests.evaluation.predictions import random_predictions
from tests.made_runs import make_run
from tests.portrait_factory import EVERY_KIND
from tp_keras.config import DataConfig
from tp_keras.data import builders
from tp_keras.evaluation.evaluator import evaluate_predictions
from tp_keras.evaluation.report import evaluation_report
from tp_keras.records import page_parts as parts
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.record import Record
from tp_keras.records.report import write_report

DATASET = "made/here/1.0.0"
COUNTS = {"train": 300, "validation": 40, "test": 120}
DESCRIPTION = """Portraits of nobody.

More of them.

## Source

Drawn by dice.

```
## no heading of it
```

## Terms

Keep it & them.
"""


class Splits(dict):
    """Stands in for what TFDS tells of splits."""

    total_num_examples = sum(COUNTS.values())


def find_builder(data_dir, dataset):
    """Stands in for the reader of a prepared data set."""
    info = types.SimpleNamespace(
        full_name=DATASET,
        description=DESCRIPTION,
        config_description="Drawn once.",
        citation="@misc{made}",
        homepage="",
        features={"image": "Image", "age": "Scalar(shape=(), dtype=float32)"},
        splits=Splits(
            {
                name: types.SimpleNamespace(num_examples=count)
                for name, count in COUNTS.items()
            }
        ),
    )
    return types.SimpleNamespace(info=info)


def put_made_data(monkeypatch):
    """Puts a made data set in place of prepared ones."""
    monkeypatch.setattr(builders, "find_builder", find_builder)


def make_measured_run(path, schema=EVERY_KIND, tasks=()):
    """A finished run that was evaluated."""
    run = make_run(
        path,
        schema,
        tasks,
        data=DataConfig(data_dir="a data folder", dataset="made/here"),
        status="finished",
        dataset=DATASET,
        fingerprints={"train": "f1", "validation": "f2"},
        parameters=1234,
        precision="float32",
        epochs=3,
        best_epoch=2,
        examples_seen=900,
        seconds=90.0,
    )
    answers, labels = random_predictions(120, schema=schema)
    known = tasks or schema.task_names
    records = evaluate_predictions(
        {name: answers[name] for name in known},
        labels,
        schema,
        seed=0,
        split="test",
        dataset=DATASET,
    )
    facts = {"dataset": DATASET, "split": "test", "portraits": 120}
    write_report(
        run.path / "evaluation" / "test",
        run.path / "evaluation.html",
        records,
        lambda written: evaluation_report(written, schema),
        facts | {"fingerprint": "f3"},
    )
    return run


def write_found(folder, titles, dataset=DATASET, **facts):
    """A folder of figures with a section of each title, and limits."""
    frame = pd.DataFrame({"what": ["age"], "found": ["0.500 [0.400, 0.600]"]})
    sections = [
        parts.Section(
            title,
            sentences=[f"Said of {title} & more."],
            summary=parts.Table("Summary", "", frame),
            plots=[parts.Plot(f"{n}.png", title, "Look.", new_figure(2, 1))],
            tables=[parts.Table("Classes", "", frame)],
        )
        for n, title in enumerate(titles)
    ]
    sections.append(parts.Section("Limits", sentences=["Few were seen."]))
    write_report(
        folder,
        folder.with_suffix(".html"),
        [Record("share", "age", "all", 0.5, 2, split="test", dataset=dataset)],
        lambda written: parts.Report("Found", sections, False),
        {"dataset": dataset, "fingerprint": "f4", **facts},
    )
    return folder
