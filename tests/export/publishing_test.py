import os
import stat

import pytest

from tp_keras.export.publishing import publish
from tp_keras.export.publishing import unpublished


def publish_one(models, content="graph"):
    with unpublished(models, "mine") as folder:
        assert not folder.name.isdecimal()
        (folder / "saved_model.pb").write_text(content)
        return publish(folder)


def test_versions_count_up_and_others_may_read_them(tmp_path):
    umask = os.umask(0o022)
    try:
        versions = [publish_one(tmp_path) for _ in range(2)]
    finally:
        os.umask(umask)
    assert [version.name for version in versions] == ["1", "2"]
    assert stat.S_IMODE(versions[0].stat().st_mode) == 0o755
    (tmp_path / "mine" / "10").mkdir()
    (tmp_path / "mine" / "99_notes").mkdir()
    assert publish_one(tmp_path).name == "11"


def test_a_version_taken_meanwhile_is_left_alone(tmp_path, monkeypatch):
    rename = type(tmp_path).rename

    def overtaken(self, target):
        if target.name == "1":
            target.mkdir()
            (target / "saved_model.pb").write_text("other")
        return rename(self, target)

    monkeypatch.setattr(type(tmp_path), "rename", overtaken)
    version = publish_one(tmp_path, "mine")
    assert version.name == "2"
    assert (version / "saved_model.pb").read_text() == "mine"
    assert (version.parent / "1" / "saved_model.pb").read_text() == "other"


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt()])
def test_a_failure_leaves_nothing(tmp_path, error):
    with pytest.raises(type(error)), unpublished(tmp_path, "mine") as folder:
        (folder / "saved_model.pb").write_text("half")
        raise error
    assert list((tmp_path / "mine").iterdir()) == []
