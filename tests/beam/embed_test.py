"""What a pipeline finds of a data set is what one process finds."""

import numpy as np
import pandas as pd
import pytest

from tests.made_runs import make_run
from tests.portrait_factory import EVERY_KIND
from tp_keras.audit.balance import measure_balance
from tp_keras.audit.embedding import _run_features
from tp_keras.audit.looks import measure_looks
from tp_keras.audit.portrait_set import load_portrait_set
from tp_keras.errors import UserError
from tp_keras.evaluation.evaluator import evaluate_predictions
from tp_keras.pipelines import embed as embed_lib
from tp_keras.pipelines.embed import embed_data_set
from tp_keras.pipelines.embed import read_embedding
from tp_keras.pipelines.tables import BRIGHTNESS_BINS
from training.beam_options import read_beam_options
from training.command import run
from training.embed import Embed

DATASET = "tiny_portraits/synthetic_tiny"
SPLITS = ("train", "validation", "test")
ONE = ("runner=FnApiRunner",)
TWO = (*ONE, "direct_running_mode=multi_processing", "direct_num_workers=2")


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "run"
    make_run(path)
    return path


@pytest.fixture(scope="module")
def portraits(tiny_data_dir):
    return load_portrait_set(tiny_data_dir, DATASET, SPLITS)


@pytest.fixture(scope="module", params=[ONE, TWO], ids=["one", "two"])
def embedded(request, run_dir, tiny_data_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("embedded") / "embedding"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embed_lib, "PART_SIZE", 64)
        facts = embed_data_set(
            run_dir,
            folder,
            read_beam_options(request.param),
            tiny_data_dir,
            DATASET,
            SPLITS,
        )
    # 320, 40 and 40 portraits.
    assert facts["parts"] == 5 + 1 + 1
    return folder, facts


def test_features_are_those_of_the_audit(embedded, portraits, run_dir):
    folder, facts = embedded
    indices, features = read_embedding(folder)
    order = np.argsort(portraits.indices)
    assert (indices == portraits.indices[order]).all()
    expected = _run_features(portraits, run_dir)[order]
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-5)
    assert facts["size"] == expected.shape[1]
    assert sum(facts["count"].values()) == len(portraits)


def test_confusion_is_that_of_the_evaluation(embedded, portraits, run_dir):
    found = pd.read_csv(embedded[0] / "confusion.csv")
    keys = ["split", "task", "group", "class_name", "predicted_class"]
    found = found.set_index(keys)["count"].to_dict()
    classifier = embed_lib.RunFolder(run_dir).load_model()
    checked = 0
    for part in portraits.parts:
        answers = classifier.predict_answers(part.images, verbose=0)
        for record in evaluate_predictions(
            answers,
            part.labels,
            part.schema,
            seed=0,
            split=part.split,
            num_bootstraps=2,
        ):
            if record.metric != "confusion":
                continue
            key = tuple(getattr(record, name) for name in keys)
            share = record.value or 0
            assert found[key] == round(share * record.count), key
            checked += 1
    assert checked == 3 * 3 * (2 * 2 + 5 * 5 + 3 * 3)


def test_labels_are_those_of_the_audit(embedded, portraits):
    found = pd.read_csv(embedded[0] / "labels.csv")
    keys = ["split", "task", "group", "class_name"]
    assert found["count"].sum() == 2 * 3 * len(portraits)
    found = found.set_index(keys)["count"].to_dict()
    checked = 0
    for record in measure_balance(portraits).records:
        if record.get("split") is None:
            continue
        key = [record["split"], record["task"], record["group"]]
        if record["metric"] == "class_share":
            key.append(record["class_name"])
        elif record["metric"] == "missing_share":
            key.append("missing")
        else:
            continue
        assert found[tuple(key)] == round(record["value"] * record["count"])
        checked += 1
    # Classes and missing ones, and the latter of hair in both groups.
    assert checked == 3 * (2 + 5 + 3 + 3 + 2 * 2)


def test_brightness_is_that_of_the_audit(embedded, portraits):
    found = pd.read_csv(embedded[0] / "brightness.csv")
    brightness = measure_looks(portraits).statistics["brightness"]
    for place, split in enumerate(SPLITS):
        for name, group in (("all", None), ("female", 0), ("male", 1)):
            rows = portraits.splits == place
            if group is not None:
                rows &= portraits.groups == group
            expected, edges = np.histogram(
                brightness[rows], BRIGHTNESS_BINS, (0, 1)
            )
            part = found[(found["split"] == split) & (found["group"] == name)]
            assert part["count"].tolist() == expected.tolist()
            np.testing.assert_allclose(part["from"], edges[:-1])


def test_what_does_not_fit_is_told_before_the_pipeline(
    tiny_data_dir, tmp_path, run_dir
):
    options, own = read_beam_options(ONE), (tiny_data_dir, DATASET)
    make_run(tmp_path / "other", EVERY_KIND)
    with pytest.raises(UserError, match=r"portraits of \(64, 48, 3\); build"):
        embed_data_set(tmp_path / "other", tmp_path / "new", options, *own)
    with pytest.raises(UserError, match="out of train, .*split=nothing"):
        embed_data_set(run_dir, tmp_path / "new", options, *own, ["nothing"])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("kept")
    with pytest.raises(UserError, match="empty folder or that of an earlier"):
        embed_data_set(run_dir, tmp_path / "mine", options, *own)
    with pytest.raises(UserError, match="Expected a folder with embedding.js"):
        read_embedding(tmp_path / "mine")
    assert not (tmp_path / "new").exists()


def told(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        run(Embed, ["--run_dir", *map(str, words)])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said.rpartition("error: ")[2]
    return said.rpartition("error: ")[2]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["runner=Nobody"], "Unexpected pipeline runner: Nobody"),
        (["direct_num_workers=two"], "--direct_num_workers: invalid int"),
        (["direct_num_worker=2"], "Beam has no option direct_num_worker."),
    ],
)
def test_options_that_beam_does_not_know_are_refused(
    run_dir, capsys, words, message
):
    said = told(capsys, run_dir, "--beam_options", *words)
    assert message in said and "Received: beam_options=" in said


def test_a_pipeline_that_fails_ends_in_a_sentence_and_leaves_nothing(
    run_dir, tiny_data_dir, tmp_path, capsys, monkeypatch
):
    def fail(*arguments, **settings):
        raise ValueError("no such picture")

    monkeypatch.setattr(embed_lib, "load_portraits", fail)
    words = run_dir, "--data_dir", tiny_data_dir, "--dataset", DATASET
    folder = tmp_path / "embedding"
    said = told(capsys, *words, "--output_dir", folder)
    assert "The Beam pipeline ended early: no such picture" in said
    assert list(tmp_path.iterdir()) == []
