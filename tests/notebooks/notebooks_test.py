"""Notebooks run, are in step with their texts, and hold no logic."""

import ast
import pathlib
import re
import sys

import jupytext
import pytest

from tests.made_runs import make_classifier
from tests.made_runs import make_run
from tests.portrait_factory import SCHEMA

FOLDER = pathlib.Path(__file__).parents[2] / "notebooks"
sys.path.insert(0, str(FOLDER))

import refresh  # noqa: E402

each_notebook = pytest.mark.parametrize("name", refresh.NAMES)

DATASET = "tiny_portraits/synthetic_tiny"

# A picture that GitHub shows, and a clone that isn't heavy.
MOST_BYTES = 300_000

LOGIC = (
    *(ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.If, ast.IfExp),
    *(ast.Try, ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp),
)


@pytest.fixture(scope="module")
def kernel(tiny_data_dir, vae_bundle, tmp_path_factory):
    """A process with a tiny data set, an untrained run, and bundles of both."""
    from PIL import Image

    from datasets.building.prepare import prepare
    from tp_keras.config import DataConfig
    from tp_keras.export import export_bundle

    folder = tmp_path_factory.mktemp("notebooks")
    data, exported = folder / "data", folder / "exported_models"
    prepare("utk_face", data, count=60)
    (data / "tiny_portraits").symlink_to(tiny_data_dir / "tiny_portraits")
    settings = DataConfig(data_dir=str(data), dataset=DATASET)
    run = make_run(folder / "run", data=settings)
    export_bundle(make_classifier(SCHEMA), exported)
    (exported / "portrait_vae").symlink_to(vae_bundle.parent)
    (folder / "pictures").mkdir()
    Image.new("RGB", (84, 108), "gray").save(folder / "pictures" / "me.png")
    kernel = refresh.start_kernel(
        DATA_DIR=data,
        DATASET=DATASET,
        OTHER_DATASET="utk_face/synthetic_60",
        RUN_DIR=run.path,
        EXPORTED_MODELS=exported,
        PICTURES=folder / "pictures",
        OUTPUT_DIR=folder / "out",
    )
    yield kernel
    kernel.shutdown_kernel(now=True)


@pytest.mark.notebook
@each_notebook
def test_a_notebook_runs_on_a_tiny_data_set(name, kernel):
    notebook = refresh.read(name)
    refresh.execute(notebook, kernel, timeout=60)
    shown = [
        output.output_type
        for cell in refresh.code_cells(notebook)
        for output in cell.outputs
    ]
    assert "execute_result" in shown or "display_data" in shown
    assert "error" not in shown


def read_committed(name):
    path = FOLDER / f"{name}.ipynb"
    assert path.stat().st_size < MOST_BYTES
    return jupytext.read(path)


@each_notebook
def test_text_and_notebook_are_in_step(name):
    text, committed = refresh.read(name), read_committed(name)
    assert [(cell.cell_type, cell.source) for cell in text.cells] == [
        (cell.cell_type, cell.source) for cell in committed.cells
    ]
    for pair in (text, committed):
        assert pair.metadata["jupytext"]["formats"] == "ipynb,py:percent"
    assert committed.metadata["kernelspec"]["name"] == "python3"


@each_notebook
def test_outputs_are_there_and_tell_nothing_of_a_machine(name):
    committed = read_committed(name)
    cells = refresh.code_cells(committed)
    assert [cell.execution_count for cell in cells] == [
        *range(1, len(cells) + 1)
    ]
    outputs = [output for cell in cells for output in cell.outputs]
    assert outputs and cells[-1].outputs
    assert {output.get("name", "stdout") for output in outputs} == {"stdout"}
    assert "error" not in {output.output_type for output in outputs}
    plain = re.sub(r"[A-Za-z0-9+/=\n\\]{200,}", "", str(outputs))
    assert not re.search(r"/(tmp|work|home|root|Users)\b", plain)


@each_notebook
def test_cells_hold_no_logic(name):
    lines = 0
    for cell in refresh.code_cells(refresh.read(name)):
        tree = ast.parse(cell.source)
        found = [n for n in ast.walk(tree) if isinstance(n, LOGIC)]
        assert not found, ast.unparse(found[0])
        lines += sum(
            not isinstance(n, ast.Import | ast.ImportFrom) for n in tree.body
        )
    assert lines <= 15


@each_notebook
def test_a_notebook_is_told_in_the_order_of_the_others(name):
    texts = [
        cell.source
        for cell in refresh.read(name).cells
        if cell.cell_type == "markdown"
    ]
    text = "\n\n".join(texts)
    assert texts[0].startswith("# ")
    parts = (
        "**Question.**",
        "**Method, and why.**",
        "**Limits.**",
        "**Next.**",
    )
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (FOLDER / link).is_file()


def test_the_list_of_notebooks_is_whole():
    text = (FOLDER / "README.md").read_text()
    assert sorted(re.findall(r"^\| \[(\w+)\]", text, re.MULTILINE)) == (
        refresh.NAMES
    )
    committed = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
    assert committed == refresh.NAMES
