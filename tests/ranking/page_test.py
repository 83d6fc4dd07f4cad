"""Page, table and plot are made from records, and the command writes them."""

import dataclasses
import json

import numpy as np
import pytest

from datasets.selfies.table import COLUMNS
from tests.ranking.rank_test import QUICK
from tests.ranking.rank_test import make_table
from tests.ranking.rank_test import texts
from tp_keras.errors import UserError
from tp_keras.ranking import page
from tp_keras.ranking.rank import rank_attributes
from tp_keras.ranking.rank_plot import draw_ranks
from tp_keras.ranking.summary import sentences
from tp_keras.records.record import read_records
from tp_keras.records.report import write_report
from training import command
from training.rank_attributes import RankAttributes


@pytest.fixture(scope="module")
def records():
    table = make_table(800).assign(same="1")
    return rank_attributes(table, "score", QUICK, "faces.csv")


def test_the_table_holds_every_attribute_the_strongest_first(records):
    table = page.ranking_table(records)
    assert [*table["attribute"][:1]] == ["flag_0"]
    assert {*table["attribute"]} == {
        *(f"flag_{n}" for n in range(5)),
        "shadow",
        "same",
    }
    last = table.iloc[-1]
    assert (last["attribute"], last["Cramer's V"]) == (
        "same",
        "not supported (one value)",
    )
    assert (last["n"], last["odds ratio"]) == ("640", "-")
    assert table["rank by table"][0].startswith("1 [1, ")


def test_sentences_follow_the_records(records):
    said = [*sentences(records)]
    assert said[0].endswith(
        "attributes go with score at a false discovery rate of 5%."
    )
    assert said[1].startswith("flag_0: rank 1 [1, ")
    assert "its level True has" in said[1] and "odds of above" in said[1]
    rng = np.random.default_rng(0)
    noise = texts(
        score=rng.normal(size=300),
        one=rng.random(300) < 0.5,
        two=rng.random(300) < 0.5,
    )
    noise["twin"] = noise["two"]
    other = [*sentences(rank_attributes(noise, "score", QUICK))]
    assert other[0].startswith("0 of 3 attributes go with score")
    assert any("twin and two correlate by 1.00" in text for text in other)
    assert not any("correlate" in text for text in said)


def test_the_plot_has_a_row_an_attribute_and_a_line_an_interval(records):
    (panel,) = draw_ranks(records).axes
    labels = [text.get_text() for text in panel.get_yticklabels()]
    assert labels == [*page.ranking_table(records)["attribute"][:-1]]
    assert len(panel.collections) == 2 * len(labels)
    assert len(panel.lines) == 3 * len(labels)


def test_names_are_no_markup(tmp_path):
    table = make_table(100).rename(columns={"flag_0": "<i>$x_0$</i>"})
    found = rank_attributes(table, "score", QUICK)
    path = tmp_path / "ranked" / "ranking.html"
    write_report(path.parent, path, found, page.make_report, {})
    assert "&lt;i&gt;$x_0$" in path.read_text()
    assert "<i>$" not in path.read_text()
    labels = draw_ranks(found).axes[0].get_yticklabels()
    assert r"<i>\$x_0\$</i>" in [label.get_text() for label in labels]


def write(path, table):
    table.to_csv(path, index=False)
    return str(path)


def test_the_command_writes_all_and_says_where(tmp_path, capsys):
    table = write(tmp_path / "faces.csv", make_table(300))
    folder = tmp_path / "ranked"
    words = ["--table", table, "--target", "score", "--bootstraps", "20"]
    for _ in range(2):
        command.run(RankAttributes, [*words, "--output_dir", str(folder)])
    assert {path.name for path in folder.iterdir()} == {
        *("records.jsonl", "table.md", "ranks.png", "measured.json"),
        "report.json",
        "ranking.html",
    }
    out = capsys.readouterr().out
    assert "`faces.csv`, split `training part`" in out
    assert "| flag_0 " in out and str(folder / "ranking.html") in out
    html = (folder / "ranking.html").read_text()
    assert "data:image/png" in html and "one minus the share of ones" in html
    found = read_records(folder / "records.jsonl")
    assert {record.task for record in found} == {"score"}
    facts = json.loads((folder / "measured.json").read_text())
    assert facts["settings"] == {
        **dataclasses.asdict(QUICK),
        "bootstraps": 20,
        "ignore": [],
    }


def test_the_command_reads_selfies_as_they_come(tmp_path, capsys):
    rng = np.random.default_rng(0)
    path = tmp_path / "selfies.txt"
    flags = rng.choice([-1, 1], size=(200, 36))
    score = 4 + flags[:, 3] * 0.5 + rng.normal(size=200) / 4
    flags[rng.random(200) < 0.2, 1] = 0
    path.write_text(
        "".join(
            f"selfie_{row} {score[row]:.3f} {' '.join(map(str, flags[row]))}\n"
            for row in range(200)
        )
    )
    words = ["--table", str(path), "--target", "popularity"]
    words += ["--bootstraps", "10", "--output_dir", str(tmp_path / "out")]
    command.run(RankAttributes, words)
    out = capsys.readouterr().out
    assert f"{COLUMNS[5]}: rank 1 [1, 1] by itself" in out
    (row,) = [line for line in out.splitlines() if f"| {COLUMNS[3]} " in line]
    known = int(row.split("|")[-2])
    assert 110 < known < 145
    assert "not supported (160 different texts)" in out


def test_a_folder_of_other_things_is_left_alone(tmp_path):
    table = write(tmp_path / "faces.csv", make_table(100))
    ranked = RankAttributes(table, "score", str(tmp_path), QUICK)
    with pytest.raises(UserError, match="Expected an empty folder"):
        ranked.execute()
    assert (tmp_path / "faces.csv").is_file()


def test_a_bad_setting_ends_in_one_sentence(tmp_path, capsys):
    table = write(tmp_path / "faces.csv", make_table(100))
    words = ["--table", table, "--target", "scores"]
    for more, said in (
        ([], "did you mean score?"),
        (["--quantiles", "1"], "Expected quantiles between 2 and 20"),
        (["--training_share", "0"], "Expected training_share between"),
    ):
        with pytest.raises(SystemExit) as ended:
            command.run(RankAttributes, words + more)
        assert ended.value.code == command.EXIT_USER_ERROR
        assert said in capsys.readouterr().err
