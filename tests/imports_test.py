"""The house has one direction of import, no names of tasks, a light door."""

import ast
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
MODULES = sorted((ROOT / "tp_keras").rglob("*.py"))
each_module = pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: str(path.relative_to(ROOT))
)


def read_rooms():
    """The rooms in the order of the README's list: each imports those above."""
    section = (ROOT / "README.md").read_text().split("## The house")[1]
    section = section.split("\n## ")[0]
    rooms = []
    for cell in re.findall(r"^\| ([^|]*`[^|]*) \|", section, re.MULTILINE):
        names = re.findall(r"`([^`]+)`", cell)
        if names[0].startswith("tp_keras/"):
            # Behind the first one, those of the same row leave it out.
            rooms += [name.removeprefix("tp_keras/") for name in names]
    return [name.removesuffix(".py").rstrip("/") for name in rooms]


ROOMS = read_rooms()
# Serves exported bundles, and knows nothing of models.
SERVING = (
    *("errors", "command_line", "quiet", "files", "tasks", "pixels"),
    *("certainty", "serving"),
)
# In these TensorFlow has kernels or an order of its own; all else of models
# and methods runs on every backend.
TENSORFLOW_ALONE = (
    "layers.py",
    "optimizers.py",
    "alternating_step.py",
)


def imported_modules(path):
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def room_of(path):
    return path.relative_to(ROOT / "tp_keras").parts[0].removesuffix(".py")


def test_every_room_has_its_place_in_the_readme():
    assert {room_of(path) for path in MODULES} - {"__init__"} == set(ROOMS)
    assert len(ROOMS) == len(set(ROOMS))


@each_module
def test_imports_go_one_way(path):
    room = room_of(path)
    if room == "__init__":
        allowed = ()
    elif room == "serving":
        allowed = SERVING
    else:
        allowed = ROOMS[: ROOMS.index(room) + 1]
    for module in imported_modules(path):
        package, *rest = module.split(".")
        assert package not in ("datasets", "training", "benchmarks", "tests")
        if package == "tp_keras" and rest:
            assert rest[0] in allowed, f"{path} imports {module}"
        if package == "tensorflow":
            assert room not in ("errors", "tasks", "pixels", "config", "files")
            assert room not in ("models", "debiasing") or path.name in (
                TENSORFLOW_ALONE
            )


# What a schema tells: names of tasks and classes, sizes, groups.
NAMES = re.compile(
    r"gender|\bmales?\b|female|\bwom[ae]n\b|\bm[ae]n\b|hair|blond|bald\b"
    r"|\brace\b|ethnic|smil(e|ing)\b|\b108\b|\b84\b",
    re.IGNORECASE,
)


@each_module
def test_no_module_names_a_task_a_class_or_a_size(path):
    text = path.read_text()
    found = [
        f"{number}: {line.strip()}"
        for number, line in enumerate(text.splitlines(), 1)
        if NAMES.search(line)
    ]
    assert not found


def test_the_package_imports_neither_tensorflow_nor_keras():
    code = (
        "import sys, tp_keras, tp_keras.tasks, tp_keras.config; "
        "sys.exit(bool({'keras', 'tensorflow'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
