import importlib
import importlib.util
import types

import pytest

from benchmarks import all as all_module
from tests.printed_commands import command_class
from training.command import read

NAMED = (
    *(*all_module.SYNTHETIC, *all_module.EXPORTED),
    *(*all_module.JUDGED, *all_module.REAL, *all_module.UTKFACE),
)


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        *NAMED,
        ("all", ""),
        ("questions", "--question sharing"),
        ("full_scale_stages", "--stage draw --folder there --count 1"),
    ],
)
def test_every_benchmark_takes_its_flags(name, flags):
    assert read(command_class(f"benchmarks.{name}"), flags.split())


# PyTorch comes with requirements-benchmarks.txt alone.
@pytest.mark.parametrize(
    "name",
    sorted(
        path.stem
        for path in all_module.ROOT.glob("*.py")
        if path.stem != "torch_networks" or importlib.util.find_spec("torch")
    ),
)
def test_every_module_is_imported(name):
    importlib.import_module(f"benchmarks.{name}")


def test_no_benchmark_of_the_readme_is_left_out():
    readme = (all_module.ROOT / "README.md").read_text()
    named = {
        line.split("benchmarks.")[1].split()[0].strip("`")
        for line in readme.splitlines()
        if line.startswith("| `python -m benchmarks.")
    }
    assert named - {"all"} == {name for name, _ in NAMED}


def run_all(monkeypatch, returncode=0, **arguments):
    """Runs them all, in place of processes that end with a code."""
    started = []

    def start(command):
        started.append(command[2])
        return types.SimpleNamespace(returncode=returncode)

    monkeypatch.setattr(all_module.subprocess, "run", start)
    all_module.All(**arguments).execute()
    return started


def test_without_real_archives_it_says_so(tmp_path, capsys, monkeypatch):
    only = ("accuracy", "equal_time")
    started = run_all(monkeypatch, data_dir=tmp_path, only=only)
    assert started == ["benchmarks.accuracy"]
    assert "Without the real archives" in capsys.readouterr().out


def test_a_failure_is_told_at_the_end(tmp_path, capsys, monkeypatch):
    with pytest.raises(SystemExit):
        run_all(monkeypatch, 1, data_dir=tmp_path, only=("drawing",))
    assert "python -m benchmarks.drawing" in capsys.readouterr().err
