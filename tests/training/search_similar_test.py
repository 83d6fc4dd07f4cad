import pathlib
import re

import numpy as np
import pytest
from PIL import Image

from tests.made_runs import make_run
from tests.picture_factory import exif
from tests.picture_factory import stored
from tests.printed_commands import refusal
from tp_keras.config import DataConfig
from tp_keras.data.source import load_portraits
from tp_keras.export import export_bundle
from tp_keras.export.run_export import describe_run
from training import command
from training.search_similar import SearchSimilar

DATASET = "tiny_portraits/synthetic_tiny"


@pytest.fixture(scope="module")
def trained(tiny_data_dir, tmp_path_factory):
    """A run, and the bundle that was exported of it."""
    run_dir = tmp_path_factory.mktemp("runs") / "tiny"
    validation = load_portraits(
        tiny_data_dir, DATASET, "validation", progress=False
    )
    run = make_run(
        run_dir,
        validation.schema,
        data=DataConfig(str(tiny_data_dir), DATASET),
        fingerprints={"validation": validation.fingerprint},
    )
    return run_dir, export_bundle(
        run.load_model(),
        tmp_path_factory.mktemp("models"),
        metadata=describe_run(run),
    )


@pytest.fixture
def image(tmp_path):
    pixels = np.random.default_rng(0).integers(
        0, 256, size=(200, 100, 3), dtype=np.uint8
    )
    Image.fromarray(pixels).save(tmp_path / "photo.jpg")
    return tmp_path / "photo.jpg"


def search(*flags):
    command.run(SearchSimilar, [str(flag) for flag in flags])


def test_run_and_bundle_find_the_same(
    trained, image, tiny_data_dir, tmp_path, capsys, monkeypatch
):
    by = "hair_color"
    monkeypatch.chdir(tmp_path)
    run_dir, bundle = trained
    flags = ("--image", image, "--k", 7, "--by", by)
    search("--run_dir", run_dir, *flags)
    of_run = capsys.readouterr().out
    search(
        *("--bundle", bundle.parent, *flags),
        *("--data_dir", tiny_data_dir, "--dataset", DATASET),
    )
    of_bundle = capsys.readouterr().out
    table = of_run.index("rank"), of_run.index("Picture:")
    assert of_run[slice(*table)] in of_bundle
    assert len(of_run[slice(*table)].splitlines()) == 12
    for folder, text in (
        (run_dir / "similar", of_run),
        ("runs/similar", of_bundle),
    ):
        path = f"{folder}/photo-{by}.png"
        assert f"Picture: {path}" in text
        # Synthetic portraits may be shown.
        assert "must not leave this machine" not in text
        with Image.open(path) as picture:
            assert picture.format == "PNG"


def test_what_is_found_elsewhere_replaces_nothing(trained, image, capsys):
    run_dir, _ = trained
    flags = ("--run_dir", run_dir, "--image", image, "--k", 2)
    paths = []
    for split in ("test", "validation", "test[:9]"):
        search(*flags, "--split", split)
        (line,) = (
            line
            for line in capsys.readouterr().out.splitlines()
            if line.startswith("Picture: ")
        )
        paths.append(pathlib.Path(line.removeprefix("Picture: ")))
    names = [path.name for path in paths]
    assert names[:2] == ["photo-all.png", "photo-all-validation.png"]
    assert re.search("synthetic_tiny-[0-9.]+-test--9--", names[2])
    assert all(path.is_file() for path in paths)


def test_a_portrait_of_the_data_finds_itself(
    trained, tiny_data_dir, tmp_path, capsys
):
    run_dir, _ = trained
    validation = load_portraits(
        tiny_data_dir, DATASET, "validation", progress=False
    )
    # As a camera stores it that was held otherwise.
    own = stored(validation.images[3], 6)
    own.save(tmp_path / "own.png", exif=exif(6))
    search(
        *("--run_dir", run_dir, "--image", tmp_path / "own.png"),
        *("--split", "validation", "--k", 1),
        *("--output", tmp_path / "found.png"),
    )
    text = capsys.readouterr().out
    index = validation.indices[3]
    assert f"\n| 1    | 1.000      | {index} " in text
    assert (tmp_path / "found.png").is_file()


def test_what_is_wrong_is_told_in_one_sentence(
    trained, image, tmp_path, capsys
):
    run_dir, bundle = trained
    own = ("--run_dir", run_dir)
    output = tmp_path / "out.png"
    rest = ("--image", image, "--output", output)
    notes = tmp_path / "notes.txt"
    notes.write_text("no image")
    for flags, expected in (
        (rest, "Expected either --run_dir or --bundle"),
        ((*own, "--bundle", bundle, *rest), "Expected either --run_dir"),
        ((*own, "--image", notes), "no picture, or not a whole one"),
        ((*own, "--image", tmp_path / "gone.png"), "No such file"),
        (("--run_dir", tmp_path / "gone", *rest), "python -m training.train"),
        (("--bundle", tmp_path / "gone", *rest), "python -m training.export"),
        ((*own, *rest, "--k", 0), "Received: k=0"),
        ((*own, *rest, "--k", 100_000), "Received: k=100000"),
        ((*own, *rest, "--split", "tests"), "Received: split=tests"),
        ((*own, *rest, "--data_dir", tmp_path), "training.build_dataset"),
        ((*own, "--image", image, "--output", tmp_path), "a PNG file"),
        ((*own, "--image", image, "--output", "a.jpg"), "Received: output="),
    ):
        assert expected in refusal(capsys, search, *flags)
    assert not output.exists()
