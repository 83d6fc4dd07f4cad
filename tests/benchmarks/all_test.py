import importlib

import pytest
import tyro

from benchmarks import all as all_module
from training.command import FLAG_STYLE


def command_of(module):
    (command,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and value.__module__ == module.__name__
        and hasattr(value, "execute")
    )
    return command


@pytest.mark.parametrize(
    ("name", "flags"), [*all_module.SYNTHETIC, *all_module.REAL]
)
def test_every_benchmark_takes_its_flags(name, flags):
    module = importlib.import_module(f"benchmarks.{name}")
    tyro.cli(
        command_of(module),
        args=flags.split(),
        use_underscores=True,
        config=FLAG_STYLE,
    )


def test_no_benchmark_of_the_readme_is_left_out():
    readme = (all_module.ROOT / "README.md").read_text()
    named = {
        line.split("benchmarks.")[1].split()[0].strip("`")
        for line in readme.splitlines()
        if line.startswith("| `python -m benchmarks.")
    }
    ours = {name for name, _ in (*all_module.SYNTHETIC, *all_module.REAL)}
    assert named - {"all"} == ours


def test_without_real_archives_it_says_so(tmp_path, capsys, monkeypatch):
    started = []
    monkeypatch.setattr(
        all_module.subprocess,
        "run",
        lambda command: started.append(command) or Result(),
    )
    all_module.All(data_dir=tmp_path, only=("accuracy", "equal_time")).execute()
    assert [command[1:3] for command in started] == [
        ["-m", "benchmarks.accuracy"]
    ]
    assert "Without the real archives" in capsys.readouterr().out


def test_a_failure_is_told_at_the_end(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        all_module.subprocess, "run", lambda command: Result(returncode=1)
    )
    with pytest.raises(SystemExit):
        all_module.All(data_dir=tmp_path, only=("drawing",)).execute()
    told = capsys.readouterr()
    assert "python -m benchmarks.drawing" in told.err


class Result:
    def __init__(self, returncode=0):
        self.returncode = returncode
