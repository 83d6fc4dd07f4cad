import pytest

from benchmarks.generators import Generators
from benchmarks.generators import table_rows
from tests.portrait_factory import SCHEMA
from tp_keras.config import DataConfig
from tp_keras.files import write_json
from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.generator.config import VaeModelConfig
from tp_keras.generator.training.folder import VaeRunFolder
from tp_keras.records.record import Record
from tp_keras.records.record import write_records
from training import command


def make_run(path, score, coverage=None, seed=0):
    run = VaeRunFolder(path)
    model = VaeModelConfig(classifier_run="eyes")
    run.claim(VaeExperimentConfig(data=DataConfig(), model=model))
    run.model_path.write_text("")
    run.record(schema=SCHEMA.to_dict())
    found = {"normalized_kernel_distance": score, "coverage": coverage}
    records = [
        Record(metric, "all", "all", value, 9, variant="generated judge")
        for metric, value in found.items()
        if value is not None
    ]
    folder = path / "generation" / "test"
    write_records(folder / "records.jsonl", records)
    facts = {"settings": {"seed": seed}, "judge": {"run": str(path)}}
    write_json(folder / "measured.json", facts)


def test_each_figure_is_told_over_the_seeds(tmp_path, capsys):
    make_run(tmp_path / "a", 0.3, 0.5)
    make_run(tmp_path / "b", 0.5)
    make_run(tmp_path / "c", 0.1, 0.9)
    words = [str(tmp_path / name) for name in "abc"]
    command.run(Generators, ["--runs", *words])
    rows = capsys.readouterr().out.splitlines()
    assert rows[0] == "| figure | mean | lowest | highest | runs |"
    assert rows[2:] == [
        "| kernel score, independent judges | - | - | - | 0 of 3 |",
        "| kernel score, generated | 0.300 | 0.100 | 0.500 | 3 of 3 |",
        "| coverage of test, judge | 0.700 | 0.500 | 0.900 | 2 of 3 |",
    ]


def test_figures_come_in_the_order_of_the_summary():
    rows = table_rows([{"a": None}, {"a": 1.0, "b": 2.0}])
    assert rows == [
        ("a", "1.000", "1.000", "1.000", "1 of 2"),
        ("b", "2.000", "2.000", "2.000", "1 of 2"),
    ]


def test_runs_that_are_not_measured(tmp_path, capsys):
    make_run(tmp_path / "a", 0.3)
    make_run(tmp_path / "c", 0.3, seed=1)
    for words, message in (
        (["a", "a"], "Expected each run once"),
        (["a", "c"], f"Received: {tmp_path / 'c'} beside {tmp_path / 'a'}"),
        (["a", "b"], f"training.evaluate_vae --run_dir {tmp_path / 'b'}`"),
    ):
        with pytest.raises(SystemExit) as caught:
            paths = [str(tmp_path / word) for word in words]
            command.run(Generators, ["--runs", *paths])
        assert caught.value.code == command.EXIT_USER_ERROR
        assert message in capsys.readouterr().err
