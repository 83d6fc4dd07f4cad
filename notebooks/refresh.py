"""Executes the notebooks, and writes them with what they print and draw.

python notebooks/refresh.py            # all
python notebooks/refresh.py gender     # one of them

The `.py` files are the sources: edit these. What is committed is made from
synthetic portraits alone (`make demo`, `make portraits`).
"""

import os
import pathlib
import sys

import jupytext
from jupyter_client import KernelManager
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from nbformat.v4 import new_notebook

FOLDER = pathlib.Path(__file__).resolve().parent
NAMES = sorted(
    path.stem for path in FOLDER.glob("*.py") if "\n# %%" in path.read_text()
)


def read(name):
    """Returns a notebook as its text has it, without outputs."""
    notebook = jupytext.read(FOLDER / f"{name}.py")
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"  # Not drawn by chance.
    return notebook


def start_kernel(**places) -> KernelManager:
    """Starts a process that executes notebooks, one after the other.

    Args:
        places: What `here.py` reads of the environment, without `TP_KERAS_`.
    """
    named = {f"TP_KERAS_{key}": str(value) for key, value in places.items()}
    kernel = KernelManager(kernel_name="python3")
    kernel.start_kernel(cwd=FOLDER, env=os.environ | named)
    return kernel


def execute(notebook, kernel: KernelManager, timeout: int = 600) -> None:
    """Executes a notebook in place; a cell may take `timeout` seconds.

    Names of notebooks before are forgotten, but imported modules are there.
    """
    first = new_notebook(cells=[new_code_cell("%reset -f")])
    for each in (first, notebook):
        client = NotebookClient(each, km=kernel, timeout=timeout)
        try:
            client.execute()
        finally:
            client.kc.stop_channels()
    for number, cell in enumerate(code_cells(notebook), start=1):
        cell.outputs = [*filter(_is_lasting, cell.outputs)]
        cell.metadata.pop("execution", None)  # When it was.
        cell.execution_count = number
        for output in cell.outputs:
            if "image/jpeg" in output.get("data", {}):
                del output.data["image/png"]  # The same, and larger.
            if "execution_count" in output:
                output.execution_count = number


def _is_lasting(output):
    """Whether an output is more than a bar of progress or a warning."""
    is_text = output.output_type == "stream"
    bar = is_text and (output.name == "stderr" or "\x1b[" in output.text)
    return not bar and output.get("text", "?").strip() != ""


def code_cells(notebook) -> list:
    """Returns the cells of a notebook that hold code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def main() -> None:
    """Executes and writes the notebooks that the command line names."""
    kernel = start_kernel()
    try:
        for name in sys.argv[1:] or NAMES:
            notebook = read(name)
            execute(notebook, kernel)
            jupytext.write(notebook, FOLDER / f"{name}.ipynb")
            print(name)
    finally:
        kernel.shutdown_kernel(now=True)


if __name__ == "__main__":
    main()
