"""All commands on every choice of tasks, as they are typed."""

import itertools

import pytest
from PIL import Image

from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from training import debias
from training import evaluate
from training import export
from training import fairness_report
from training import predict
from training import search_similar
from training import train
from training import tune
from training.command import run

SUBSETS = [
    subset
    for count in (1, 2, 3)
    for subset in itertools.combinations(SCHEMA.task_names, count)
]


@pytest.mark.large
@pytest.mark.parametrize("tasks", SUBSETS, ids="+".join)
def test_the_commands_take_every_subset(tasks, tiny_data_dir, tmp_path, capsys):
    data = ["--data_dir", str(tiny_data_dir)]
    data += ["--dataset", "tiny_portraits/synthetic_tiny"]
    photo, path = str(tmp_path / "photo.png"), str(tmp_path / "run")
    Image.fromarray(make_portraits(1).images[0]).save(photo)
    guarded = [name for name in tasks if name in SCHEMA.guarded]

    def told(command, *words):
        with pytest.raises(SystemExit):
            run(command, [*map(str, words)])
        return capsys.readouterr().err

    def done(command, *words):
        run(command, [*map(str, words)])
        return capsys.readouterr().out

    words = ["demo", "--run_dir", path, *data, "--tasks", *tasks]
    words += ["--backbone", "portrait_xs", "--epochs", "1"]
    train.main([*words, "--batch_size", "32"])
    out = done(evaluate.Evaluate, "--run_dir", path)
    assert all(f"| {name} " in out for name in tasks)
    bundles = tmp_path / "exported"
    formats = "saved_model,litert,litert_int8,onnx,openvino"
    done(
        export.Export,
        *("--run_dir", path, "--output_dir", bundles, "--formats", formats),
    )
    bundle = bundles / "portrait_attributes"
    out = done(predict.Predict, "--bundle", bundle, "--images", photo)
    assert all(name in out for name in tasks)
    out = done(
        tune.Tune,
        *("--base", "demo", *data, "--tasks", *tasks, "--trials", 1),
        *("--budget_seconds", 1, "--tune_dir", tmp_path / "tune"),
        *("--backbones", "portrait_xs"),
    )
    assert all(f"| {name} " in out for name in tasks)
    report = ("--num_bootstraps", 20, "--num_permutations", 20)
    search = ("--run_dir", path, "--image", photo, "--k", 3)
    debiased = ("--run_dir", path, "--output_dir", tmp_path / "debiased")
    if not guarded:
        error = told(fairness_report.FairnessReport, "--run_dir", path)
        assert "learned no guarded task" in error
        assert "none, and so no embedding" in told(
            search_similar.SearchSimilar, *search
        )
        assert "Expected guarded tasks" in told(debias.Debias, *debiased)
        return
    done(fairness_report.FairnessReport, "--run_dir", path, *report)
    done(search_similar.SearchSimilar, *search, "--by", guarded[0])
    done(
        debias.Debias,
        *(*debiased, "--branch_steps", 20, "--posthoc", "conditional_leace"),
    )
    done(
        fairness_report.FairnessReport,
        *("--run_dir", tmp_path / "debiased", *report),
    )
