"""A new data set is one folder and one file: the one of the README."""

import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tp_keras.records.record import find_one
from tp_keras.records.record import read_records
from tp_keras.runs.run_folder import RunFolder

ROOT = pathlib.Path(__file__).parents[1]

# As commands, in one process: each start of TensorFlow takes seconds.
COMMANDS = """
import runpy, sys
for words in (
    "build_dataset --dataset my_faces --manual_dir faces",
    "train my_faces --epochs 1 --batch_size 16 --backbone "
    "PortraitBackbone(block_type='merged',stem_channels=8,stages=((8,0,4),))",
    "evaluate --run_dir runs/my_faces",
):
    sys.argv = words.split()
    runpy.run_module(f"training.{sys.argv[0]}", None, "__main__", True)
"""


def readme_files():
    """Path and text of each file that the README shows, in their order."""
    section = (ROOT / "README.md").read_text()
    section = section.split("## Your own data set")[1].split("\n## ")[0]
    texts = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    paths = re.findall(
        r"`((?:datasets|training)/my_faces/?[\w/]*\.py"
        r"|(?:datasets|training)/[\w/]+\.py)`",
        section,
    )
    return dict(zip(paths, texts, strict=True))


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of the house with the new files, and nothing else changed."""
    folder = tmp_path_factory.mktemp("house")
    for name in ("datasets", "training"):
        shutil.copytree(
            ROOT / name,
            folder / name,
            ignore=shutil.ignore_patterns("*_test.py", "__pycache__"),
        )
    (folder / "tp_keras").symlink_to(ROOT / "tp_keras")
    for path, text in readme_files().items():
        assert not (folder / path).exists()
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    return folder


def write_faces(folder):
    """Faces whose brightness is the age; a region and a few ages missing."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    lines = ["file,split,age,smile,region"]
    splits = ["train"] * 48 + ["validation"] * 16 + ["test"] * 16
    for number, split in enumerate(splits):
        age = int(rng.integers(0, 100))
        pixels = np.full((64, 64, 3), 2 * age, np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        region = ("north", "west")[number % 2]
        shown = "" if number % 9 == 5 else age
        lines.append(f"{number}.png,{split},{shown},{number // 2 % 2},{region}")
    (folder / "faces.csv").write_text("\n".join(lines) + "\n")


def test_the_data_set_of_the_readme_goes_the_whole_way(house):
    write_faces(house / "faces")
    result = subprocess.run(
        [sys.executable, "-c", COMMANDS],
        cwd=house,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    run = RunFolder(house / "runs/my_faces")
    assert run.schema.groups == ("north", "west")
    assert run.schema.guarded == ("age", "smile")
    records = read_records(run.path / "evaluation/test/records.jsonl")
    found = find_one(
        records, metric="within_tolerance", task="age", group="all"
    )
    ages = (house / "faces" / "faces.csv").read_text().splitlines()[65:]
    assert found.count == sum(line.split(",")[2] != "" for line in ages)
    assert find_one(records, metric="accuracy", task="smile", group="west")
