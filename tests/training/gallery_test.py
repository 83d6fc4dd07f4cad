import dataclasses
import functools

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.made_runs import make_run
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tests.printed_commands import parse
from tests.printed_commands import refusal
from tp_keras.config import ExperimentConfig
from tp_keras.data import source
from tp_keras.gallery.picture import TERMS
from tp_keras.records.record import Record
from tp_keras.records.record import write_records
from tp_keras.runs.run_folder import RunFolder
from training import command
from training import run_all
from training.sample import Sample
from training.wallpaper import Wallpaper

DATASET = "tiny_portraits/synthetic_tiny"
COMMANDS = {"sample": Sample, "wallpaper": Wallpaper}


@pytest.fixture
def start(tiny_data_dir, tmp_path, monkeypatch):
    """Starts a command in an empty folder on 400 portraits."""
    monkeypatch.chdir(tmp_path)
    data = ["--data_dir", str(tiny_data_dir), "--dataset", DATASET]

    def start(text):
        name, *words = text.split()
        command.run(COMMANDS[name], [*words, *data])

    return start


@pytest.fixture
def people(monkeypatch):
    """Portraits of people, with labels of every kind, are what is loaded."""
    portraits = make_portraits(60, schema=EVERY_KIND)
    monkeypatch.setattr(source, "load_portraits", lambda *_: portraits)
    return portraits


def test_a_sample_is_drawn_listed_and_told(start, capsys, tmp_path):
    start("sample --count 6 --labels gender=female --balance hair_type")
    out = capsys.readouterr().out
    table = pd.read_csv(tmp_path / "sample.csv", keep_default_na=False)
    assert len(table) == 6 and set(table["gender"]) == {"female"}
    assert set(table["split"]) == {"train"}
    for index in table["image_index"]:
        assert f"| {index} " in out
    assert "gender: female 6; hair_color: " in out
    assert "6 of the " in out and "asked for" not in out
    assert "Picture: sample.png\nTable:   sample.csv\n" in out
    assert TERMS not in out
    first = Image.open("sample.png").tobytes()
    start("sample --count 6 --labels gender=female --balance hair_type")
    assert Image.open("sample.png").tobytes() == first
    start("sample --count 6 --seed 1 --output other.jpg")
    assert (tmp_path / "other.csv").exists()


def test_pictures_of_people_are_told_to_be_kept(start, people, capsys):
    start("sample --count 99 --labels age=20- --balance smile signs")
    out = capsys.readouterr().out
    assert out.endswith(f"{TERMS}\n")
    assert "That are all there are: 99 were asked for." in out
    start("wallpaper --size 400x300 --tile 24 --sort label --by mood smile")
    out = capsys.readouterr().out
    assert out.endswith(f"Wallpaper: wallpaper.png\n{TERMS}\n")
    assert "170 places (17 x 10), 60 portraits of made/here/1.0.0, train" in out
    assert "each is there up to 3 times" in out
    mood, smile = out.splitlines()[-4:-2]
    assert mood.startswith("mood: sad ") and smile.startswith("smile: no ")
    for name in ("sample.png", "wallpaper.png"):
        assert Image.open(name).text["Disclaimer"] == TERMS


def test_a_wallpaper_of_colours_of_a_run_and_of_a_picture(
    start, tiny_data_dir, tmp_path, capsys
):
    small = "wallpaper --size 320x200 --tile 20"
    train = source.load_portraits(
        tiny_data_dir, DATASET, "train", progress=False
    )
    make_run(tmp_path / "run", train.schema)
    pixels = np.zeros((50, 90, 3), np.uint8)
    pixels[:, 45:] = 255
    Image.fromarray(pixels).save("photo.png")
    for flags in ("", " --run_dir run", " --target photo.png --tint 1"):
        start(f"{small}{flags}")
        out = capsys.readouterr().out
        assert ("Neighbours differ by " in out) == ("target" not in flags)
        with Image.open("wallpaper.png") as wallpaper:
            assert wallpaper.size == (320, 200)
            assert wallpaper.text["Seed"] == "0"
            found = np.asarray(wallpaper, float)
    # That of the picture is dark on the left, light on the right.
    assert found[:, 160:].mean() > found[:, :160].mean() + 100


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("sample --count 0", "count=0"),
        ("sample --count 5000", "count=5,000"),
        ("sample --seed -1", "seed=-1"),
        ("sample --output a.gif", "output=a.gif"),
        (
            "sample --labels gender=femal",
            "Did you mean female? Received: femal",
        ),
        ("sample --labels sex=female", "gender, hair_color, hair_type. Rec"),
        ("sample --labels hair_color=bald hair_type=wavy", "black "),
        ("sample --balance hair_colour", "Did you mean hair_color?"),
        ("sample --split trian", "train, validation, test"),
        ("wallpaper --size 0x0", "size=0x0"),
        ("wallpaper --size 99999x99999", "size=99999x99999"),
        ("wallpaper --tile 0", "tile=0"),
        ("wallpaper --tint 2", "tint=2.0"),
        ("wallpaper --by gender", "--by with --sort label"),
        ("wallpaper --sort hue --run_dir run", "--run_dir with --sort embed"),
        ("wallpaper --run_dir nowhere", "nowhere"),
        ("wallpaper --target none.png", "No such file"),
        ("wallpaper --target broken.png", "broken.png"),
        ("wallpaper --labels gender=robot", "female, male, missing. Rec"),
    ],
)
def test_what_cant_be_is_one_sentence_and_no_file(
    words, message, start, capsys, tmp_path
):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    before = [*tmp_path.iterdir()]
    said = refusal(capsys, functools.partial(start, words))
    assert message in said
    assert [*tmp_path.iterdir()] == before


@pytest.mark.parametrize("shows_people", [True, False])
def test_the_demo_ends_with_a_wallpaper(
    tmp_path, monkeypatch, capsys, shows_people
):
    run = RunFolder(tmp_path)
    run.claim(ExperimentConfig(run_dir=str(tmp_path)))
    schema = dataclasses.replace(SCHEMA, shows_people=shows_people)
    run.record(schema=schema.to_dict())
    run.model_path.write_text("")
    records = tmp_path / "evaluation" / "test" / "records.jsonl"
    write_records(
        records, [Record("accuracy", "task", "all", 0.5, 2, 0.4, 0.6)]
    )
    steps = []
    monkeypatch.setattr(run_all, "_example_files", lambda *_: [])
    monkeypatch.setattr(
        run_all.RunAll,
        "_step",
        lambda self, number, title, line, skip=None: steps.append(line),
    )
    demo = run_all.RunAll(run_dir=tmp_path, output_dir=tmp_path / "models")
    demo.execute()
    assert len(steps) == 6
    path = str(tmp_path / "wallpaper.png")
    assert parse(steps[-1]) == Wallpaper(output=path)
    (line,) = (
        line
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("  Wallpaper")
    )
    assert path in line
    assert ("must stay on this machine" in line) == shows_people
