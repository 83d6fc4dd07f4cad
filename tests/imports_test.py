"""The house has one direction of import, and a light front door."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]

# Each room imports only from rooms before it, and from itself.
ROOMS = (
    "errors",
    "command_line",
    "quiet",
    "fresh_process",
    "files",
    "tasks",
    "pixels",
    "config",
    "registration",
    "data",
    "models",
    "debiasing",
    "runs",
    "records",
    "evaluation",
    "export",
    "tuning",
    "fairness",
    "generator",
)
# Serves exported bundles, so it knows the vocabulary and nothing of models.
SERVING = ("errors", "command_line", "tasks", "pixels", "serving")


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


MODULES = sorted((ROOT / "tp_keras").rglob("*.py"))


def test_every_room_has_its_place():
    assert {room_of(path) for path in MODULES} <= {
        *ROOMS,
        "serving",
        "__init__",
    }


@pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: str(path.relative_to(ROOT))
)
def test_imports_go_one_way(path):
    room = room_of(path)
    if room == "__init__":
        allowed = ()
    elif room == "serving":
        allowed = SERVING
    elif room in ("export", "tuning", "fairness", "generator"):
        allowed = (*ROOMS[: ROOMS.index(room) + 1], "serving")
    else:
        allowed = ROOMS[: ROOMS.index(room) + 1]
    for module in imported_modules(path):
        package, *rest = module.split(".")
        assert package not in ("datasets", "training", "benchmarks", "tests")
        if package == "tp_keras" and rest:
            assert rest[0] in allowed, f"{path} imports {module}"
        if package == "tensorflow":
            assert room not in (
                "errors",
                "tasks",
                "pixels",
                "config",
            )
            # Models train on every backend; one layer and the optimizer
            # have kernels of their own, and one step an order of its own.
            assert room not in ("models", "debiasing") or path.name in (
                "fused_batch_normalization.py",
                "fused_adamw.py",
                "alternating_step.py",
            )


def test_the_dataset_folder_stands_alone():
    for path in (ROOT / "datasets").rglob("*.py"):
        packages = {module.split(".")[0] for module in imported_modules(path)}
        assert not packages & {"tp_keras", "training", "benchmarks", "keras"}


def test_the_package_imports_neither_tensorflow_nor_keras():
    code = (
        "import sys, tp_keras, tp_keras.tasks, tp_keras.config; "
        "sys.exit(bool({'keras', 'tensorflow'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_vocabulary_is_that_of_the_data_set():
    from datasets.tiny_portraits import facts
    from tp_keras import tasks

    assert {t.name: t.classes for t in tasks.TASKS} == facts.CLASSES
    assert tasks.IMAGE_SHAPE == facts.IMAGE_SHAPE
