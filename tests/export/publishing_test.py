import hashlib
import json
import os
import stat

import pytest

from tests.made_runs import make_run
from tests.processes import ended_process
from tp_keras.export.publishing import publish
from tp_keras.export.publishing import unpublished
from tp_keras.export.publishing import write_metadata
from tp_keras.export.run_export import export_run
from tp_keras.generator.export.bundle import export_vae_run
from tp_keras.runs.run_folder import RunFolder
from tp_keras.serving.server_files import configured_models
from training.endings import user_message


def publish_one(models, content="graph"):
    with unpublished(models, "mine") as folder:
        assert not folder.name.isdecimal()
        (folder / "saved_model.pb").write_text(content)
        write_metadata(folder, {"signatures": []})
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


def test_a_server_knows_of_every_model_that_was_published(tmp_path):
    for name in ("mine", "yours"):
        with unpublished(tmp_path, name) as folder:
            (folder / "part").mkdir()
            (folder / "part" / "saved_model.pb").write_text("weights")
            (folder / "saved_model.pb").write_text("graph")
            write_metadata(folder, {"signatures": []})
            version = publish(folder)
    metadata = json.loads((version / "metadata.json").read_text())
    assert metadata.keys() == {"signatures", "files", "checksum"}
    assert metadata["files"] == {
        name: {"size": len(text), "sha256": hashlib.sha256(text).hexdigest()}
        for name, text in (
            ("part/saved_model.pb", b"weights"),
            ("saved_model.pb", b"graph"),
        )
    }
    assert sorted(configured_models(tmp_path)) == ["mine", "yours"]
    assert {p.name for p in tmp_path.iterdir() if p.is_file()} == {
        *("batching.config", "models.config", "monitoring.config"),
        *("balancer.conf", "compose.yaml", "deployment.yaml", "kserve.yaml"),
    }


def test_an_export_removes_what_a_killed_one_has_left(tmp_path):
    killed = ended_process()
    with unpublished(tmp_path, "mine") as folder:
        left, living = (
            folder.with_name(
                folder.name.replace(str(os.getpid()), str(process))
            )
            for process in (killed, os.getppid())
        )
        for path in (left, living):
            (path / "variables").mkdir(parents=True)
    version = publish_one(tmp_path)
    assert {*version.parent.iterdir()} == {version, living}


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt()])
def test_a_failure_leaves_nothing(tmp_path, error):
    with pytest.raises(type(error)), unpublished(tmp_path, "mine") as folder:
        (folder / "saved_model.pb").write_text("half")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_told_before_any_work(tmp_path, monkeypatch):
    monkeypatch.delattr(RunFolder, "load_model")
    run = make_run(tmp_path / "run", status="finished")
    (tmp_path / "models").touch()
    with pytest.raises(OSError) as error:
        export_run(run.path, tmp_path / "models")
    assert str(tmp_path / "models") in user_message(error.value)
    with pytest.raises(OSError):
        export_vae_run(run.path, tmp_path / "models")
