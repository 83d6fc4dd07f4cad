"""A damaged folder of a sweep is one sentence."""

import contextlib

import pytest

from tests.damage import DAMAGES
from tests.damage import OTHER_JSON
from tests.damage import delete
from tests.damage import with_other_values
from tests.fairness.sweep.made_outcomes import make_records
from tp_keras.config import ExperimentConfig
from tp_keras.errors import UserError
from tp_keras.fairness.sweep.outcome import SPLITS
from tp_keras.fairness.sweep.outcome import SweepFolder
from tp_keras.fairness.sweep.settings import SweepSettings
from tp_keras.fairness.sweep.settings import Variant
from tp_keras.fairness.sweep.settings import parse_variant
from tp_keras.files import write_json
from tp_keras.records.record import write_records
from tp_keras.runs.run_folder import RunFolder

VARIANT = parse_variant("grl:1")
FILES = (
    *("sweep.json", "features-seed3.json", "grl-1-seed3/run.json"),
    "grl-1-seed3/sweep/test.jsonl",
)


@pytest.fixture
def sweep(tmp_path):
    """A folder with what was measured of a variant, and its base runs."""
    base = RunFolder(tmp_path / "base")
    base.claim(ExperimentConfig(run_dir=str(base.path)))
    base.record(dataset="made/1.0.0", fingerprints={}, seconds=10.0)
    folder = SweepFolder(tmp_path / "sweep")
    folder.claim(SweepSettings(), {3: base})
    folder.run(VARIANT, 3).path.mkdir()
    folder.run(VARIANT, 3).record(debias_seconds=1.0)
    write_json(folder.features_path(3), {"seconds": 2.0}, checksum=True)
    for variant in (Variant(), VARIANT):
        for split in SPLITS:
            path = folder.records_path(variant, 3, split)
            write_records(path, make_records(split, 3))
            folder.note(path)
    return folder, {3: base}


def read(folder, bases):
    """All that is read of a sweep."""
    folder.claim(SweepSettings(), bases)
    return [folder.outcome(variant, bases) for variant in (Variant(), VARIANT)]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_one_sentence(sweep, name, damage):
    folder, bases = sweep
    assert read(folder, bases)[1].costs == (1.3,)
    damage(folder.path / name)
    # What a variant costs may be unknown.
    kind = contextlib.suppress if damage is delete else pytest.raises
    with kind(UserError):
        read(folder, bases)


@pytest.mark.parametrize("name", FILES[:-1])
def test_other_json_is_never_a_trace(sweep, name):
    folder, bases = sweep
    path = folder.path / name
    before = path.read_text()
    for text in OTHER_JSON:
        path.write_text(text)
        with contextlib.suppress(UserError):
            read(folder, bases)
    path.write_text(before)
    for _ in with_other_values(path):
        with contextlib.suppress(UserError):
            read(folder, bases)


def test_damaged_figures_say_what_measures_again(sweep):
    folder, bases = sweep
    path = folder.records_path(VARIANT, 3, "test")
    path.write_text(path.read_text().replace("{", "[", 1))
    with pytest.raises(
        UserError, match="same sweep measures again.*test.jsonl"
    ):
        read(folder, bases)
