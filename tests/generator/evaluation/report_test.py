import html.parser
import json

import numpy as np
import pytest

from tests.generator.evaluation.made_generators import ColorJudge
from tests.generator.evaluation.made_generators import MadeSampler
from tests.generator.evaluation.made_generators import make_splits
from tp_keras.errors import UserError
from tp_keras.generator.evaluation import classification_score
from tp_keras.generator.evaluation import page
from tp_keras.generator.evaluation import plots
from tp_keras.generator.evaluation import report
from tp_keras.generator.evaluation import table
from tp_keras.generator.evaluation import two_sample
from tp_keras.generator.evaluation.candidates import CANDIDATES
from tp_keras.generator.evaluation.settings import GenerationSettings
from tp_keras.records.record import find
from tp_keras.records.record import read_records

QUICK = GenerationSettings(
    samples_per_cell=4, pairs_per_cell=2, min_count=3, temperature=0.7, seed=5
)


class FirstClass:
    """Takes the place of a network that would be trained."""

    def __init__(self, num_classes, epochs, seed):
        self.names = list(num_classes)

    def fit(self, images, labels, progress=None):
        return self

    def predict(self, images):
        return {name: np.zeros(len(images), int) for name in self.names}


@pytest.fixture(scope="module")
def measured():
    with pytest.MonkeyPatch.context() as patch:
        for module in (classification_score, two_sample):
            patch.setattr(module, "SmallNetwork", FirstClass)
        training, validation, test, unseen = make_splits(100)
        return report.evaluate_generation(
            MadeSampler(),
            ColorJudge(),
            training,
            validation,
            test,
            QUICK,
            unseen,
            progress=False,
        )


@pytest.fixture(scope="module")
def written(measured, tmp_path_factory):
    path = tmp_path_factory.mktemp("run")
    report.write_generation_report(
        report.generation_folder(path),
        report.generation_page(report.generation_folder(path)),
        *measured,
        QUICK,
        {"judge": {"fingerprint": "abc"}},
    )
    return path


def test_every_figure_is_there(measured):
    records, _ = measured
    for metric in (
        "kernel_distance",
        "frechet_distance",
        "sliced_wasserstein",
        "density",
        "fidelity",
        "mean_fidelity",
        "cell_fidelity",
        "worst_cell_fidelity",
        "ms_ssim_diversity",
        "classification_score",
        "two_sample_accuracy",
        "swap_success",
        "swap_kept",
        "latent_probe",
        "nearer_than_1_percent",
        "copying_score",
        "nearer_to_training",
    ):
        assert find(records, metric=metric), metric
    for name in CANDIDATES:
        assert find(records, metric="kernel_distance", variant=f"{name} judge")
    assert {record.seed for record in records} == {5}
    assert {record.split for record in records} == {"test"}


def test_a_perfect_generator_is_found_perfect(measured):
    records, _ = measured
    for record in find(records, metric="fidelity", variant="generated"):
        assert record.value == 1
    assert find(records, metric="worst_cell_fidelity")[0].value == 1


def test_files_and_facts(written, measured):
    folder = written / "evaluation" / "generation"
    assert {path.name for path in folder.iterdir()} == {
        "records.jsonl",
        "table.md",
        "measured.json",
        *(plot.file_name for plot in plots.PLOTS),
    }
    assert read_records(folder / "records.jsonl") == measured[0]
    facts = json.loads((folder / "measured.json").read_text())
    assert facts["judge"]["fingerprint"] == "abc"
    assert facts["settings"]["temperature"] == 0.7
    text = (folder / "table.md").read_text()
    for item in table.detail_tables(measured[0]):
        assert item.title in text
        assert item.rows, item.title


def test_pictures_say_temperature_and_seed(measured):
    _, grids = measured
    for name in ("samples.png", "nearest_training.png"):
        assert "temperature 0.7, seed 5" in grids[name].title
    for grid in grids.values():
        rows, columns = grid.images.shape[:2]
        assert len(grid.column_titles) == columns
        assert len(grid.row_titles) in (0, rows)
    assert grids["samples.png"].images.shape[:2] == (4, 10)


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.sources = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.sources += [
            value
            for name, value in attributes
            if name in ("src", "href", "srcset")
        ]


def test_the_page_needs_nothing_else(written):
    text = (written / "generation.html").read_text(encoding="utf-8")
    sources = Page(text).sources
    assert len(sources) == len(plots.PLOTS)
    assert all(one.startswith("data:image/png;base64,") for one in sources)
    assert "url(" not in text
    assert "Temperature 0.7, seed 5" in text
    # Portraits of another data set than the synthetic one may show people.
    assert "must not leave this machine" in text


def test_nothing_half_written_is_left(written, measured, monkeypatch):
    before = sorted(written.rglob("*"))

    def fail(*_):
        raise OSError("full")

    monkeypatch.setattr(page, "make_page", fail)
    with pytest.raises(OSError, match="full"):
        report.write_generation_report(
            report.generation_folder(written),
            report.generation_page(report.generation_folder(written)),
            *measured,
            QUICK,
        )
    assert sorted(written.rglob("*")) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": 0.0},
        {"temperature": float("nan")},
        {"samples_per_cell": 1},
        {"max_test": 10},
        {"seed": -1},
    ],
    ids=str,
)
def test_settings_that_cannot_be(wrong):
    (name,) = wrong
    with pytest.raises(UserError, match=f"Received: {name}="):
        GenerationSettings(**wrong)


def test_another_split_has_a_folder_of_its_own(tmp_path):
    folder = report.generation_folder(tmp_path, "validation")
    assert folder == tmp_path / "evaluation" / "generation-validation"
    page_path = report.generation_page(folder)
    assert page_path == tmp_path / "generation-validation.html"
    own = report.generation_page(report.generation_folder(tmp_path))
    assert own == tmp_path / "generation.html"
