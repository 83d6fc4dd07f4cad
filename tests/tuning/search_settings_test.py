import dataclasses
import json

import pytest

from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.errors import UserError
from tp_keras.tuning.search_settings import SearchFolder
from tp_keras.tuning.search_settings import SearchSettings
from tp_keras.tuning.search_space import SearchSpace

SETTINGS = SearchSettings(
    base=ExperimentConfig(), space=SearchSpace(widths=(16,)), trials=3
)


def test_another_search_in_the_folder_is_refused(tmp_path):
    folder = SearchFolder(tmp_path / "search")
    folder.claim(SETTINGS)
    other = dataclasses.replace(
        SETTINGS, budget_seconds=5.0, space=SearchSpace(widths=(32,))
    )
    words = r"widths: \(16,\) against \(32,\); budget_seconds: 60.0 against 5.0"
    with pytest.raises(UserError, match=words):
        folder.claim(other)
    # Settings come back as they were written.
    assert folder.settings == SETTINGS
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(UserError, match="new or empty folder"):
        SearchFolder(tmp_path).claim(SETTINGS)
    assert not (tmp_path / "settings.json").exists()


def test_trials_of_two_data_sets_of_one_name_are_not_mixed(tmp_path):
    folder = SearchFolder(tmp_path)
    folder.claim(SETTINGS)
    folder.check_data({"train": "a", "validation": "b"})
    folder.check_data({"train": "a", "validation": "b"})
    with pytest.raises(UserError, match="on other portraits.*another --name"):
        folder.check_data({"train": "a", "validation": "c"})


def test_a_search_may_grow_and_move(tmp_path):
    folder = SearchFolder(tmp_path)
    folder.claim(SETTINGS)
    folder.finish()
    assert folder.is_finished
    moved = dataclasses.replace(
        SETTINGS.base, data=DataConfig(data_dir="elsewhere", storage="disk")
    )
    folder.claim(dataclasses.replace(SETTINGS, base=moved, trials=4))
    assert not folder.is_finished
    assert folder.settings.trials == 4


@pytest.mark.parametrize("content", [None, "{", json.dumps({"tuner": "x"})])
def test_a_broken_folder_is_told_in_one_sentence(tmp_path, content):
    if content is not None:
        (tmp_path / "settings.json").write_text(content)
    with pytest.raises(UserError, match="Received"):
        _ = SearchFolder(tmp_path).settings


@pytest.mark.parametrize(
    "change", [{"tuner": "random"}, {"trials": 0}, {"budget_seconds": 0.0}]
)
def test_settings_that_make_no_sense_are_refused(change):
    with pytest.raises(UserError, match="Received"):
        dataclasses.replace(SETTINGS, **change)
