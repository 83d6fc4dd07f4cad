import os

import pytest

from datasets.tiny_portraits import facts
from datasets.tiny_portraits import testing
from tests.printed_commands import parse_next
from tests.printed_commands import refusal
from training.build_dataset import BuildDataset
from training.command import run
from training.draw_portraits import DrawPortraits


def arguments(tmp_path, **kwargs):
    flags = {"manual_dir": tmp_path / "pack", "data_dir": tmp_path / "my tfds"}
    return [f"--{name}={value}" for name, value in (flags | kwargs).items()]


def test_the_command_builds_and_says_what_comes_next(tmp_path, capsys):
    testing.write_pack(tmp_path / "pack")
    run(BuildDataset, arguments(tmp_path))
    said = capsys.readouterr()
    assert "tiny_portraits/archives is ready." in said.out
    assert "train 5, validation 2, test 2" in said.out
    assert "skipped     nothing" in said.out
    data = parse_next(said.out).config.data
    assert data.data_dir == str(tmp_path / "my tfds")
    assert data.dataset == "tiny_portraits/archives"
    # Progress over all splits.
    assert "9/9" in said.err


def test_verify_reads_every_file_and_doubts_decoded_pixels(tmp_path, capsys):
    testing.write_pack(tmp_path / "pack")
    run(BuildDataset, arguments(tmp_path))
    [shard] = tmp_path.rglob("*train.tfrecord*")
    pixels = shard.parent / "decoded" / "train.npy"
    pixels.parent.mkdir()
    pixels.touch()
    os.utime(pixels, ns=(1, 1))
    run(BuildDataset, arguments(tmp_path))
    assert pixels.stat().st_mtime_ns == 1
    run(BuildDataset, arguments(tmp_path, verify=True))
    assert pixels.stat().st_mtime_ns > 1
    assert "is damaged" not in capsys.readouterr().out
    shard.write_bytes(shard.read_bytes()[:-1])
    run(BuildDataset, arguments(tmp_path, verify=True))
    assert f"{shard.name} in {shard.parent} is damaged" in (
        capsys.readouterr().out
    )


def test_bad_input_ends_in_one_sentence_and_may_be_left_out(tmp_path, capsys):
    pack = testing.write_pack(tmp_path / "pack")
    with (pack / facts.CSV_NAME).open("a") as file:
        file.write("9,male,black")
    said = refusal(capsys, run, BuildDataset, arguments(tmp_path))
    assert "line 11 has 3 of 4 columns" in said
    assert not list(tmp_path.rglob("dataset_info.json"))
    run(BuildDataset, arguments(tmp_path, on_bad="skip"))
    folder = tmp_path / "my tfds" / "tiny_portraits" / "archives" / "1.1.0"
    listed = f"skipped     1 item, see {folder / 'skipped.csv'}"
    assert listed in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "name", "shown"),
    [
        (["--count", "30", "--seed", "2"], "tiny_portraits/synthetic_30_seed2",
         "hair_type"),
        (["--dataset", "utk_face", "--count", "20", "--image_size", "40x30"],
         "utk_face/synthetic_20_40x30", "groups"),
        (["--dataset", "hidden_criterion", "--count", "400"],
         "hidden_criterion/synthetic_tiny", "criterion"),
        (["--dataset", "selfies", "--count", "30"],
         "selfies/synthetic_30", "repeated rows"),
    ],
)  # fmt: skip
def test_any_data_set_is_built_by_flags_or_by_its_name(
    tmp_path, capsys, flags, name, shown
):
    for line in (flags, ["--dataset", name, "--overwrite", "True"]):
        run(BuildDataset, ["--data_dir", str(tmp_path), *line])
        output = capsys.readouterr().out
        assert f"{name} is ready." in output and shown in output
        assert parse_next(output).config.data.dataset == name


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--dataset", "other"], "Expected a dataset out of hidden_criterion"),
        (["--folder", "a"], "tiny_portraits has no --folder"),
    ],
)
def test_what_a_data_set_does_not_know_is_refused(
    tmp_path, capsys, flags, message
):
    words = ["--data_dir", str(tmp_path), *flags]
    assert message in refusal(capsys, run, BuildDataset, words)


@pytest.mark.parametrize(
    "dataset", ["hidden_criterion", "selfies", "tiny_portraits", "utk_face"]
)
def test_a_mosaic_and_a_pack_are_drawn(tmp_path, capsys, dataset):
    flags = ["--dataset", dataset, "--count", "3"]
    run(DrawPortraits, [*flags, "--output_dir", str(tmp_path / "pack")])
    assert (tmp_path / "pack" / "pack.json").exists()
    run(DrawPortraits, [*flags, "--mosaic", str(tmp_path / "m.png")])
    assert (tmp_path / "m.png").exists()
    assert "A mosaic lies in" in capsys.readouterr().out
