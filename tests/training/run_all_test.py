import os
import pathlib
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from tests.made_runs import make_run
from tp_keras.data.source import load_portraits
from tp_keras.errors import UserError
from tp_keras.export.publishing import write_metadata
from tp_keras.export.run_export import describe_run
from tp_keras.records.record import Record
from tp_keras.records.record import write_records
from tp_keras.serving.locate import describe_file
from training import run_all

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def evaluated(tmp_path):
    """A run with records and two bundles, the second one of this run."""
    run = make_run(tmp_path / "mine", status="finished")
    records = run.path / "evaluation" / "test" / "records.jsonl"
    write_records(records, [Record("accuracy", "task", "all", 0.5, 2)])
    bundles = tmp_path / "bundles"
    for version in (9, 10):
        folder = bundles / str(version)
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").write_bytes(b"graph")
        facts = {"schema": run.schema.to_dict(), **describe_run(run)}
        facts["files"] = {
            "saved_model.pb": describe_file(folder / "saved_model.pb")
        }
        write_metadata(folder, facts)
    return run.path, records, bundles


def test_the_newest_bundle_is_reused_if_it_is_of_the_run(evaluated):
    run_dir, records, bundles = evaluated
    assert run_all._bundle_of(bundles, run_dir, records) == bundles / "10"
    assert run_all._bundle_of(bundles / "none", run_dir, records) is None
    # Older than its figures it is exported again.
    later = time.time() + 10
    os.utime(records, (later, later))
    assert run_all._bundle_of(bundles, run_dir, records) is None


def test_a_bundle_is_known_by_its_model_and_not_by_a_name(evaluated, tmp_path):
    run_dir, records, bundles = evaluated
    other = make_run(tmp_path / "b" / "mine", status="finished", seed=1)
    assert run_all._bundle_of(bundles, other.path, records) is None
    moved = run_dir.rename(tmp_path / "b" / "moved")
    records = moved / "evaluation" / "test" / "records.jsonl"
    assert run_all._bundle_of(bundles, moved, records) == bundles / "10"


@pytest.mark.parametrize("name", ["saved_model.pb", "metadata.json"])
def test_a_damaged_bundle_is_exported_again(evaluated, name):
    run_dir, records, bundles = evaluated
    (bundles / "10" / name).write_bytes(b"grabh")
    assert run_all._bundle_of(bundles, run_dir, records) is None


def test_a_failing_step_ends_the_way(tmp_path, monkeypatch, capfd):
    words = [sys.executable, "-c", "raise SystemExit(2)"]
    monkeypatch.setattr(run_all, "process_words", lambda command: words)
    with pytest.raises(SystemExit) as exit_info:
        run_all.RunAll(manual_dir=tmp_path, data_dir=tmp_path).execute()
    assert exit_info.value.code == 2
    captured = capfd.readouterr()
    assert "Step 1 ended with an error." in captured.err
    assert f"--manual_dir {tmp_path}" in captured.out
    assert "[2/6]" not in captured.out


def test_the_steps_are_of_the_data_set_of_the_experiment(tmp_path, monkeypatch):
    steps = []

    def step(self, number, title, command, skip=None):
        steps.append(command)
        if number == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(run_all.RunAll, "_step", step)
    with pytest.raises(KeyboardInterrupt):
        run_all.RunAll(
            experiment="reference", dataset="other/small", run_dir=tmp_path
        ).execute()
    data = "--data_dir data/tfds --dataset other/small"
    assert steps[:2] == [
        f"python -m training.build_dataset {data}",
        f"python -m training.train reference {data} --run_dir {tmp_path} "
        "--seed 0",
    ]
    assert steps[2].endswith(f"evaluate --run_dir {tmp_path}")
    with pytest.raises(UserError, match="demo, .*real, .*experiment=nothing"):
        run_all.RunAll(experiment="nothing").execute()


def test_several_data_sets_are_built_one_by_one(tmp_path, monkeypatch):
    steps = []

    def step(self, number, title, command, skip=None):
        steps.append(command)
        if number == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(run_all.RunAll, "_step", step)
    names = ("first/small", "second/small")
    with pytest.raises(KeyboardInterrupt):
        run_all.RunAll(dataset=names, run_dir=tmp_path).execute()
    build = "python -m training.build_dataset --data_dir data/tfds --dataset"
    assert steps[:2] == [f"{build} {name}" for name in names]
    assert "--dataset first/small second/small --run_dir" in steps[2]
    with pytest.raises(UserError, match="no --manual_dir with several"):
        run_all.RunAll(dataset=names, manual_dir=tmp_path).execute()


def test_the_examples_are_test_portraits(tiny_data_dir, tmp_path):
    dataset = "tiny_portraits/synthetic_tiny"
    found = run_all._example_files(tmp_path / "new", tiny_data_dir, dataset)
    test = load_portraits(tiny_data_dir, dataset, "test", progress=False)
    pixels = dict(zip(test.indices, test.images, strict=True))
    assert len(found) == run_all.EXAMPLES
    for path in found:
        index = int(path.stem.removeprefix("test_"))
        np.testing.assert_array_equal(Image.open(path), pixels[index])


@pytest.mark.large
def test_the_demo_goes_the_whole_way_and_reuses_it(tmp_path):
    command = [sys.executable, "-m", "training.run_all"]
    command += ["--data_dir", str(tmp_path / "data")]
    command += ["--run_dir", str(tmp_path / "run")]
    command += ["--output_dir", str(tmp_path / "bundles")]
    seconds, outputs = [], []
    for _ in range(2):
        begin = time.monotonic()
        done = subprocess.run(
            command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
        )
        seconds.append(time.monotonic() - begin)
        outputs.append(done.stdout)
    for output in outputs:
        assert "What next:" in output
        assert output.count("accuracy 0.") == 3
    assert "is finished; nothing to train" in outputs[1]
    assert outputs[1].count("Up to date:") == 3
    with Image.open(tmp_path / "run" / "wallpaper.png") as wallpaper:
        assert wallpaper.size == (3840, 2160)
    bundles = tmp_path / "bundles" / "portrait_attributes"
    assert [path.name for path in bundles.iterdir()] == ["1"]
    assert seconds[1] < seconds[0] / 3


@pytest.mark.parametrize(
    ("status", "told"), [(0, ""), (2, "Step 3"), (141, "")]
)
def test_a_step_stands_above_what_it_prints(status, told, capfd, monkeypatch):
    monkeypatch.setattr(
        run_all,
        "process_words",
        lambda command: ["sh", "-c", f"echo {command}; exit {status}"],
    )
    # As into a pipe, what is printed is kept back.
    with open(1, "w", closefd=False) as kept_back:
        monkeypatch.setattr(sys, "stdout", kept_back)
        try:
            run_all.RunAll()._step(3, "Evaluate", "evaluate")
        except SystemExit as error:
            assert error.code == status
        else:
            assert status == 0
    printed, said = capfd.readouterr()
    assert printed == "\n[3/6] Evaluate\n$ evaluate\n\nevaluate\n"
    assert told in said and bool(said) == bool(told)
