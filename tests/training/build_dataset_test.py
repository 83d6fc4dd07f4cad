import os
import subprocess
import sys

import pytest

from datasets.tiny_portraits import facts
from datasets.tiny_portraits import testing
from tests.printed_commands import parse_next
from training.build_dataset import BuildDataset
from training.command import EXIT_USER_ERROR
from training.command import run


def arguments(tmp_path, **kwargs):
    flags = {"manual_dir": tmp_path / "pack", "data_dir": tmp_path / "my tfds"}
    return [f"--{name}={value}" for name, value in (flags | kwargs).items()]


def test_the_command_builds_and_says_what_comes_next(tmp_path):
    testing.write_pack(tmp_path / "pack")
    finished = subprocess.run(
        [
            sys.executable,
            "-m",
            "training.build_dataset",
            *arguments(tmp_path),
        ],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"},
    )
    assert "tiny_portraits/archives is ready." in finished.stdout
    assert "train 5, validation 2, test 2" in finished.stdout
    assert "skipped     nothing" in finished.stdout
    data = parse_next(finished.stdout).config.data
    assert data.data_dir == str(tmp_path / "my tfds")
    assert data.dataset == "tiny_portraits/archives"
    # Progress over all splits.
    assert "9/9" in finished.stderr


def break_row(pack):
    with (pack / facts.CSV_NAME).open("a") as file:
        file.write("9,male,black")


def break_archive(pack):
    archive = min((pack / facts.ARCHIVE_FOLDERS[0]).iterdir())
    archive.write_bytes(archive.read_bytes()[:200])


def remove_csv(pack):
    (pack / facts.CSV_NAME).unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (break_row, "line 11 has 3 of 4 columns"),
        (break_archive, "Tiny_Portraits_Archive_000.zip is not a whole ZIP"),
        (remove_csv, "There is no attribute file"),
    ],
)
def test_bad_input_ends_in_one_sentence(tmp_path, capsys, damage, message):
    damage(testing.write_pack(tmp_path / "pack"))
    with pytest.raises(SystemExit) as exit_info:
        run(BuildDataset, arguments(tmp_path))
    assert exit_info.value.code == EXIT_USER_ERROR
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not list(tmp_path.rglob("dataset_info.json"))


def test_skipped_items_stand_in_the_summary(tmp_path, capsys):
    break_row(testing.write_pack(tmp_path / "pack"))
    run(BuildDataset, arguments(tmp_path, on_bad="skip"))
    output = capsys.readouterr().out
    folder = tmp_path / "my tfds" / "tiny_portraits" / "archives" / "1.0.0"
    assert f"skipped     1 item, see {folder / 'skipped.csv'}" in output
    assert (folder / "skipped.csv").exists()


def test_what_means_missing_is_a_flag(tmp_path, capsys):
    pack = testing.write_pack(tmp_path / "pack")
    path = pack / facts.CSV_NAME
    path.write_text(path.read_text().replace("n/a", "").replace(",", ";"))
    run(BuildDataset, [*arguments(tmp_path), "--missing", "", "-1", "NaN"])
    output = capsys.readouterr().out
    assert "not labelled 2" in output
    assert f"read        {facts.CSV_NAME}: separated by semicolons" in output


def test_a_pack_without_validation_portraits_says_what_follows(
    tmp_path, capsys
):
    rows = {i: row for i, row in testing.ROWS.items() if i < 162_770}
    testing.write_pack(tmp_path / "pack", rows)
    run(BuildDataset, arguments(tmp_path))
    output = capsys.readouterr().out
    assert "train 5, validation none, test none" in output
    assert "No portrait of validation was found (image indices" in output
    assert "training then sets a part of train aside.\n" in output
