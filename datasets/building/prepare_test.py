"""Of `prepare`, what no single data set shows; the rest see beside those."""

import ast
import pathlib
import shutil
import subprocess
import sys

import pytest

from .errors import DatasetInputError
from .prepare import find_builder_class
from .prepare import prepare

ROOT = pathlib.Path(__file__).parents[1]


def test_a_folder_is_found_by_its_name():
    assert find_builder_class("utk_face").name == "utk_face"
    for name in ("building", "other", "", ".."):
        with pytest.raises(DatasetInputError, match="tiny_portraits, utk_fa"):
            find_builder_class(name)


@pytest.mark.parametrize(
    ("dataset", "flags", "message"),
    [
        ("tiny_portraits/archives", {}, "Expected --manual_dir with their"),
        ("utk_face/80x80", {"overwrite": True}, "is built from files that"),
        ("utk_face/synthetic", {"manual_dir": "x"}, "Expected no --manual_dir"),
        ("utk_face", {"missing": ("",)}, "utk_face has no --missing. Expected"),
        ("utk_face", {"on_bad": "ignore"}, "or --on_bad=skip"),
    ],
)
def test_what_does_not_go_together_is_refused(
    tmp_path, dataset, flags, message
):
    with pytest.raises(DatasetInputError, match=message):
        prepare(dataset, tmp_path / "tfds", **flags)
    assert not (tmp_path / "tfds").exists()


def test_imports_within_the_folder_are_relative():
    """It is installed under another name, and stands alone."""
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = []
            if isinstance(node, ast.ImportFrom) and not node.level:
                modules = [node.module]
            elif isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            packages = {module.partition(".")[0] for module in modules}
            known = {"datasets", "tp_keras", "training", "benchmarks", "keras"}
            assert not packages & known, path


# Two workers: they import it by that name too. No guard of the main module.
INSTALLED = """
from faces.building.prepare import find_builder_class
find_builder_class("tiny_portraits").draw_pack("pack", 70, workers=2)
find_builder_class("utk_face")
"""


def test_the_folder_works_under_another_name(tmp_path):
    ignored = shutil.ignore_patterns("*_test.py", "__pycache__")
    shutil.copytree(ROOT, tmp_path / "faces", ignore=ignored)
    (tmp_path / "script.py").write_text(INSTALLED)
    subprocess.run([sys.executable, "script.py"], cwd=tmp_path, check=True)
    assert (tmp_path / "pack" / "pack.json").exists()
