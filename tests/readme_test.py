"""The figures of the README are those that a command has printed."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[1]


def rows_of(text, start):
    """The cells of the rows of a table whose first cell starts so."""
    return [
        [cell.strip(" *") for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith(f"| {start}")
    ]


@pytest.mark.parametrize(
    ("experiment", "start"), [("real", "a pack of"), ("demo", "12,000")]
)
def test_accuracies_and_seconds_are_of_one_run(experiment, start):
    (quoted,) = rows_of((ROOT / "README.md").read_text(), start)
    printed = (ROOT / "benchmarks" / "README.md").read_text()
    section = printed.split(
        f"`python -m benchmarks.accuracy --experiment {experiment}`"
    )
    (mean,) = rows_of(section[-1].split("\n\n")[1], "mean")
    (first, *_) = rows_of(section[-1].split("\n\n")[1], "0 ")
    counts = re.findall(r"n = (\d+)", " ".join(first))
    assert quoted[1].replace(",", "") == counts[0]
    assert [f"0{share}" for share in quoted[2:5]] == mean[3:]
    assert quoted[5] == f"{mean[1]} s"


# Keras warns of its own default, with every `tf.data.Dataset`.
@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed:UserWarning")
def test_snippets_run_as_they_stand(tiny_data_dir):
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 220
    # That of a data set of one's own has a test of its own.
    use = text.split("## Use")[1].split("\n## ")[0]
    blocks = re.findall(r"```python\n(.*?)```", use, re.DOTALL)
    names = {}
    for block in blocks:
        # The same on the smallest data and network.
        for ours, smallest in {
            "tiny_portraits/synthetic": "tiny_portraits/synthetic_tiny",
            "data/tfds": str(tiny_data_dir),
            "portrait_s": "portrait_xs",
            "epochs=5": "epochs=1, verbose=0",
        }.items():
            block = block.replace(ours, smallest)
        exec(block, names)
    probabilities = names["classifier"].predict_answers(
        names["images"], verbose=0
    )
    assert probabilities["hair_color"].shape == (8, 5)
