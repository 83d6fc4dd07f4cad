"""A damaged folder of a search is one sentence."""

import contextlib
import dataclasses

import pytest

from tests.damage import DAMAGES
from tests.damage import OTHER_JSON
from tests.damage import delete
from tests.damage import flip
from tests.damage import with_other_values
from tests.tuning.results import make_result
from tp_keras.config import ExperimentConfig
from tp_keras.errors import UserError
from tp_keras.files import read_json
from tp_keras.tuning import trials
from tp_keras.tuning.oracle import make_oracle
from tp_keras.tuning.search_settings import SearchFolder
from tp_keras.tuning.search_settings import SearchSettings
from tp_keras.tuning.search_space import SearchSpace
from tp_keras.tuning.trial import read_results

SETTINGS = SearchSettings(ExperimentConfig(), SearchSpace(), trials=2)
PRINTS = {"train": "a", "validation": "b"}
FILES = (
    *("settings.json", "data.json", "finished.json"),
    *(
        "trials/0/result.json",
        "oracle/oracle.json",
        "oracle/trial_0/trial.json",
    ),
)
each_file = pytest.mark.parametrize("name", FILES)


@pytest.fixture
def folder(tmp_path):
    folder = SearchFolder(tmp_path)
    folder.claim(SETTINGS)
    folder.check_data(PRINTS)
    make_result().write(folder.trial_path("0"))
    make_oracle(SETTINGS, folder.path).create_trial("me")
    folder.finish()
    return folder


def read(folder):
    """All that is read of a search."""
    folder.check_data(PRINTS)
    results = [dataclasses.asdict(r) for r in read_results(folder.path)]
    oracle = make_oracle(folder.settings, folder.path)
    return folder.is_finished, folder.settings, results, oracle.get_state()


@each_file
@pytest.mark.parametrize("damage", [d for d in DAMAGES if d is not flip])
def test_a_damaged_file_is_one_sentence(folder, name, damage):
    damage(folder.path / name)
    # Some are written anew where they are not there.
    kind = contextlib.suppress if damage is delete else pytest.raises
    with kind(UserError):
        read(folder)


@each_file
def test_other_json_is_never_a_trace(folder, name):
    path = folder.path / name
    before = path.read_text()
    for text in OTHER_JSON:
        path.write_text(text)
        with contextlib.suppress(UserError):
            read(folder)
    path.write_text(before)
    for _ in with_other_values(path):
        with contextlib.suppress(UserError):
            read(folder)


def test_attempts_that_are_damaged_count_as_none(folder):
    path = folder.path / "attempts.json"
    for text, count in (("2\n", 2), ("", 0), ("[", 0), (None, 0)):
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text)
        assert trials._read_attempts(path) == count
    path.write_bytes(b"\xff")
    assert trials._read_attempts(path) == 0
    assert read_json(folder.path / "data.json", "") == PRINTS
